package lua

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// A registry takes the functions of a library while its code runs.
type registry struct {
	functions []Function
	callbacks []*lua.LFunction
	closed    bool // the code has ended
}

// callback returns what was registered under a name.
func (g *registry) callback(name string) *lua.LFunction {
	for i := range g.functions {
		if g.functions[i].Name == name {
			return g.callbacks[i]
		}
	}
	return nil
}

// What the code of a library sees of the table redis, and all that it sees.
var (
	loadFunctions = map[string]function{"register_function": redisRegister, "log": redisLog}
	loadScope     = scopeOf(newTable())
	// Functions see what scripts see, with another table redis.
	functionScope = scopeOf(newTable())
)

// notInFunctions are the names of the table redis that only scripts see.
var notInFunctions = []string{"breakpoint", "debug", "replicate_commands"}

// makeScopes builds the scopes of libraries and functions from that of scripts.
func makeScopes() {
	constants := map[string]lua.LValue{}
	for name, v := range redisConstants {
		if !strings.HasPrefix(name, "REPL_") {
			constants[name] = v
		}
	}
	atLoad := library(loadFunctions, constants)
	atLoad.Metatable = field("__index", missing)
	loadScope.table.RawSetString("redis", guarded(atLoad))
	loadScope.table.Metatable = field("__index", missing)

	for k, v := globals.Next(lua.LNil); k != lua.LNil; k, v = globals.Next(k) {
		functionScope.table.RawSet(k, v)
	}
	atCall := library(redisFunctions, redisConstants)
	for _, name := range notInFunctions {
		atCall.RawSetString(name, lua.LNil)
	}
	functionScope.table.RawSetString("redis", guarded(atCall))
	functionScope.table.Metatable = globals.Metatable
}

// redisRegister is redis.register_function: a name and a function, or a table of
// named arguments.
func redisRegister(c call) int {
	g := c.run().loading
	if g == nil || g.closed {
		c.redisError("redis.register_function can only be called on FUNCTION LOAD command")
	}
	var f Function
	var callback *lua.LFunction
	switch c.GetTop() {
	case 1:
		f, callback = c.namedArguments()
	case 2:
		var ok bool
		if f.Name, ok = text(c.Get(1)); !ok {
			c.redisError("first argument to redis.register_function must be a string")
		}
		if callback, ok = c.Get(2).(*lua.LFunction); !ok {
			c.redisError("second argument to redis.register_function must be a function")
		}
	default:
		c.redisError("wrong number of arguments to redis.register_function")
	}
	switch {
	case !goodName(f.Name):
		c.redisError(strings.TrimPrefix(errLibraryName, "ERR "))
	case g.callback(f.Name) != nil:
		c.redisError("Function already exists in the library")
	}
	c.charge(callCost + len(g.functions)/10 + len(f.Name)/bytesPerStep)
	g.functions = append(g.functions, f)
	g.callbacks = append(g.callbacks, callback)
	return 0
}

// namedArguments reads the table that describes a function.
func (c call) namedArguments() (f Function, callback *lua.LFunction) {
	t, ok := c.Get(1).(*lua.LTable)
	if !ok {
		c.redisError("calling redis.register_function with a single argument is only applicable to Lua table (representing named arguments).")
	}
	named := false
	for k, v := c.next(t, lua.LNil); k != lua.LNil; k, v = c.next(t, k) {
		key, ok := text(k)
		if !ok {
			c.redisError("named argument key given to redis.register_function is not a string")
		}
		switch strings.ToLower(key) {
		case "function_name":
			if f.Name, named = text(v); !named {
				c.redisError("function_name argument given to redis.register_function must be a string")
			}
		case "description":
			if f.Description, f.Described = text(v); !f.Described {
				c.redisError("description argument given to redis.register_function must be a string")
			}
		case "callback":
			if callback, ok = v.(*lua.LFunction); !ok {
				c.redisError("callback argument given to redis.register_function must be a function")
			}
		case "flags":
			f.Flags = c.functionFlags(v)
		default:
			c.redisError("unknown argument given to redis.register_function")
		}
	}
	switch {
	case !named:
		c.redisError("redis.register_function must get a function name argument")
	case callback == nil:
		c.redisError("redis.register_function must get a callback argument")
	}
	return f, callback
}

func (c call) functionFlags(v lua.LValue) (flags Flags) {
	t, ok := v.(*lua.LTable)
	if !ok {
		c.redisError("flags argument to redis.register_function must be a table representing function flags")
	}
	for i := 1; ; i++ {
		v := at(t, i)
		if v == lua.LNil {
			return flags
		}
		c.charge(1)
		name, _ := v.(lua.LString)
		flag, ok := flagOf(strings.ToLower(string(name)))
		if !ok {
			c.redisError("unknown flag given")
		}
		flags |= flag
	}
}
