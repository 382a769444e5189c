package lua

import (
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/trivetdb/trivet/fsm/cost"
)

var baseFunctions = map[string]function{
	"assert":         baseAssert,
	"collectgarbage": baseCollect,
	"error":          baseError,
	"gcinfo":         func(c call) int { return c.pushNumber(used(c)) },
	"getmetatable":   baseGetMetatable,
	"ipairs":         baseIpairs,
	"load":           baseLoad,
	"loadstring":     baseLoadString,
	"next":           baseNext,
	"pairs":          basePairs,
	"pcall":          basePcall,
	"rawequal":       baseRawEqual,
	"rawget":         baseRawGet,
	"rawset":         baseRawSet,
	"select":         baseSelect,
	"setmetatable":   baseSetMetatable,
	"tonumber":       baseToNumber,
	"tostring":       baseToString,
	"type":           func(c call) int { c.Push(lua.LString(typeName(c.any(1)))); return 1 },
	"unpack":         baseUnpack,
	"xpcall":         baseXpcall,
}

func baseAssert(c call) int {
	if lua.LVIsFalse(c.any(1)) {
		c.raise("%s", c.optStr(2, "assertion failed!"))
	}
	c.spread(c.GetTop())
	return c.GetTop()
}

// used stands for the memory in use, in KiB: the same on every node.
func used(c call) float64 { return 40 + float64(c.run().budget-c.run().left)/1024 }

func baseCollect(c call) int {
	switch what := c.optStr(1, "collect"); what {
	case "count":
		return c.pushNumber(used(c))
	case "collect", "stop", "restart", "step", "setpause", "setstepmul":
		return c.pushNumber(0)
	default:
		c.argError(1, "invalid option '%s'", what)
	}
	return 0
}

func baseError(c call) int {
	level := c.optInt(2, 1)
	v := c.Get(1)
	if c.run().strict() && level > maxLevel {
		level = 0
	}
	if s, ok := text(v); ok && level > 0 {
		c.payMade(2 * len(s))
		v = lua.LString(c.where(level) + s)
	}
	// gopher-lua has a word of its own for a string.
	c.Error(v, 0)
	return 0
}

func baseGetMetatable(c call) int {
	v := c.any(1)
	var meta lua.LValue = lua.LNil
	switch v := v.(type) {
	case lua.LString:
		meta = seenMeta
	case *lua.LTable:
		switch {
		case v == c.run().env:
			meta = guardedMeta
		case backing[v] != nil:
		default:
			meta = v.Metatable
			if locked := metamethod(v, "__metatable"); locked != lua.LNil {
				meta = locked
			}
		}
	}
	c.Push(meta)
	return 1
}

// guardedMeta is what scripts see of the metatable of their globals.
var guardedMeta = guarded(newTable())

func baseSetMetatable(c call) int {
	t := c.table(1)
	if meta := c.Get(2).Type(); c.GetTop() < 2 || meta != lua.LTNil && meta != lua.LTTable {
		c.argError(2, "nil or table expected")
	}
	if c.run().readonly(t) {
		c.raiseBare(errReadonly)
	}
	if metamethod(t, "__metatable") != lua.LNil {
		c.raise("cannot change a protected metatable")
	}
	t.Metatable = c.Get(2)
	if meta, ok := c.Get(2).(*lua.LTable); ok {
		c.run().noteMeta(meta)
	}
	c.Push(t)
	return 1
}

var ipairsStep = wrap("ipairs", func(c call) int {
	i := c.int(2) + 1
	v := at(c.table(1), i)
	if v == lua.LNil {
		return 0
	}
	c.Push(lua.LNumber(i))
	c.Push(v)
	return 2
})

func baseIpairs(c call) int {
	t := c.table(1)
	c.Push(ipairsStep)
	c.Push(t)
	c.Push(lua.LNumber(0))
	return 3
}

var nextStep = wrap("next", baseNext)

func baseNext(c call) int {
	k, v := c.next(c.table(1), c.Get(2))
	c.Push(k)
	if k == lua.LNil {
		return 1
	}
	c.Push(v)
	return 2
}

func basePairs(c call) int {
	t := c.table(1)
	c.Push(nextStep)
	c.Push(t)
	c.Push(lua.LNil)
	return 3
}

func baseRawEqual(c call) int {
	a, b := c.any(1), c.any(2)
	c.payCompare(a, b)
	c.Push(lua.LBool(c.RawEqual(a, b)))
	return 1
}

