package lua

import (
	"errors"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

var coroutineFunctions = map[string]function{
	"create":  coCreate,
	"resume":  coResume,
	"running": coRunning,
	"status":  coStatus,
	"wrap":    coWrap,
	"yield":   coYield,
}

// A coroutine is a gopher-lua thread whose work is counted like that of all
// others. The run knows its function until it is started.
func (c call) create(f *lua.LFunction) *lua.LState {
	if f.IsG {
		c.argError(1, "Lua function expected")
	}
	c.charge(threadCost)
	th := c.newThread()
	if c.run().threads.started == nil {
		c.run().threads.started = map[*lua.LState]*lua.LFunction{}
	}
	c.run().threads.started[th] = f
	return th
}

func coCreate(c call) int {
	f, ok := c.Get(1).(*lua.LFunction)
	if !ok {
		c.argError(1, "Lua function expected")
	}
	c.Push(c.create(f))
	return 1
}

// thread returns the coroutine that is argument n.
func (c call) thread(n int) *lua.LState {
	th, ok := c.Get(n).(*lua.LState)
	if !ok {
		c.argError(n, "coroutine expected")
	}
	return th
}

func (c call) status(th *lua.LState) string {
	switch {
	case th == c.LState:
		return "running"
	case th.Dead:
		return "dead"
	case th.Parent != nil:
		return "normal"
	}
	return "suspended"
}

// resume runs a coroutine until it yields or ends.
func (c call) resume(th *lua.LState, args []lua.LValue) (results []lua.LValue, fault lua.LValue) {
	r := c.run()
	if status := c.status(th); status != "suspended" {
		if status != "dead" {
			status = "non-suspended"
		}
		return nil, lua.LString("cannot resume " + status + " coroutine")
	}
	if r.threads.pending >= maxPending {
		return nil, lua.LString("C stack overflow")
	}
	c.charge(callCost / 5)
	c.pay(resumeCost + 2*len(args))
	back, ok := c.deeper()
	if !ok {
		return nil, lua.LString("C stack overflow")
	}
	room := registers(th)
	r.threads.pending++
	current, callbacks := c.G.CurrentThread, r.threads.callbacks
	r.threads.callbacks = 0
	state, err, results := c.Resume(th, r.threads.started[th], args...)
	c.G.CurrentThread = current
	r.threads.pending--
	r.threads.callbacks = callbacks
	back()
	if s, ok := faultText(err); ok && r.strict() && strings.HasPrefix(s, mistake) {
		r.breakOff(errors.New(s))
	}
	c.charge(0)
	c.payGrown(th, room)
	c.spread(len(results))
	if state == lua.ResumeError {
		var caught *lua.ApiError
		if errors.As(err, &caught) {
			return nil, r.words(caught.Object)
		}
		return nil, lua.LString(err.Error())
	}
	return results, nil
}

// mistake begins the text of a runtime error of Go, which gopher-lua has made an
// error of the coroutine.
const mistake = "runtime error: "

// faultText returns the text of an error that a coroutine ended with.
func faultText(err error) (string, bool) {
	var caught *lua.ApiError
	if !errors.As(err, &caught) {
		return "", false
	}
	return text(caught.Object)
}

func coResume(c call) int {
	results, fault := c.resume(c.thread(1), c.rest(2))
	if fault != nil {
		return c.answer(false, fault)
	}
	return c.answer(true, results...)
}

func coWrap(c call) int {
	th := c.create(c.function(1))
	c.Push(wrap("wrap", func(c call) int {
		results, fault := c.resume(th, c.rest(1))
		if fault != nil {
			if s, ok := text(fault); ok {
				fault = lua.LString(where(c.LState, 1) + s)
			}
			c.Error(fault, 0)
		}
		for _, v := range results {
			c.Push(v)
		}
		return len(results)
	}))
	return 1
}

func coYield(c call) int {
	if c.Parent == nil || c.run().threads.callbacks > 0 {
		c.raiseBare("attempt to yield across metamethod/C-call boundary")
	}
	c.spread(c.GetTop())
	return -1
}

func coStatus(c call) int {
	c.Push(lua.LString(c.status(c.thread(1))))
	return 1
}

func coRunning(c call) int {
	if c.run().threads.started[c.LState] == nil {
		c.Push(lua.LNil)
		return 1
	}
	c.Push(c.LState)
	return 1
}
