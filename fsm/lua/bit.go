package lua

import (
	"math"
	"math/bits"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// The library bit, on 32-bit integers.
var bitFunctions = map[string]function{
	"arshift": shift(func(x uint32, n int) uint32 { return uint32(int32(x) >> n) }),
	"band":    fold(func(a, b uint32) uint32 { return a & b }),
	"bnot":    func(c call) int { return c.pushBits(^c.bits(1)) },
	"bor":     fold(func(a, b uint32) uint32 { return a | b }),
	"bswap":   func(c call) int { return c.pushBits(bits.ReverseBytes32(c.bits(1))) },
	"bxor":    fold(func(a, b uint32) uint32 { return a ^ b }),
	"lshift":  shift(func(x uint32, n int) uint32 { return x << n }),
	"rol":     shift(func(x uint32, n int) uint32 { return bits.RotateLeft32(x, n) }),
	"ror":     shift(func(x uint32, n int) uint32 { return bits.RotateLeft32(x, -n) }),
	"rshift":  shift(func(x uint32, n int) uint32 { return x >> n }),
	"tobit":   func(c call) int { return c.pushBits(c.bits(1)) },
	"tohex":   bitToHex,
}

// bits returns an argument's low 32 bits. As in the original, the number is
// rounded by adding 2^52 + 2^51, and the low bits of the sum are taken.
func (c call) bits(n int) uint32 {
	f := c.num(n) + (1<<52 + 1<<51)
	if f != f {
		return 0
	}
	return uint32(math.Float64bits(f))
}

func (c call) pushBits(x uint32) int { return c.pushNumber(float64(int32(x))) }

func fold(op func(a, b uint32) uint32) function {
	return func(c call) int {
		c.pay(c.GetTop())
		x := c.bits(1)
		for i := 2; i <= c.GetTop(); i++ {
			x = op(x, c.bits(i))
		}
		return c.pushBits(x)
	}
}

func shift(op func(x uint32, n int) uint32) function {
	return func(c call) int { return c.pushBits(op(c.bits(1), int(c.bits(2)&31))) }
}

func bitToHex(c call) int {
	x, n := c.bits(1), 8
	if c.Get(2) != lua.LNil {
		n = int(int32(c.bits(2)))
	}
	s := strconv.FormatUint(uint64(x), 16)
	s = strings.Repeat("0", 8-len(s)) + s
	if n < 0 {
		n, s = -n, strings.ToUpper(s)
	}
	n = int(min(uint(n), 8))
	c.Push(lua.LString(s[8-n:]))
	return 1
}
