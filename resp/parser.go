package resp

import (
	"bytes"
	"io"
	"strings"
)

// ParseValue reads the value that b starts with, in any dialect, and returns the
// rest of b. The value holds no part of b. The error is io.EOF if b is empty,
// io.ErrUnexpectedEOF if it ends within the value, else a [ProtocolError].
func ParseValue(b []byte, lim Limits) (v Value, rest []byte, err error) {
	p := newParser(lim.orDefault())
	v, n, whole, err := p.parse(b)
	switch {
	case err != nil:
	case len(b) == 0:
		err = io.EOF
	case !whole:
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return Value{}, b, err
	}
	return v, b[n:], nil
}

// A parser is a value as far as it is parsed. It takes each scalar out of the
// input as soon as it is whole, so that the input need hold but one of them.
type parser struct {
	lim   Limits
	stack []frame // the arrays that are open, the innermost last
	used  int     // of lim.Total
	mark  byte    // '$' or '=' between the header and the end of a string, else 0
	bulk  int     // length of that string
	scan  int     // the line at hand does not end before it
}

// A frame is an Array, Map, Pairs, Keyed, Set or Push as far as it is parsed.
type frame struct {
	kind  Kind
	left  int // elements to come
	elems []Value
}

func newParser(lim Limits) parser { return parser{lim: lim} }

// begun reports whether p is within a value.
func (p *parser) begun() bool { return len(p.stack) > 0 || p.mark != 0 || p.scan > 0 }

// want returns how many bytes the scalar at hand needs, 0 if that is not known.
func (p *parser) want() int {
	if p.mark == 0 {
		return 0
	}
	return p.bulk + 2
}

// parse goes on with the value at hand and reports whether it is whole. n is how
// much of b is done with; the rest is to be handed in again, with more behind it.
func (p *parser) parse(b []byte) (v Value, n int, whole bool, err error) {
	for {
		v, m, ok, err := p.scalar(b[n:])
		n += m
		if err != nil || !ok {
			return Value{}, n, false, err
		}
		p.used += m + ElemCost // the next line or string finds out if that was too much
		p.scan = 0
		if v, ok = p.fold(v); ok {
			p.used = 0
			if cap(p.stack) > 64 {
				p.stack = nil // deep values are rare, idle readers are many
			}
			return v, n, true, nil
		}
	}
}

// fold puts v into the array that is open, and that into the one around it if
// it is complete by now. It reports whether nothing is left open, and returns
// the outermost value then. A v that is an array with elements to come was
// pushed on the stack by open; nothing is to be done then.
func (p *parser) fold(v Value) (Value, bool) {
	if v.Kind == opened {
		return Value{}, false
	}
	for len(p.stack) > 0 {
		top := &p.stack[len(p.stack)-1]
		if top.elems == nil { // small arrays in one step; a claim alone gets nothing
			top.elems = make([]Value, 0, min(top.left, 4))
		}
		top.elems = append(top.elems, v)
		top.left--
		if top.left > 0 {
			return Value{}, false
		}
		v = Value{Kind: top.kind, Elems: top.elems}
		top.elems = nil
		p.stack = p.stack[:len(p.stack)-1]
	}
	return v, true
}

// opened is the kind of what is no value yet: the header of an array.
const opened Kind = 255

// scalar reads one value that is not an array, or the header of one that is. n
// is how much of b is done with: the header of a string at first, then the rest.
func (p *parser) scalar(b []byte) (v Value, n int, ok bool, err error) {
	if p.mark == 0 {
		if len(b) == 0 {
			return Value{}, 0, false, nil
		}
		if strings.IndexByte("+-:$*%~,#_=>(&@", b[0]) < 0 {
			return Value{}, 0, false, errBadRequest
		}
		line, m, ok, err := p.line(b)
		if !ok || err != nil {
			return Value{}, 0, false, err
		}
		v, err = p.fromLine(b[0], line)
		if err != nil || p.mark == 0 {
			return v, m, err == nil, err
		}
		n = m
	}
	rest := b[n:]
	if len(rest)-2 < p.bulk {
		p.used += n // the header, which is done with
		return Value{}, n, false, nil
	}
	if rest[p.bulk] != '\r' || rest[p.bulk+1] != '\n' {
		return Value{}, n, false, errBadRequest
	}
	n += p.bulk + 2
	v = Value{Kind: Bulk}
	str := rest[:p.bulk]
	if p.mark == '=' {
		if str[3] != ':' {
			return Value{}, n, false, errBadRequest
		}
		v.Kind = Verbatim
		str = str[4:]
	}
	v.Str = string(str)
	p.mark = 0
	return v, n, true, nil
}

