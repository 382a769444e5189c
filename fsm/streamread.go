package fsm

import "github.com/trivetdb/trivet/resp"

// xrange is XREVRANGE too, which takes the ends the other way round.
func xrange(tx *Tx, args [][]byte) resp.Value {
	back := len(args[0]) > len("XRANGE")
	first, last := args[2], args[3]
	if back {
		first, last = last, first
	}
	from, fail := parseIDEnd(first, false)
	if fail.IsError() {
		return fail
	}
	to, fail := parseIDEnd(last, true)
	if fail.IsError() {
		return fail
	}
	count := int64(-1)
	for rest := args[4:]; len(rest) > 0; rest = rest[2:] {
		if len(rest) == 1 || !equalFold(rest[0], "COUNT") {
			return errSyntax
		}
		n, ok := parseInt(rest[1])
		if !ok {
			return errNotInteger
		}
		count = max(n, 0)
	}
	s, ok, fail := tx.stream(args[1])
	switch {
	case !ok:
		return orEmpty(fail)
	case count == 0:
		return resp.Value{Kind: resp.NullArray}
	}
	return resp.List(s.between(from, to, count, back)...)
}

// xreadOptions are what XREAD takes.
type xreadOptions struct {
	count int64 // negative for all
	keys  [][]byte
	ids   [][]byte
}

// parseXRead parses: XREAD [COUNT count] [BLOCK milliseconds] STREAMS key ... id ...
func parseXRead(args [][]byte) (opt xreadOptions, fail resp.Value) {
	opt.count = -1
	for rest := args[1:]; len(rest) > 0; {
		switch more := len(rest) > 1; {
		case more && equalFold(rest[0], "BLOCK"):
			switch ms, ok := parseInt(rest[1]); {
			case !ok:
				return opt, errReadTimeout
			case ms < 0:
				return opt, errTimeoutNegative
			}
			rest = rest[2:]
		case more && equalFold(rest[0], "COUNT"):
			n, ok := parseInt(rest[1])
			if !ok {
				return opt, errNotInteger
			}
			if opt.count = n; n <= 0 {
				opt.count = -1
			}
			rest = rest[2:]
		case more && equalFold(rest[0], "STREAMS"):
			n := len(rest) / 2
			if len(rest)%2 == 0 {
				return opt, errReadUnbalanced
			}
			opt.keys, opt.ids = rest[1:1+n], rest[1+n:]
			return opt, resp.Nil
		case len(rest) > 2 && equalFold(rest[0], "GROUP"):
			return opt, errReadGroup
		case equalFold(rest[0], "NOACK"):
			return opt, errReadNoAck
		default:
			return opt, errSyntax
		}
	}
	return opt, errSyntax
}

// xread answers what there is, and null where there is nothing: the state knows
// no waiting, so BLOCK has no effect.
func xread(tx *Tx, args [][]byte) resp.Value {
	opt, fail := parseXRead(args)
	if fail.IsError() {
		return fail
	}
	streams := make([]*stream, len(opt.keys))
	after := make([]streamID, len(opt.keys))
	for i, key := range opt.keys {
		s, ok, fail := tx.stream(key)
		if fail.IsError() {
			return fail
		}
		switch id := string(opt.ids[i]); {
		case id == "$": // past all that there is
			continue
		case id == ">":
			return errReadNew
		default:
			var valid bool
			if after[i], valid = parseStreamID(opt.ids[i], 0); !valid {
				return errStreamID
			}
		}
		if ok {
			streams[i] = s
		}
	}
	var found []resp.Value
	for i, s := range streams {
		from, ok := after[i].next()
		if s == nil || !ok {
			continue
		}
		if entries := s.between(from, maxStreamID, opt.count, false); len(entries) > 0 {
			found = append(found, resp.List(resp.Str(string(opt.keys[i])), resp.List(entries...)))
		}
	}
	if found == nil {
		return resp.Value{Kind: resp.NullArray}
	}
	return resp.List(found...)
}

// keysAfterStreams returns the positions of the keys of XREAD: the first half of
// what follows the word STREAMS.
func keysAfterStreams(args [][]byte) []int {
	for i := 1; i < len(args); i++ {
		if !equalFold(args[i], "STREAMS") {
			continue
		}
		var keys []int
		if n := len(args) - i - 1; n%2 == 0 {
			for k := range n / 2 {
				keys = append(keys, i+1+k)
			}
		}
		return keys
	}
	return nil
}
