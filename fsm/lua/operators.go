package lua

import (
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// operators are what rewrite calls, in the order of operatorNames.
var operators = []lua.LValue{
	wrap("concat", concat), wrap("length", length), wrap("for", forNumber), wrap("minus", minus),
	wrap("key", key), wrap("made", made), wrap("power", power),
	wrap("same", func(c call) int { return c.truth(c.same()) }),
	wrap("other", func(c call) int { return c.truth(!c.same()) }),
	wrap("less", func(c call) int { return c.truth(c.less(c.Get(1), c.Get(2))) }),
	wrap("most", func(c call) int { return c.truth(c.most(c.Get(1), c.Get(2))) }),
	wrap("more", func(c call) int { return c.truth(c.less(c.Get(2), c.Get(1))) }),
	wrap("least", func(c call) int { return c.truth(c.most(c.Get(2), c.Get(1))) }),
	wrap("text", keyText), wrap("many", many), wrap("closure", closure), wrap("paid", paid),
	wrap("mod", mod),
}

// concat is the operator .. for two operands or more, from the right.
func concat(c call) int {
	n := c.GetTop()
	c.charge(3)
	size, simple := 0, true
	for i := 1; i <= n && simple; i++ {
		switch v := c.Get(i).(type) {
		case lua.LString:
			size += len(v)
		case lua.LNumber:
			size += 8
		default:
			simple = false
		}
	}
	if !simple {
		return c.concatPairs(n)
	}
	c.charge(size / bytesPerStep)
	if c.run().strict() && size > maxStrictString {
		c.raise("resulting string too large")
	}
	var b strings.Builder
	b.Grow(size)
	for i := 1; i <= n; i++ {
		s, _ := text(c.Get(i))
		b.WriteString(s)
	}
	c.Push(lua.LString(b.String()))
	return 1
}

// concatPairs takes the operands two by two, as metamethods want them.
func (c call) concatPairs(n int) int {
	right := c.Get(n)
	for i := n - 1; i >= 1; i-- {
		left := c.Get(i)
		a, ok := text(left)
		b, ok2 := text(right)
		if ok && ok2 {
			c.charge((len(a) + len(b)) / bytesPerStep)
			if c.run().strict() && len(a)+len(b) > maxStrictString {
				c.raise("resulting string too large")
			}
			right = lua.LString(a + b)
			continue
		}
		f := metamethod(left, "__concat")
		if f == lua.LNil {
			f = metamethod(right, "__concat")
		}
		if f == lua.LNil {
			bad := i
			if ok {
				left, bad = right, i+1
			}
			c.raise("attempt to concatenate %s", c.nameOf(hintConcat, strconv.Itoa(bad), left))
		}
		right = c.callback(f, left, right)
	}
	c.Push(right)
	return 1
}

// nameOf returns what an error says of an operand.
func (c call) nameOf(op byte, detail string, v lua.LValue) string {
	return c.run().names.of(hint{lineOf(c.LState), op, detail}, typeName(v))
}

// metamethod returns what the metatable of a table holds for an event.
func metamethod(v lua.LValue, event string) lua.LValue {
	if t, ok := v.(*lua.LTable); ok {
		if meta, ok := t.Metatable.(*lua.LTable); ok {
			return meta.RawGetString(event)
		}
	}
	return lua.LNil
}

func length(c call) int {
	c.charge(2)
	switch v := c.Get(1).(type) {
	case lua.LString:
		return c.pushNumber(float64(len(v)))
	case *lua.LTable:
		n := c.border(v)
		if n >= lua.MaxArrayIndex-1 {
			c.pay(hashCost) // an element that comes next goes into a hash table
		}
		return c.pushNumber(float64(n))
	default:
		c.raise("attempt to get length of %s", c.nameOf(hintLength, "", v))
	}
	return 0
}

// lookAhead is how far border looks past a nil: a table that was written down
// with a nil or two in it has the length that Lua gives it.
const lookAhead = 3

// border returns a border of a table: an n such that t[n] is not nil and t[n+1]
// is, or 0. It takes logarithmic time; gopher-lua's own looks at every nil that
// was ever assigned.
func (c call) border(t *lua.LTable) int {
	n := search(t, 0)
	for i := 2; i <= lookAhead; i++ {
		c.pay(1)
		if at(t, n+i) != lua.LNil {
			n = search(t, n+i)
			i = 1
		}
	}
	return n
}

// search returns a border at or past n, where t[n] is not nil or n is 0.
func search(t *lua.LTable, n int) int {
	low, high := n, n+1
	for step := 1; at(t, high) != lua.LNil; step *= 2 {
		low, high = high, high+step
	}
	for high-low > 1 {
		mid := (low + high) / 2
		if at(t, mid) == lua.LNil {
			high = mid
		} else {
			low = mid
		}
	}
	return low
}

// at returns t[i], wherever gopher-lua keeps it.
func at(t *lua.LTable, i int) lua.LValue {
	if i >= 1 && i < lua.MaxArrayIndex {
		return t.RawGetInt(i)
	}
	return t.RawGet(lua.LNumber(i))
}

var loopNumbers = []string{"initial value", "limit", "step"}

// forNumber converts a number of a loop's head.
func forNumber(c call) int {
	f, ok := c.number(c.Get(1))
	if !ok {
		c.raise("'for' %s must be a number", loopNumbers[int(c.Get(2).(lua.LNumber))])
	}
	return c.pushNumber(f)
}

func minus(c call) int {
	v := c.Get(1)
	if f, ok := c.number(v); ok {
		return c.pushNumber(-f)
	}
	f := metamethod(v, "__unm")
	if f == lua.LNil {
		c.raise("attempt to perform arithmetic on %s", c.nameOf(hintMinus, "", v))
	}
	c.Push(c.callback(f, v))
	return 1
}

// key charges what it costs that a table gets an element at a key.
func key(c call) int {
	t, _ := c.Get(1).(*lua.LTable)
	k := c.Get(2)
	c.payKey(k)
	c.grow(t, k)
	c.Push(k)
	return 1
}

// grow charges what it costs that a table, nil for a new one, gets an element.
// Gopher-lua keeps elements up to lua.MaxArrayIndex in an array: one far from the
// others fills the array up.
func (c call) grow(t *lua.LTable, k lua.LValue) {
	c.charge(1)
	if t != nil && t.RawGet(k) != lua.LNil {
		return
	}
	n, ok := k.(lua.LNumber)
	switch {
	case !ok || n < 1 || n >= lua.LNumber(lua.MaxArrayIndex) || n != n:
		c.charge(hashCost)
	case n > smallArray && (t == nil || at(t, int(n)-1) == lua.LNil):
		c.charge(int(n))
		c.pay(moveCost * int(n))
	}
}

// payKey counts a key of a table, which is hashed.
func (c call) payKey(k lua.LValue) {
	if s, ok := k.(lua.LString); ok && len(s) >= 1<<6 && c.run().strict() {
		if len(s) > maxKey {
			c.raise("string is too long for a key")
		}
		c.payMade(len(s))
	}
}

// payCompare counts the comparison of two values.
func (c call) payCompare(a, b lua.LValue) {
	if x, ok := a.(lua.LString); ok {
		if y, ok := b.(lua.LString); ok {
			c.payMade(min(len(x), len(y)))
		}
	}
}

// made charges the table that it returns.
func made(c call) int {
	c.charge(tableCost)
	if c.run().strict() {
		n, _ := c.Get(2).(lua.LNumber)
		c.charge(strictTable + int(n))
	}
	c.Push(c.Get(1))
	return 1
}