// line returns what stands between the mark and the end of the line, and the
// length of all. Like the article, we take a line that ends with a bare LF.
func (p *parser) line(b []byte) ([]byte, int, bool, error) {
	i := bytes.IndexByte(b[p.scan:], '\n')
	end := p.scan + i
	if i < 0 {
		end = len(b)
	}
	p.scan = end
	limit := p.lim.Inline
	if b[0] == '+' || b[0] == '-' || b[0] == '(' {
		limit = p.lim.Bulk // what it holds is a string
	}
	if end-1 > limit || end > p.lim.Total-p.used {
		return nil, 0, false, errTooLarge
	}
	if i < 0 {
		return nil, 0, false, nil
	}
	line := b[1:end]
	if len(line) > 0 && line[len(line)-1] == '\r' {
		line = line[:len(line)-1]
	}
	if bytes.IndexByte(line, '\r') >= 0 {
		return nil, 0, false, errBadRequest // could not be written back
	}
	return line, end + 1, true, nil
}

// fromLine makes a value of a line. For the header of a string it sets mark and
// bulk, for that of an array it opens one.
func (p *parser) fromLine(mark byte, line []byte) (Value, error) {
	switch mark {
	case '+':
		return Value{Kind: Simple, Str: string(line)}, nil
	case '-':
		return Value{Kind: Error, Str: string(line)}, nil
	case ':':
		if n, ok := parseInt(line); ok {
			return Int(n), nil
		}
	case ',':
		if f, ok := parseFloat(line); ok {
			v := Float(f)
			var buf [32]byte
			if string(AppendFloat(buf[:0], f)) != string(line) {
				v.Str = string(line)
			}
			return v, nil
		}
	case '#':
		if len(line) == 1 && (line[0] == 't' || line[0] == 'f') {
			return Truth(line[0] == 't'), nil
		}
	case '_':
		if len(line) == 0 {
			return Nil, nil
		}
	case '(':
		if bigNumber(line) {
			return Value{Kind: BigNumber, Str: string(line)}, nil
		}
	default:
		if n, ok := parseLength(line); ok {
			return p.open(mark, n)
		}
	}
	return Value{}, errBadRequest
}

// open begins what has a length: a string or an array.
func (p *parser) open(mark byte, n int64) (Value, error) {
	kind := Array
	switch mark {
	case '$', '=':
		switch {
		case mark == '$' && n == -1:
			return Nil, nil
		case n < 0, mark == '=' && n < 4:
			return Value{}, errBadRequest
		case n > int64(p.lim.Bulk), n > int64(p.lim.Total-p.used):
			return Value{}, errTooLarge
		}
		p.mark, p.bulk = mark, int(n)
		return Value{}, nil
	case '*':
		if n == -1 {
			return Value{Kind: NullArray}, nil
		}
	case '%':
		kind = Map
	case '&':
		kind = Pairs
	case '@':
		kind = Keyed
	case '~':
		kind = Set
	case '>':
		kind = Push
	}
	most := int64(p.lim.Args)
	paired := kind == Map || kind == Pairs || kind == Keyed
	if paired {
		most /= 2
	}
	switch {
	case n < 0:
		return Value{}, errBadRequest
	case n > most:
		return Value{}, errTooLarge
	case n == 0:
		return Value{Kind: kind}, nil
	case len(p.stack) >= p.lim.Depth:
		return Value{}, errTooDeep
	}
	if paired {
		n *= 2
	}
	p.stack = append(p.stack, frame{kind: kind, left: int(n)})
	return Value{Kind: opened}, nil
}
