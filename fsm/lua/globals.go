package lua

import (
	"maps"
	"slices"

	lua "github.com/yuin/gopher-lua"
)

// What all runs share is built once. A script sees a library as an empty table
// whose metatable leads to the library: what is assigned to it is refused.
var (
	globals    = newTable()                          // what scripts find besides KEYS and ARGV
	backing    = map[*lua.LTable]*lua.LTable{}       // what lies behind an empty table
	stringMeta = newTable()                          // the metatable of strings
	seenMeta   *lua.LTable                           // what scripts see of it
	null       = &lua.LUserData{Metatable: lua.LNil} // cjson.null
)

var refuse = wrap("", func(c call) int {
	c.raise("%s", errReadonly)
	return 0
})

const errReadonly = "Attempt to modify a readonly table"

// missing answers a global that is not there.
var missing = wrap("", func(c call) int {
	name, _ := text(c.Get(2))
	c.raise("Script attempted to access nonexistent global variable '%s'", name)
	return 0
})

func init() {
	functions := map[string]map[string]function{
		"redis": redisFunctions, "string": stringFunctions, "table": tableFunctions, "math": mathFunctions,
		"coroutine": coroutineFunctions, "bit": bitFunctions, "struct": structFunctions,
		"cjson": jsonFunctions, "cmsgpack": packFunctions,
	}
	constants := map[string]map[string]lua.LValue{
		"redis": redisConstants, "math": mathConstants, "cjson": jsonConstants, "cmsgpack": packConstants,
	}
	for _, name := range slices.Sorted(maps.Keys(functions)) {
		globals.RawSetString(name, guarded(library(functions[name], constants[name])))
	}
	addFunctions(globals, baseFunctions)
	globals.RawSetString("_VERSION", lua.LString("Lua 5.1"))
	globals.Metatable = field("__index", missing)
	stringMeta.RawSetString("__index", globals.RawGetString("string"))
	seenMeta = guarded(field("__index", globals.RawGetString("string")))
	makeScopes()
}

// known reports whether a library, or "_G", has a name.
func known(library, name string) bool {
	t := globals
	if library != "_G" {
		empty, _ := globals.RawGetString(library).(*lua.LTable)
		t = backing[empty]
	}
	return t != nil && t.RawGetString(name) != lua.LNil
}

// library returns the table of a library, its names in order.
func library(functions map[string]function, constants map[string]lua.LValue) *lua.LTable {
	t := newTable()
	addFunctions(t, functions)
	for _, name := range slices.Sorted(maps.Keys(constants)) {
		t.RawSetString(name, constants[name])
	}
	return t
}

func addFunctions(t *lua.LTable, functions map[string]function) {
	for _, name := range slices.Sorted(maps.Keys(functions)) {
		t.RawSetString(name, wrap(name, functions[name]))
	}
}

// guarded returns a table that shows t and cannot be changed.
func guarded(t *lua.LTable) *lua.LTable {
	empty := newTable()
	meta := field("__index", t)
	meta.RawSetString("__newindex", refuse)
	empty.Metatable = meta
	backing[empty] = t
	return empty
}

// open gives a run its globals.
func (r *run) open(L *lua.LState, keys, argv [][]byte) {
	if r.env == nil {
		r.surroundings = newSurroundings()
	}
	if r.loading == nil {
		r.globals.RawSetString("KEYS", list(keys))
		r.globals.RawSetString("ARGV", list(argv))
		r.enter(scriptScope)
	} else {
		r.enter(loadScope)
	}
	L.Env = r.env
	L.SetMetatable(lua.LString(""), stringMeta)
}

// Surroundings are where a run finds its globals: an empty table, whose metatable leads
// to KEYS and ARGV. Nothing that a run can do changes or shows the others, so that the
// next script can have them.
type surroundings struct{ env, globals *lua.LTable }

func newSurroundings() surroundings {
	s := surroundings{newTable(), noLState.CreateTable(0, 4)}
	meta := field("__index", s.globals)
	meta.RawSetString("__newindex", refuse)
	s.env.Metatable = meta
	return s
}

// bequeath returns the surroundings for the next script, without what this one was
// given. The names stay where they are, so that pairs shows them in the same order.
func (s surroundings) bequeath() surroundings {
	s.globals.RawSetString("KEYS", lua.LFalse)
	s.globals.RawSetString("ARGV", lua.LFalse)
	return s
}

// A scope is what all runs of a kind find besides their own globals: scripts,
// functions, and the code of libraries.
type scope struct {
	table *lua.LTable
	meta  *lua.LTable // whose __index is table
}

func scopeOf(table *lua.LTable) *scope { return &scope{table, field("__index", table)} }

var scriptScope = scopeOf(globals)

// enter lets a run see what is in a scope.
func (r *run) enter(s *scope) {
	r.scope = s
	r.globals.Metatable = s.meta
	if s != loadScope {
		r.globals.RawSetString("_G", r.env)
	}
}

func list(items [][]byte) *lua.LTable {
	t := noLState.CreateTable(len(items), 0)
	for i, item := range items {
		t.RawSetInt(i+1, lua.LString(item))
	}
	return t
}

// readonly reports whether scripts may not change t.
func (r *run) readonly(t *lua.LTable) bool { return t == r.env || backing[t] != nil }

// next is the run's next, with what it walks over counted.
func (c call) next(t *lua.LTable, key lua.LValue) (k, v lua.LValue) {
	r := c.run()
	if !r.strict() {
		return r.next(t, key)
	}
	if s, ok := key.(lua.LString); ok {
		c.payRead(len(s))
	}
	k, v = r.next(t, key)
	if t != r.env && backing[t] == nil {
		c.charge(nextCost + walked(t, key, k))
	}
	return k, v
}

// nextRaw is next for a table that hides nothing behind it.
func (c call) nextRaw(t *lua.LTable, key lua.LValue) (k, v lua.LValue) {
	k, v = t.Next(key)
	if c.run().strict() {
		c.charge(nextCost + walked(t, key, k))
	}
	return k, v
}

// nextCost is what a step through a table takes besides the places it walks over.
const nextCost = 2

// next is Lua's next, which sees what lies behind an empty table.
func (r *run) next(t *lua.LTable, key lua.LValue) (k, v lua.LValue) {
	if t != r.env {
		if behind := backing[t]; behind != nil {
			t = behind
		}
		return t.Next(key)
	}
	if key == lua.LNil || r.globals.RawGet(key) != lua.LNil {
		if k, v = r.globals.Next(key); k != lua.LNil {
			return k, v
		}
		key = lua.LNil
	}
	return r.scope.table.Next(key)
}
