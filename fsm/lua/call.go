package lua

import (
	"fmt"

	lua "github.com/yuin/gopher-lua"
)

// A call is a call of a library function: its arguments and its name.
type call struct {
	*lua.LState
	name string
}

// A function is the code of a library function. It pushes its results and
// returns how many they are.
type function func(c call) int

// wrap makes a function that scripts can call.
func wrap(name string, f function) *lua.LFunction {
	return &lua.LFunction{IsG: true, Env: noEnv, GFunction: func(L *lua.LState) int {
		c := call{L, name}
		c.pay(functionCost)
		return f(c)
	}}
}

// noEnv is the environment of library functions, which use none.
var noEnv = new(lua.LState).CreateTable(0, 0)

func newTable() *lua.LTable { return noLState.CreateTable(0, 0) }

// noLState makes tables, which belong to no state.
var noLState = new(lua.LState)

// run returns the run that the call belongs to.
func (c call) run() *run { return c.Context().(*run) }

// charge counts work beside the instructions.
func (c call) charge(n int) { c.run().charge(c.LState, n) }

// where returns the position of the call at a level, as Lua's luaL_where does:
// nothing for a caller that is not Lua code.
func where(L *lua.LState, level int) string {
	dbg, ok := L.GetStack(level)
	if !ok {
		return ""
	}
	if _, err := L.GetInfo("Sl", dbg, lua.LNil); err != nil || dbg.CurrentLine < 0 || dbg.Source == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d: ", dbg.Source, dbg.CurrentLine)
}

// where returns the position of a caller, going on past the protected calls around.
func (c call) where(level int) string {
	L := c.LState
	for {
		depth := 0
		for {
			if _, ok := L.GetStack(depth); !ok || depth == level {
				break
			}
			depth++
		}
		outer := c.run().threads.callers[L]
		if depth == level || outer == nil {
			return where(L, level)
		}
		L, level = outer, level-depth
	}
}

// raise raises an error at the place of the call.
func (c call) raise(format string, args ...any) {
	c.payError(args)
	c.Error(lua.LString(where(c.LState, 1)+fmt.Sprintf(format, args...)), 0)
}

// raiseBare raises an error without a place.
func (c call) raiseBare(text string) { c.Error(lua.LString(text), 0) }

func (c call) argError(n int, format string, args ...any) {
	c.payError(args)
	name := c.name
	if where(c.LState, 1) == "" { // called by pcall or the like, which has no name for it
		name = "?"
	}
	c.raise("bad argument #%d to '%s' (%s)", n, name, fmt.Sprintf(format, args...))
}

func (c call) typeError(n int, want string) {
	got := "no value"
	if n <= c.GetTop() {
		got = typeName(c.Get(n))
	}
	c.argError(n, "%s expected, got %s", want, got)
}

func typeName(v lua.LValue) string { return v.Type().String() }

// any returns an argument, which must be there.
func (c call) any(n int) lua.LValue {
	if n > c.GetTop() {
		c.argError(n, "value expected")
	}
	return c.Get(n)
}

// text returns the string that v is or converts to.
func text(v lua.LValue) (string, bool) {
	switch v := v.(type) {
	case lua.LString:
		return string(v), true
	case lua.LNumber:
		return numberText(float64(v)), true
	}
	return "", false
}

// number returns the number that v is or converts to.
func number(v lua.LValue) (float64, bool) {
	switch v := v.(type) {
	case lua.LNumber:
		return float64(v), true
	case lua.LString:
		return parseNumber(string(v))
	}
	return 0, false
}

func (c call) str(n int) string {
	s, ok := text(c.Get(n))
	if !ok {
		c.typeError(n, "string")
	}
	return s
}

func (c call) optStr(n int, standard string) string {
	if c.Get(n) == lua.LNil {
		return standard
	}
	return c.str(n)
}

func (c call) num(n int) float64 {
	f, ok := c.number(c.Get(n))
	if !ok {
		c.typeError(n, "number")
	}
	return f
}

func (c call) int(n int) int { return int(toInt(c.num(n))) }

func (c call) optInt(n, standard int) int {
	if c.Get(n) == lua.LNil {
		return standard
	}
	return c.int(n)
}

func (c call) table(n int) *lua.LTable {
	t, ok := c.Get(n).(*lua.LTable)
	if !ok {
		c.typeError(n, "table")
	}
	return t
}

func (c call) function(n int) *lua.LFunction {
	f, ok := c.Get(n).(*lua.LFunction)
	if !ok {
		c.typeError(n, "function")
	}
	return f
}

// pushText pushes a string that the call made, and counts it.
func (c call) pushText(s string) int {
	c.charge(len(s) / bytesPerStep)
	c.Push(lua.LString(s))
	return 1
}

func (c call) pushNumber(f float64) int {
	c.Push(lua.LNumber(f))
	return 1
}

// callback calls f, with arguments, for one result.
func (c call) callback(f lua.LValue, args ...lua.LValue) lua.LValue {
	c.pay(callbackCost)
	c.Push(f)
	for _, a := range args {
		c.Push(a)
	}
	r := c.run()
	r.threads.callbacks++
	c.Call(len(args), 1)
	r.threads.callbacks--
	v := c.Get(-1)
	c.Pop(1)
	return v
}
