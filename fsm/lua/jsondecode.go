package lua

import (
	"strings"
	"unicode/utf8"

	lua "github.com/yuin/gopher-lua"
)

// A jsonReader decodes one text. It reads token by token, with the lenience of
// lua-cjson: control characters in strings, numbers of C.
type jsonReader struct {
	call call
	cfg  *jsonConfig
	s    string
	pos  int
	tok  jsonToken
}

// A jsonToken is a token, what it holds, and where it starts.
type jsonToken struct {
	kind  string // as errors name it, or what is wrong with it
	value lua.LValue
	at    int
}

// The kinds of token that matter to the reader.
const (
	tokEnd         = "T_END"
	tokObjectBegin = "T_OBJ_BEGIN"
	tokObjectEnd   = "T_OBJ_END"
	tokArrayBegin  = "T_ARR_BEGIN"
	tokArrayEnd    = "T_ARR_END"
	tokColon       = "T_COLON"
	tokComma       = "T_COMMA"
	tokString      = "T_STRING"
	tokNumber      = "T_NUMBER"
	tokBoolean     = "T_BOOLEAN"
	tokNull        = "T_NULL"
)

func jsonDecode(c call) int {
	if c.GetTop() != 1 {
		c.argError(1, "expected 1 argument")
	}
	s := c.str(1)
	if len(s) >= 2 && (s[0] == 0 || s[1] == 0) {
		c.raise("JSON parser does not support UTF-16 or UTF-32")
	}
	r := &jsonReader{call: c, cfg: c.run().config(), s: s}
	c.charge(1 + len(s)/8)
	r.next()
	v := r.value(0)
	r.next()
	if r.tok.kind != tokEnd {
		r.fail("the end")
	}
	c.Push(v)
	return 1
}

func (r *jsonReader) fail(want string) {
	r.call.raise("Expected %s but found %s at character %d", want, r.tok.kind, r.tok.at+1)
}

func (r *jsonReader) value(depth int) lua.LValue {
	switch r.tok.kind {
	case tokString, tokNumber, tokBoolean, tokNull:
		return r.tok.value
	case tokObjectBegin:
		return r.object(r.deeper(depth))
	case tokArrayBegin:
		return r.array(r.deeper(depth))
	}
	r.fail("value")
	return nil
}

func (r *jsonReader) deeper(depth int) int {
	if depth++; depth > r.cfg.decodeDepth || depth > maxNested && r.call.run().strict() {
		r.call.raise("Found too many nested data structures (%d) at character %d", depth, r.pos)
	}
	r.call.charge(tableCost)
	r.call.pay(strictTable)
	return depth
}

func (r *jsonReader) object(depth int) lua.LValue {
	t := noLState.CreateTable(0, 4)
	if r.next(); r.tok.kind == tokObjectEnd {
		return t
	}
	for {
		if r.tok.kind != tokString {
			r.fail("object key string")
		}
		key := r.tok.value
		r.call.payKey(key)
		r.call.pay(hashCost)
		if r.next(); r.tok.kind != tokColon {
			r.fail("colon")
		}
		r.next()
		t.RawSet(key, r.value(depth))
		switch r.next(); r.tok.kind {
		case tokObjectEnd:
			return t
		case tokComma:
		default:
			r.fail("comma or object end")
		}
		r.next()
	}
}

func (r *jsonReader) array(depth int) lua.LValue {
	t := newTable()
	if r.next(); r.tok.kind == tokArrayEnd {
		return t
	}
	for i := 1; ; i++ {
		r.call.payElement(i)
		t.RawSetInt(i, r.value(depth))
		switch r.next(); r.tok.kind {
		case tokArrayEnd:
			return t
		case tokComma:
		default:
			r.fail("comma or array end")
		}
		r.next()
	}
}

var jsonMarks = map[byte]string{
	'{': tokObjectBegin, '}': tokObjectEnd, '[': tokArrayBegin, ']': tokArrayEnd, ':': tokColon, ',': tokComma,
}

