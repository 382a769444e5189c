package resp

import (
	"math"
	"strconv"
)

// A Dialect is a way to write values.
type Dialect uint8

// The dialects.
const (
	RESP2     Dialect = iota // Redis before HELLO 3
	RESP3                    // Redis after HELLO 3
	Classic                  // the article's: RESP2 with dictionaries and a single null
	Canonical                // RESP3 with *-1 kept apart from _, and Pairs and Keyed from an Array and a Map, so that nothing is lost; for storage
)

// Append appends v, written in dialect d, to dst. What a dialect cannot say it
// says in the nearest way: RESP2 flattens a Map into an Array, for one.
//
// Equal values give equal bytes. A Simple or Error is one line by nature: each
// CR or LF in it becomes a space, lest it forge a reply of its own. The last of
// the Elems of a Map, of Pairs or of a Keyed that lacks its partner is given Null.
func (v Value) Append(dst []byte, d Dialect) []byte {
	switch v.Kind {
	case Null, NullArray:
		return appendNull(dst, v.Kind, d)
	case Simple:
		return appendLine(dst, '+', v.Str)
	case Error:
		return appendLine(dst, '-', v.Str)
	case Integer:
		return appendHeader(dst, ':', v.Int)
	case Bulk:
		return appendBulk(dst, v.Str)
	case BigNumber:
		if d.rich() {
			return appendLine(dst, '(', v.Str)
		}
		return appendBulk(dst, v.Str)
	case Array, Set, Push:
		return v.appendElems(appendHeader(dst, markOf(v.Kind, d), int64(len(v.Elems))), d)
	case Map:
		return v.appendMap(dst, d)
	case Pairs:
		return v.appendPairs(dst, d)
	case Keyed:
		return v.appendKeyed(dst, d)
	case Double:
		return v.appendDouble(dst, d)
	case Bool:
		return v.appendBool(dst, d)
	case Verbatim:
		return v.appendVerbatim(dst, d)
	}
	return appendNull(dst, Null, d)
}

// rich reports whether d has the types that RESP3 brought.
func (d Dialect) rich() bool { return d == RESP3 || d == Canonical }

// only3 returns mark where d has it, else that of an array.
func only3(d Dialect, mark byte) byte {
	if d.rich() {
		return mark
	}
	return '*'
}

func appendNull(dst []byte, k Kind, d Dialect) []byte {
	switch {
	case k == NullArray && (d == RESP2 || d == Canonical):
		return append(dst, "*-1\r\n"...)
	case d.rich():
		return append(dst, "_\r\n"...)
	}
	return append(dst, "$-1\r\n"...)
}

func appendHeader(dst []byte, mark byte, n int64) []byte {
	dst = append(dst, mark)
	dst = strconv.AppendInt(dst, n, 10)
	return append(dst, '\r', '\n')
}

func appendLine(dst []byte, mark byte, s string) []byte {
	dst = append(dst, mark)
	from := len(dst)
	dst = append(dst, s...)
	for i, c := range dst[from:] {
		if c == '\r' || c == '\n' {
			dst[from+i] = ' '
		}
	}
	return append(dst, '\r', '\n')
}

func appendBulk[S string | []byte](dst []byte, s S) []byte {
	dst = appendHeader(dst, '$', int64(len(s)))
	dst = append(dst, s...)
	return append(dst, '\r', '\n')
}

func (v Value) appendElems(dst []byte, d Dialect) []byte {
	for i := range v.Elems {
		dst = v.Elems[i].Append(dst, d)
	}
	return dst
}

func (v Value) appendMap(dst []byte, d Dialect) []byte {
	pairs := (len(v.Elems) + 1) / 2
	if d == RESP2 {
		dst = appendHeader(dst, '*', int64(2*pairs))
	} else {
		dst = appendHeader(dst, '%', int64(pairs))
	}
	dst = v.appendElems(dst, d)
	if len(v.Elems)%2 == 1 {
		dst = appendNull(dst, Null, d)
	}
	return dst
}

