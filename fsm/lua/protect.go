package lua

import (
	"fmt"

	lua "github.com/yuin/gopher-lua"
)

// A protected call runs in a thread of its own. In the caller's, gopher-lua
// would close all upvalues when an error is raised, those of functions that go
// on afterwards too: from then on, a function and its closures would each have
// their own copy of a variable.

// protect calls f with arguments and returns its results, or the error value.
func (c call) protect(f lua.LValue, args []lua.LValue) (results []lua.LValue, fault lua.LValue) {
	r := c.run()
	if r.threads.pending >= maxPending {
		return nil, lua.LString("C stack overflow")
	}
	c.charge(pcallCost)
	c.pay(len(args))
	back, ok := c.deeper()
	if !ok {
		return nil, lua.LString("C stack overflow")
	}
	r.threads.pending++
	callbacks := r.threads.callbacks
	th := c.borrow()
	room := registers(th)
	current := c.G.CurrentThread
	c.G.CurrentThread = th
	if r.threads.callers == nil {
		r.threads.callers = map[*lua.LState]*lua.LState{}
	}
	r.threads.callers[th] = c.LState
	th.Push(f)
	for _, a := range args {
		th.Push(a)
	}
	fault = r.try(th, len(args), lua.MultRet)
	delete(r.threads.callers, th)
	c.G.CurrentThread = current
	r.threads.pending--
	r.threads.callbacks = callbacks
	back()
	c.payGrown(th, room)
	if fault != nil {
		c.charge(faultCost)
		r.threads.lost++
		return nil, fault
	}
	c.spread(th.GetTop())
	for i := 1; i <= th.GetTop(); i++ {
		results = append(results, th.Get(i))
	}
	th.SetTop(0)
	r.threads.idle = append(r.threads.idle, th)
	return results, nil
}

// borrow returns a thread for a protected call. Those that ended without an error
// are used again.
func (c call) borrow() *lua.LState {
	r := c.run()
	if last := len(r.threads.idle) - 1; last >= 0 {
		th := r.threads.idle[last]
		r.threads.idle = r.threads.idle[:last]
		return th
	}
	if r.threads.lost > 0 {
		r.threads.lost-- // the fault's cost has its successor in it
	} else {
		c.pay(borrowCost)
	}
	return c.newThread()
}

// newThread returns a thread whose work the run counts. While it is made there is
// no context: NewThread would derive one that does not count.
func (c call) newThread() *lua.LState {
	r := c.run()
	c.RemoveContext()
	if options := c.Options; r.strict() {
		c.Options.RegistryMaxSize = threadRegisters
		defer func() { c.Options = options }()
	}
	th, _ := c.NewThread()
	c.SetContext(r)
	th.SetContext(r)
	return th
}

// A thrown is an error value on its way up.
type thrown struct{ value lua.LValue }

// throw takes the place of gopher-lua's panic, which would write a trace of the
// stack first: for deep stacks that costs more than all else.
func throw(L *lua.LState) { panic(thrown{L.Get(-1)}) }

// tooManyCalls is what gopher-lua panics with where a thread has too many calls: an
// error of the script.
const tooManyCalls = "lua callstack overflow"

// try calls the function that lies under nargs arguments on L's stack and returns
// nil, or the error value. After that, L is of no use.
func (r *run) try(L *lua.LState, nargs, nret int) (fault lua.LValue) {
	L.Panic = throw
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		r.line = lineOf(L)
		switch p := p.(type) {
		case thrown:
			fault = r.words(p.value)
		case *lua.ApiError:
			fault = r.words(p.Object)
		default: // a mistake of ours or of gopher-lua's, the same on every node
			if r.strict() && p != any(tooManyCalls) {
				r.breakOff(p)
			}
			fault = lua.LString(fmt.Sprintf("%s:%d: %s", r.source, r.line, r.names.plain(r.source, fmt.Sprint(p))))
		}
	}()
	L.Call(nargs, nret)
	return nil
}

// lineOf returns the line that runs, or 1.
func lineOf(L *lua.LState) int {
	for level := 0; ; level++ {
		dbg, ok := L.GetStack(level)
		if !ok {
			return 1
		}
		if _, err := L.GetInfo("Sl", dbg, lua.LNil); err == nil && dbg.CurrentLine > 0 {
			return dbg.CurrentLine
		}
	}
}

// words puts gopher-lua's own texts into Lua's words.
func (r *run) words(v lua.LValue) lua.LValue {
	if s, ok := v.(lua.LString); ok {
		return lua.LString(r.names.plain(r.source, string(s)))
	}
	return v
}

// rest returns the arguments from n.
func (c call) rest(n int) (args []lua.LValue) {
	for ; n <= c.GetTop(); n++ {
		args = append(args, c.Get(n))
	}
	return args
}

// answer pushes the results of a protected call.
func (c call) answer(ok lua.LBool, results ...lua.LValue) int {
	c.Push(ok)
	for _, v := range results {
		c.Push(v)
	}
	return 1 + len(results)
}

// callable reports whether v can be called, and else why not.
func callable(v lua.LValue) (fault lua.LValue) {
	if v.Type() == lua.LTFunction || metamethod(v, "__call").Type() == lua.LTFunction {
		return nil
	}
	return lua.LString("attempt to call a " + typeName(v) + " value")
}

func basePcall(c call) int {
	if c.GetTop() == 0 { // as Redis's own pcall, which does not check
		return c.answer(false, lua.LString("attempt to call a nil value"))
	}
	f := c.Get(1)
	if fault := callable(f); fault != nil {
		return c.answer(false, fault)
	}
	results, fault := c.protect(f, c.rest(2))
	if fault == nil {
		return c.answer(true, results...)
	}
	// An error of redis.call is a table; who catches it gets the text.
	if t, ok := fault.(*lua.LTable); ok {
		if s := t.RawGetString("err"); lua.LVCanConvToString(s) {
			fault = s
		}
	}
	return c.answer(false, fault)
}

func baseXpcall(c call) int {
	if c.GetTop() < 2 {
		c.argError(2, "value expected")
	}
	f, handler := c.Get(1), c.Get(2)
	fault := callable(f)
	if fault == nil {
		var results []lua.LValue
		if results, fault = c.protect(f, nil); fault == nil {
			return c.answer(true, results...)
		}
	}
	results, failed := c.protect(handler, []lua.LValue{fault})
	if failed != nil {
		return c.answer(false, lua.LString("error in error handling"))
	}
	return c.answer(false, results...)
}