// next reads a token.
func (r *jsonReader) next() {
	for r.pos < len(r.s) && strings.IndexByte(" \t\n\r", r.s[r.pos]) >= 0 {
		r.pos++
	}
	r.tok = jsonToken{kind: tokEnd, at: r.pos}
	if r.pos >= len(r.s) || r.s[r.pos] == 0 {
		return
	}
	c := r.s[r.pos]
	if mark, ok := jsonMarks[c]; ok {
		r.tok.kind = mark
		r.pos++
		return
	}
	rest := r.s[r.pos:]
	switch {
	case c == '"':
		r.text()
	case c == '-' || c == '+' || c >= '0' && c <= '9':
		r.number()
	case strings.HasPrefix(rest, "true"):
		r.word(tokBoolean, lua.LTrue, 4)
	case strings.HasPrefix(rest, "false"):
		r.word(tokBoolean, lua.LFalse, 5)
	case strings.HasPrefix(rest, "null"):
		r.word(tokNull, null, 4)
	case r.cfg.decodeInvalid && strings.IndexByte("iInN", c) >= 0:
		r.number()
	default:
		r.tok.kind = "invalid token"
	}
}

func (r *jsonReader) word(kind string, v lua.LValue, size int) {
	r.tok.kind, r.tok.value = kind, v
	r.pos += size
}

// number reads a number as C's strtod does.
func (r *jsonReader) number() {
	rest := r.s[r.pos:]
	n := numberEnd(rest)
	if n == 0 {
		r.tok.kind = "invalid token"
		if c := rest[0]; c == '-' || c == '+' || c >= '0' && c <= '9' {
			r.tok.kind = "invalid number"
		}
		return
	}
	body := rest[:n]
	if !r.cfg.decodeInvalid && strings.ContainsAny(body, "xXnNiI") {
		r.tok.kind = "invalid number"
		return
	}
	f, _ := parseNumber(body)
	r.word(tokNumber, lua.LNumber(f), n)
}

// numberEnd returns how many bytes of s strtod would read.
func numberEnd(s string) int {
	i := 0
	if s[0] == '-' || s[0] == '+' {
		i++
	}
	body := strings.ToLower(s[i:min(len(s), i+8)])
	for _, word := range []string{"infinity", "inf", "nan"} {
		if strings.HasPrefix(body, word) {
			return i + len(word)
		}
	}
	if strings.HasPrefix(body, "0x") {
		digits := 0
		for i+2+digits < len(s) && strings.IndexByte("0123456789abcdefABCDEF", s[i+2+digits]) >= 0 {
			digits++
		}
		if digits > 0 {
			return i + 2 + digits
		}
		return i + 1
	}
	n, ok := decimalEnd(s[i:])
	if !ok {
		return 0
	}
	return i + n
}

var jsonEscapes = map[byte]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 't': '\t', 'n': '\n', 'f': '\f', 'r': '\r'}

// text reads a string. Its token starts behind the opening quote where an
// escape is wrong, as lua-cjson counts.
func (r *jsonReader) text() {
	start := r.pos + 1
	end := strings.IndexAny(r.s[start:], `"\`)
	if end >= 0 && r.s[start+end] == '"' { // the common case
		r.word(tokString, lua.LString(r.s[start:start+end]), end+2)
		return
	}
	var b []byte
	for i := start; i < len(r.s); i++ {
		c := r.s[i]
		if c == '"' {
			r.tok.kind, r.tok.value = tokString, lua.LString(b)
			r.pos = i + 1
			return
		}
		if c != '\\' {
			b = append(b, c)
			continue
		}
		if i++; i == len(r.s) {
			break
		}
		if r.s[i] == 'u' {
			point, n := unicodeEscape(r.s[i-1:])
			if n == 0 {
				r.tok.kind, r.tok.at = "invalid unicode escape code", i-1
				return
			}
			b = utf8.AppendRune(b, point)
			i += n - 2
			continue
		}
		plain, ok := jsonEscapes[r.s[i]]
		if !ok {
			r.tok.kind, r.tok.at = "invalid escape code", i-1
			return
		}
		b = append(b, plain)
	}
	r.tok.kind, r.tok.at = "unexpected end of string", len(r.s)
}

// unicodeEscape reads \uXXXX, or two of them that make one character, and
// returns how many bytes it takes; 0 for a wrong one.
func unicodeEscape(s string) (point rune, n int) {
	point, ok := hexQuad(s)
	switch {
	case !ok || point >= 0xdc00 && point < 0xe000:
		return 0, 0
	case point < 0xd800 || point >= 0xe000:
		return point, 6
	}
	low, ok := hexQuad(s[6:])
	if !ok || low < 0xdc00 || low >= 0xe000 {
		return 0, 0
	}
	return (point-0xd800)<<10 + low - 0xdc00 + 0x10000, 12
}

func hexQuad(s string) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	f, ok := parseBase(s[2:6], 16)
	return rune(f), ok && strings.Trim(s[2:6], "0123456789abcdefABCDEF") == ""
}