// appendPairs writes the pairs as RESP3 has them, as one flat array, or behind a
// mark of their own, which counts the pairs as that of a Map does.
func (v Value) appendPairs(dst []byte, d Dialect) []byte {
	pairs := int64(len(v.Elems)+1) / 2
	switch d {
	case RESP3:
		dst = appendHeader(dst, '*', pairs)
	case Canonical:
		dst = appendHeader(dst, '&', pairs)
	default:
		dst = appendHeader(dst, '*', 2*pairs)
	}
	return v.appendTwos(dst, d, d == RESP3)
}

// appendKeyed writes a map, an array of pairs, or what stands for either behind
// a mark of its own.
func (v Value) appendKeyed(dst []byte, d Dialect) []byte {
	pairs := int64(len(v.Elems)+1) / 2
	switch d {
	case RESP3:
		return v.appendTwos(appendHeader(dst, '%', pairs), d, false)
	case Canonical:
		return v.appendTwos(appendHeader(dst, '@', pairs), d, false)
	}
	return v.appendTwos(appendHeader(dst, '*', pairs), d, true)
}

// appendTwos writes elements of which each two belong together, each two as an
// array if wanted.
func (v Value) appendTwos(dst []byte, d Dialect, arrays bool) []byte {
	for i := range v.Elems {
		if arrays && i%2 == 0 {
			dst = appendHeader(dst, '*', 2)
		}
		dst = v.Elems[i].Append(dst, d)
	}
	if len(v.Elems)%2 == 1 {
		dst = appendNull(dst, Null, d)
	}
	return dst
}

func (v Value) appendDouble(dst []byte, d Dialect) []byte {
	var buf [32]byte
	text := append(buf[:0], v.Str...)
	if len(text) == 0 {
		text = AppendFloat(text, v.Float())
	}
	if d.rich() {
		return append(append(append(dst, ','), text...), '\r', '\n')
	}
	return appendBulk(dst, text)
}

func (v Value) appendBool(dst []byte, d Dialect) []byte {
	switch {
	case d.rich() && v.Int != 0:
		return append(dst, "#t\r\n"...)
	case d.rich():
		return append(dst, "#f\r\n"...)
	case v.Int != 0:
		return append(dst, ":1\r\n"...)
	}
	return append(dst, ":0\r\n"...)
}

func (v Value) appendVerbatim(dst []byte, d Dialect) []byte {
	if !d.rich() {
		return appendBulk(dst, v.Str)
	}
	dst = appendHeader(dst, '=', int64(len("txt:")+len(v.Str)))
	dst = append(dst, "txt:"...)
	dst = append(dst, v.Str...)
	return append(dst, '\r', '\n')
}

// AppendFloat appends f as Redis 7.2 writes it, in scores and replies alike. It
// is the shortest text that reads back as the same number.
func AppendFloat(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "nan"...)
	case math.IsInf(f, 1):
		return append(dst, "inf"...)
	case math.IsInf(f, -1):
		return append(dst, "-inf"...)
	case f == 0 && math.Signbit(f):
		return append(dst, "-0"...)
	case math.Abs(f) <= 1<<62 && f == math.Trunc(f):
		// Redis prints whole numbers up to half of an int64 as integers.
		return strconv.AppendInt(dst, int64(f), 10)
	}
	var buf [32]byte
	sci := strconv.AppendFloat(buf[:0], f, 'e', -1, 64) // -d.ddde±dd
	digits, mark := 0, 0
	for i, c := range sci {
		if c == 'e' {
			mark = i
			break
		}
		if c >= '0' && c <= '9' {
			digits++
		}
	}
	exp, _ := strconv.Atoi(string(sci[mark+1:]))
	last := exp - digits + 1 // the power of ten of the last digit
	whole := last >= 0 && exp < digits+7
	fraction := last < 0 && (last > -7 || exp > -4 && exp < 4)
	if whole || fraction {
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	dst = append(dst, sci[:mark+2]...) // with the sign of the exponent
	if exp < 0 {
		exp = -exp
	}
	return strconv.AppendInt(dst, int64(exp), 10) // Go pads it to two digits, Redis does not
}