func baseRawGet(c call) int {
	t := c.table(1)
	if behind := backing[t]; behind != nil {
		t = behind
	}
	c.payKey(c.any(2))
	v := t.RawGet(c.any(2))
	if t == c.run().env {
		if v = c.run().globals.RawGet(c.Get(2)); v == lua.LNil {
			v = c.run().scope.table.RawGet(c.Get(2))
		}
	}
	c.Push(v)
	return 1
}

func baseRawSet(c call) int {
	t := c.table(1)
	key, v := c.any(2), c.any(3)
	if c.run().readonly(t) {
		c.raiseBare(errReadonly)
	}
	c.payKey(key)
	c.grow(t, key)
	c.set(t, key, v)
	c.Push(t)
	return 1
}

// set is t[key] = v without metamethods.
func (c call) set(t *lua.LTable, key, v lua.LValue) {
	switch k := key.(type) {
	case *lua.LNilType:
		c.raiseBare("table index is nil")
	case lua.LNumber:
		if k != k {
			c.raiseBare("table index is NaN")
		}
	}
	t.RawSet(key, v)
}

func baseSelect(c call) int {
	n := c.GetTop()
	if s, ok := c.Get(1).(lua.LString); ok && s == "#" {
		return c.pushNumber(float64(n - 1))
	}
	c.spread(n)
	i := c.int(1)
	switch {
	case i < 0:
		i = n + i
	case i > n:
		i = n
	}
	if i < 1 {
		c.argError(1, "index out of range")
	}
	return n - i
}

func baseToNumber(c call) int {
	base := c.optInt(2, 10)
	v := c.any(1)
	if base == 10 {
		if f, ok := c.number(v); ok {
			return c.pushNumber(f)
		}
		c.Push(lua.LNil)
		return 1
	}
	c.payMade(len(c.str(1)))
	if base < 2 || base > 36 {
		c.argError(2, "base out of range")
	}
	if f, ok := parseBase(c.str(1), base); ok {
		return c.pushNumber(f)
	}
	c.Push(lua.LNil)
	return 1
}

func baseToString(c call) int {
	v := c.any(1)
	if f := metamethod(v, "__tostring"); f != lua.LNil {
		c.Push(c.callback(f, v))
		return 1
	}
	c.pay(showCost)
	c.Push(lua.LString(c.run().show(v)))
	return 1
}

// showCost is what tostring takes: it remembers tables and functions.
const showCost = 20

func baseUnpack(c call) int {
	t := c.table(1)
	first := c.optInt(2, 1)
	last := 0
	if c.Get(3) == lua.LNil {
		last = c.border(t)
	} else {
		last = c.int(3)
	}
	if first > last {
		return 0
	}
	n := last - first + 1
	if n <= 0 || n+c.GetTop() > maxStack {
		c.raise("too many results to unpack")
	}
	c.charge(n)
	c.spread(n)
	for i := first; i <= last; i++ {
		c.Push(at(t, i))
	}
	return n
}

func baseLoadString(c call) int {
	code := c.str(1)
	name := c.optStr(2, code)
	return c.load(code, name)
}

func baseLoad(c call) int {
	f := c.function(1)
	name := c.optStr(2, "=(load)")
	var b strings.Builder
	for {
		v := c.callback(f)
		s, ok := text(v)
		if v == lua.LNil || s == "" && ok {
			break
		}
		if !ok {
			c.Push(lua.LNil)
			c.Push(lua.LString("reader function must return a string"))
			return 2
		}
		c.charge(callCost)
		c.payMade(len(s))
		b.WriteString(s)
		if size := cost.Times(b.Len(), compileCost); size > c.run().left {
			c.pay(size) // what is too much to compile is too much to put together
		}
	}
	return c.load(b.String(), name)
}

// load compiles code, and pushes its function or nil and what is wrong.
func (c call) load(code, name string) int {
	c.charge(faultCost + 20*len(code))
	c.pay(cost.Times(len(code), compileCost))
	c.payRead(len(name))
	form, err := compile(code, chunkName(name), c.run().strict())
	if err != nil {
		c.Push(lua.LNil)
		c.Push(lua.LString(err.Error()))
		return 2
	}
	outer := &lua.LFunction{Env: c.run().env, Proto: form.proto}
	c.Push(c.callback(outer, operators...))
	return 1
}

// chunkName shows the name of a chunk as Lua does.
func chunkName(name string) string {
	if s, ok := strings.CutPrefix(name, "="); ok {
		return s
	}
	if s, ok := strings.CutPrefix(name, "@"); ok {
		return s
	}
	line, _, cut := strings.Cut(name, "\n")
	if cut || len(line) > 45 {
		line = line[:min(len(line), 45)] + "..."
	}
	return `[string "` + line + `"]`
}
