package resp

// AppendParts is Append for a writer that need not copy long strings: a bulk string of
// least bytes or more, also one in an array, is given to part, with all that comes
// before it in dst. Part returns what to append the rest to.
func (v Value) AppendParts(dst []byte, d Dialect, least int, part func(dst []byte, s string) []byte) []byte {
	switch v.Kind {
	case Bulk:
		if len(v.Str) < least {
			break
		}
		dst = part(appendHeader(dst, '$', int64(len(v.Str))), v.Str)
		return append(dst, '\r', '\n')
	case Array, Set, Push:
		dst = appendHeader(dst, markOf(v.Kind, d), int64(len(v.Elems)))
		for i := range v.Elems {
			dst = v.Elems[i].AppendParts(dst, d, least, part)
		}
		return dst
	}
	return v.Append(dst, d)
}

// Weight returns about how many bytes Append adds, and how many of them AppendParts
// does not copy.
func (v Value) Weight(least int) (size, parts int) {
	size = len(v.Str) + 16
	if v.Kind == Bulk && len(v.Str) >= least {
		parts = len(v.Str)
	}
	for i := range v.Elems {
		s, p := v.Elems[i].Weight(least)
		size += s
		if v.Kind == Array || v.Kind == Set || v.Kind == Push {
			parts += p
		}
	}
	return size, parts
}

// markOf returns the mark of an array, a set or a push.
func markOf(k Kind, d Dialect) byte {
	switch k {
	case Set:
		return only3(d, '~')
	case Push:
		return only3(d, '>')
	}
	return '*'
}
