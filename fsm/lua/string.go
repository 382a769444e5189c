package lua

import (
	"slices"
	"strings"

	"github.com/trivetdb/trivet/fsm/calc"
	lua "github.com/yuin/gopher-lua"
)

// maxString bounds the strings that scripts make, as Redis bounds its own.
const maxString = 512 << 20

var stringFunctions = map[string]function{
	"byte":    stringByte,
	"char":    stringChar,
	"dump":    stringDump,
	"find":    func(c call) int { return c.find(true) },
	"format":  stringFormat,
	"gfind":   stringGmatch,
	"gmatch":  stringGmatch,
	"gsub":    stringGsub,
	"len":     func(c call) int { return c.pushNumber(float64(len(c.str(1)))) },
	"lower":   func(c call) int { return c.pushText(c.mapBytes('A', 'Z')) },
	"match":   func(c call) int { return c.find(false) },
	"rep":     stringRep,
	"reverse": stringReverse,
	"sub":     stringSub,
	"upper":   func(c call) int { return c.pushText(c.mapBytes('a', 'z')) },
}

// mapBytes changes the case of the letters from first to last.
func (c call) mapBytes(first, last byte) string {
	s := c.str(1)
	c.payMade(len(s))
	b := []byte(s)
	for i, c := range b {
		if c >= first && c <= last {
			b[i] = c ^ 0x20
		}
	}
	return string(b)
}

// position turns an index into one that counts from the start.
func position(i, size int) int {
	if i < 0 {
		return max(i+size+1, 0)
	}
	return i
}

func stringByte(c call) int {
	s := c.str(1)
	first := position(c.optInt(2, 1), len(s))
	last := position(c.optInt(3, first), len(s))
	first, last = max(first, 1), min(last, len(s))
	if first > last {
		return 0
	}
	n := last - first + 1
	if n+c.GetTop() > maxStack {
		c.raise("string slice too long")
	}
	c.charge(n)
	c.spread(n)
	for _, b := range []byte(s[first-1 : last]) {
		c.Push(lua.LNumber(b))
	}
	return n
}

func stringChar(c call) int {
	c.pay(c.GetTop())
	b := make([]byte, c.GetTop())
	for i := range b {
		n := c.int(i + 1)
		if n < 0 || n > 255 {
			c.argError(i+1, "invalid value")
		}
		b[i] = byte(n)
	}
	return c.pushText(string(b))
}

func stringDump(c call) int {
	c.function(1)
	c.raise("unable to dump given function")
	return 0
}

func stringRep(c call) int {
	s, n := c.str(1), max(c.int(2), 0)
	if n > 0 && len(s) > c.longest()/n {
		c.raise("resulting string too large")
	}
	c.charge(len(s) * n / bytesPerStep)
	c.Push(lua.LString(strings.Repeat(s, n)))
	return 1
}

func stringReverse(c call) int {
	s := c.str(1)
	c.payMade(len(s))
	b := []byte(s)
	slices.Reverse(b)
	return c.pushText(string(b))
}

func stringSub(c call) int {
	s := c.str(1)
	first := max(position(c.int(2), len(s)), 1)
	last := min(position(c.optInt(3, -1), len(s)), len(s))
	if first > last {
		c.Push(lua.LString(""))
	} else {
		c.Push(lua.LString(s[first-1 : last]))
	}
	return 1
}

// The metatable of strings converts those that hold numbers.
func init() {
	for event, op := range map[string]func(a, b float64) float64{
		"__add": func(a, b float64) float64 { return a + b },
		"__sub": func(a, b float64) float64 { return a - b },
		"__mul": func(a, b float64) float64 { return a * b },
		"__div": func(a, b float64) float64 { return a / b },
		"__mod": modulo,
		"__pow": calc.Pow,
	} {
		stringMeta.RawSetString(event, wrap("", func(c call) int { return c.arithmetic(event, op) }))
	}
}

// arithmetic is an operator of which at least one side is a string.
func (c call) arithmetic(event string, op func(a, b float64) float64) int {
	left, right := c.Get(1), c.Get(2)
	a, ok := c.number(left)
	b, ok2 := c.number(right)
	if ok && ok2 {
		return c.pushNumber(op(a, b))
	}
	if f := metamethod(right, event); f != lua.LNil {
		c.Push(c.callback(f, left, right))
		return 1
	}
	side := "l"
	if ok {
		left, side = right, "r"
	}
	c.raise("attempt to perform arithmetic on %s", c.nameOf(hintMath, event[len("__"):]+side, left))
	return 0
}
