package lua

import (
	"encoding/binary"
	"math"

	lua "github.com/yuin/gopher-lua"
)

// The library cmsgpack.
var packFunctions = map[string]function{
	"pack":         msgPack,
	"unpack":       func(c call) int { return c.unpack(0, 0, false) },
	"unpack_one":   func(c call) int { return c.unpack(1, c.optInt(2, 0), true) },
	"unpack_limit": func(c call) int { return c.unpack(c.limitArgument(), c.optInt(3, 0), true) },
}

var packConstants = map[string]lua.LValue{
	"_NAME": lua.LString("cmsgpack"), "_VERSION": lua.LString("lua-cmsgpack 0.4.0"),
	"_COPYRIGHT":   lua.LString("Copyright (C) 2012, Salvatore Sanfilippo"),
	"_DESCRIPTION": lua.LString("MessagePack C implementation for Lua"),
}

// maxPackDepth is how deep pack goes; what lies deeper becomes nil.
const maxPackDepth = 16

// maxUnpackDepth bounds the recursion of unpack.
const maxUnpackDepth = 5000

func msgPack(c call) int {
	if c.GetTop() == 0 {
		c.argError(0, "MessagePack pack needs input.")
	}
	w := packWriter{c, nil}
	for i := 1; i <= c.GetTop(); i++ {
		w.value(c.Get(i), 0)
	}
	return c.pushText(string(w.b))
}

// A packWriter encodes values.
type packWriter struct {
	call call
	b    []byte
}

func (w *packWriter) value(v lua.LValue, depth int) {
	w.call.charge(1)
	w.call.pay(elementCost)
	switch v := v.(type) {
	case lua.LString:
		w.head(len(v), 0xa0, 32, 0xd9, 0xda, 0xdb)
		w.call.charge(len(v) / bytesPerStep)
		if w.call.run().strict() && len(w.b)+len(v) > maxStrictString {
			w.call.raise("resulting string too large")
		}
		w.b = append(w.b, v...)
	case lua.LBool:
		if v {
			w.b = append(w.b, 0xc3)
		} else {
			w.b = append(w.b, 0xc2)
		}
	case lua.LNumber:
		w.number(float64(v))
	case *lua.LTable:
		if depth == maxPackDepth {
			w.b = append(w.b, 0xc0)
			return
		}
		w.table(v, depth+1)
	default:
		w.b = append(w.b, 0xc0)
	}
}

// head writes the type and the length of what has one. A byte of 0 for the
// 8-bit length means that there is no such type.
func (w *packWriter) head(n int, fix byte, fixes int, one, two, four byte) {
	switch {
	case n < fixes:
		w.b = append(w.b, fix|byte(n))
	case n <= math.MaxUint8 && one != 0:
		w.b = append(w.b, one, byte(n))
	case n <= math.MaxUint16:
		w.b = binary.BigEndian.AppendUint16(append(w.b, two), uint16(n))
	default:
		w.b = binary.BigEndian.AppendUint32(append(w.b, four), uint32(n))
	}
}

func (w *packWriter) number(f float64) {
	n := toInt(f)
	switch {
	case float64(n) == f && f < 1<<63:
		w.integer(n)
	case f != f:
		w.b = binary.BigEndian.AppendUint64(append(w.b, 0xcb), 0xfff8<<48)
	case float64(float32(f)) == f:
		w.b = binary.BigEndian.AppendUint32(append(w.b, 0xca), math.Float32bits(float32(f)))
	default:
		w.b = binary.BigEndian.AppendUint64(append(w.b, 0xcb), math.Float64bits(f))
	}
}

func (w *packWriter) integer(n int64) {
	switch {
	case n >= -32 && n <= math.MaxInt8:
		w.b = append(w.b, byte(n))
	case n >= 0 && n <= math.MaxUint8:
		w.b = append(w.b, 0xcc, byte(n))
	case n >= 0 && n <= math.MaxUint16:
		w.b = binary.BigEndian.AppendUint16(append(w.b, 0xcd), uint16(n))
	case n >= 0 && n <= math.MaxUint32:
		w.b = binary.BigEndian.AppendUint32(append(w.b, 0xce), uint32(n))
	case n >= 0:
		w.b = binary.BigEndian.AppendUint64(append(w.b, 0xcf), uint64(n))
	case n >= math.MinInt8:
		w.b = append(w.b, 0xd0, byte(n))
	case n >= math.MinInt16:
		w.b = binary.BigEndian.AppendUint16(append(w.b, 0xd1), uint16(n))
	case n >= math.MinInt32:
		w.b = binary.BigEndian.AppendUint32(append(w.b, 0xd2), uint32(n))
	default:
		w.b = binary.BigEndian.AppendUint64(append(w.b, 0xd3), uint64(n))
	}
}

// table writes an array where the keys are 1 to n, else a map.
func (w *packWriter) table(t *lua.LTable, depth int) {
	items, highest, array := 0, 0.0, true
	for k, _ := w.call.next(t, lua.LNil); k != lua.LNil; k, _ = w.call.next(t, k) {
		n, ok := k.(lua.LNumber)
		array = array && ok && n > 0 && float64(n) == math.Trunc(float64(n))
		highest = max(highest, float64(n))
		items++
	}
	w.call.charge(items / 4)
	if array && highest == float64(items) {
		w.head(items, 0x90, 16, 0, 0xdc, 0xdd)
		for i := 1; i <= items; i++ {
			w.value(at(t, i), depth)
		}
		return
	}
	w.head(items, 0x80, 16, 0, 0xde, 0xdf)
	for k, v := w.call.next(t, lua.LNil); k != lua.LNil; k, v = w.call.next(t, k) {
		w.value(k, depth)
		w.value(v, depth)
	}
}
