package lua

import (
	"encoding/binary"
	"math"

	lua "github.com/yuin/gopher-lua"
)

// limitArgument returns the second argument of unpack_limit.
func (c call) limitArgument() int {
	c.str(1)
	return c.int(2)
}

// unpack pushes the values that a text holds: at most limit of them, 0 for all.
// With more, the first result says where to go on, or is -1 at the end.
func (c call) unpack(limit, offset int, more bool) int {
	s := c.str(1)
	switch {
	case offset < 0 || limit < 0:
		c.raise("Invalid request to unpack with offset of %d and limit of %d.", offset, len(s))
	case offset > len(s):
		c.raise("Start offset %d greater than input length %d.", offset, len(s))
	}
	r := packReader{call: c, s: s[offset:]}
	all := limit == 0
	var values []lua.LValue
	for len(r.s) > 0 && (all || len(values) < limit) {
		values = append(values, r.value(0))
		if len(values)+c.GetTop()+1 > maxStack {
			c.raise("too many results to unpack")
		}
	}
	n := 0
	if more && !all {
		at := -1
		if len(r.s) > 0 {
			at = len(s) - len(r.s)
		}
		n = c.pushNumber(float64(at))
	}
	c.spread(len(values))
	for _, v := range values {
		c.Push(v)
	}
	return n + len(values)
}

// A packReader decodes values.
type packReader struct {
	call call
	s    string // what was not read yet
}

func (r *packReader) take(n int) string {
	if n > len(r.s) {
		r.call.raise("Missing bytes in input.")
	}
	s := r.s[:n]
	r.s = r.s[n:]
	return s
}

// uint reads a number of n bytes.
func (r *packReader) uint(n int) uint64 {
	var b [8]byte
	copy(b[8-n:], r.take(n))
	return binary.BigEndian.Uint64(b[:])
}

func (r *packReader) value(depth int) lua.LValue {
	if depth > maxUnpackDepth {
		r.call.raise("Bad data format in input.")
	}
	r.call.charge(1)
	switch head := int(r.uint(1)); {
	case head < 0x80:
		return lua.LNumber(head)
	case head < 0x90:
		return r.table(head&15, depth)
	case head < 0xa0:
		return r.array(head&15, depth)
	case head < 0xc0:
		return r.text(head & 31)
	case head >= 0xe0:
		return lua.LNumber(int8(head))
	default:
		return r.typed(head, depth)
	}
}

// typed reads a value whose first byte is its type.
func (r *packReader) typed(head, depth int) lua.LValue {
	switch head {
	case 0xc0:
		return lua.LNil
	case 0xc2, 0xc3:
		return lua.LBool(head == 0xc3)
	case 0xc4, 0xc5, 0xc6: // binary, which lua-cmsgpack refuses
		return r.text(int(r.uint(1 << (head - 0xc4))))
	case 0xca:
		return lua.LNumber(math.Float32frombits(uint32(r.uint(4))))
	case 0xcb:
		return lua.LNumber(math.Float64frombits(r.uint(8)))
	case 0xcc, 0xcd, 0xce:
		return lua.LNumber(r.uint(1 << (head - 0xcc)))
	case 0xcf, 0xd3: // lua-cmsgpack takes the unsigned ones for signed, too
		return lua.LNumber(int64(r.uint(8)))
	case 0xd0:
		return lua.LNumber(int8(r.uint(1)))
	case 0xd1:
		return lua.LNumber(int16(r.uint(2)))
	case 0xd2:
		return lua.LNumber(int32(r.uint(4)))
	case 0xd9, 0xda, 0xdb:
		return r.text(int(r.uint(1 << (head - 0xd9))))
	case 0xdc, 0xdd:
		return r.array(int(r.uint(2<<(head-0xdc))), depth)
	case 0xde, 0xdf:
		return r.table(int(r.uint(2<<(head-0xde))), depth)
	}
	r.call.raise("Bad data format in input.")
	return nil
}

func (r *packReader) text(n int) lua.LValue {
	s := r.take(n)
	r.call.charge(len(s) / bytesPerStep)
	return lua.LString(s)
}

// array reads n elements. It takes no more memory than the input has bytes for.
func (r *packReader) array(n, depth int) lua.LValue {
	r.call.charge(tableCost)
	r.call.pay(strictTable)
	t := newTable()
	for i := 1; i <= n; i++ {
		r.call.payElement(i)
		t.RawSet(lua.LNumber(i), r.value(depth+1))
	}
	return t
}

func (r *packReader) table(n, depth int) lua.LValue {
	r.call.charge(tableCost)
	r.call.pay(strictTable)
	t := newTable()
	for range n {
		key := r.value(depth + 1)
		r.call.payKey(key)
		r.call.grow(t, key)
		r.call.set(t, key, r.value(depth+1))
	}
	return t
}
