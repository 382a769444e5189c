package lua

import (
	lua "github.com/yuin/gopher-lua"
)

// The operators of strict runs alone, see rewritestrict.go.

func (c call) truth(b bool) int {
	c.Push(lua.LBool(b))
	return 1
}

// same is the operator ==.
func (c call) same() bool {
	a, b := c.Get(1), c.Get(2)
	if x, ok := a.(lua.LString); ok {
		if y, ok := b.(lua.LString); ok && len(x) == len(y) {
			c.payRead(len(x))
		}
	}
	r := c.run()
	r.threads.callbacks++
	same := c.Equal(a, b)
	r.threads.callbacks--
	return same
}

// less is the operator <.
func (c call) less(a, b lua.LValue) bool {
	c.payCompare(a, b)
	r := c.run()
	r.threads.callbacks++
	less := c.LessThan(a, b)
	r.threads.callbacks--
	return less
}

// most is the operator <=.
func (c call) most(a, b lua.LValue) bool {
	switch x := a.(type) {
	case lua.LNumber:
		if y, ok := b.(lua.LNumber); ok {
			return x <= y
		}
	case lua.LString:
		if y, ok := b.(lua.LString); ok {
			c.payCompare(x, y)
			return x <= y
		}
	}
	if f := metamethod(a, "__le"); f.Type() == lua.LTFunction && f == metamethod(b, "__le") {
		return lua.LVAsBool(c.callback(f, a, b))
	}
	if f := metamethod(b, "__lt"); f.Type() == lua.LTFunction && f == metamethod(a, "__lt") {
		return !lua.LVAsBool(c.callback(f, b, a))
	}
	one, other := typeName(a), typeName(b)
	if one == other {
		c.raise("attempt to compare two %s values", one)
	}
	c.raise("attempt to compare %s with %s", one, other)
	return false
}

// keyText counts a key that is looked for.
func keyText(c call) int {
	k := c.Get(1)
	c.payKey(k)
	c.Push(k)
	return 1
}

// many counts what is passed on of a function's arguments.
func many(c call) int {
	n := c.GetTop()
	c.spread(n)
	return n
}

// closureCost is what a function takes, and each of its upvalues.
const closureCost = 10

// closure counts a function and notes the upvalues that are open.
func closure(c call) int {
	f, ok := c.Get(1).(*lua.LFunction)
	if !ok {
		return 0 // the local variable that held it was assigned to since
	}
	r := c.run()
	c.pay(closureCost * (1 + len(f.Upvalues)*r.weight))
	r.noteUpvalues(f)
	c.SetTop(1)
	return 1
}

// paid counts what a block is about to take.
func paid(c call) int {
	n, _ := c.Get(1).(lua.LNumber)
	c.pay(int(n))
	return 0
}
