package fsm

import (
	"strings"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/fsm/lua"
	"github.com/trivetdb/trivet/resp"
)

var functionCommands = []Command{
	{Spec{"FCALL", -3, Logged | forScript, Keys{}, "scripting", "Call a function of a library. The library's own variables are new at each call.", "7.0.0"}, fcall},
	{Spec{"FCALL_RO", -3, Read | forScript, Keys{}, "scripting", "Call a function of a library that reads only, on this node alone.", "7.0.0"}, fcallReadOnly},
	{Spec{"FUNCTION", -2, Local | Container, Keys{}, "scripting", "Commands about libraries of functions.", "7.0.0"}, noSubcommand},
	{Spec{"FUNCTION|DELETE", 3, Write | NoScript, Keys{}, "scripting", "Delete a library.", "7.0.0"}, functionDelete},
	{Spec{"FUNCTION|DUMP", 2, Read | NoScript, Keys{}, "scripting", "Get all libraries as one string, for FUNCTION RESTORE.", "7.0.0"}, functionDump},
	{Spec{"FUNCTION|FLUSH", -2, Write | NoScript, Keys{}, "scripting", "Delete all libraries.", "7.0.0"}, functionFlush},
	{Spec{"FUNCTION|LIST", -2, Read | NoScript, Keys{}, "scripting", "Describe libraries.", "7.0.0"}, functionList},
	{Spec{"FUNCTION|LOAD", -3, Write | DenyOOM | NoScript, Keys{}, "scripting", "Load a library on all nodes.", "7.0.0"}, functionLoad},
	{Spec{"FUNCTION|RESTORE", -3, Write | DenyOOM | NoScript, Keys{}, "scripting", "Load the libraries of a FUNCTION DUMP.", "7.0.0"}, functionRestore},
	{Spec{"FUNCTION|COUNTS", 1, Read | Internal | Alias, Keys{}, "scripting", "Count the libraries and their functions.", "7.0.0"}, functionCounts},
}

func fcall(tx *Tx, args [][]byte) resp.Value         { return tx.fcall(args, false) }
func fcallReadOnly(tx *Tx, args [][]byte) resp.Value { return tx.fcall(args, true) }

func (tx *Tx) fcall(args [][]byte, readOnly bool) resp.Value {
	f, ok := tx.st.functions.find(string(args[1]))
	if !ok {
		return errNoFunction
	}
	keys, argv, fail := scriptArgs(args)
	switch noWrites := f.Flags&lua.NoWrites != 0; {
	case fail.Str == errNotInteger.Str:
		return errFunctionKeys
	case fail.IsError():
		return fail
	case readOnly && !noWrites:
		return errScriptWrites
	default:
		readOnly = noWrites
	}
	full := !readOnly && f.Flags&lua.AllowOOM == 0 && tx.full()
	if full {
		return errOOM
	}
	tx.chargeArguments(keys, argv)
	if tx.write { // reads run together
		if err := f.library.Prepare(tx.bounded()); err != nil {
			return resp.Err(err.Error())
		}
	}
	return tx.runLua(readOnly, full, func(m *lua.Machine, host lua.Host) resp.Value {
		return m.Call(f.library, f.Function, host, keys, argv)
	})
}

// Option words follow the subcommand: args[2:] but for the last, which is code.
func functionLoad(tx *Tx, args [][]byte) resp.Value {
	replace := false
	last := len(args) - 1
	for _, option := range args[2:last] {
		if !equalFold(option, "REPLACE") {
			return resp.Err("ERR Unknown option given: " + string(option[:min(len(option), maxCommandName)]))
		}
		replace = true
	}
	tx.charge(cost.Times(len(tx.st.functions.byName), cost.Insert))
	l, err := tx.loadLibrary(string(args[last]))
	if err != nil {
		return resp.Err(err.Error())
	}
	if !replace && tx.st.functions.has(l.Name) {
		return resp.Err("ERR Library '" + l.Name + "' already exists")
	}
	next := tx.st.functions
	if fail := next.add(replace, l); fail.IsError() {
		return fail
	}
	if fail := tx.replaceFunctions(next); fail.IsError() {
		return fail
	}
	return resp.Str(l.Name)
}

func functionDelete(tx *Tx, args [][]byte) resp.Value {
	if !tx.st.functions.has(string(args[2])) {
		return errNoLibrary
	}
	tx.charge(cost.Times(len(tx.st.functions.byName), cost.Insert))
	tx.st.functions = tx.st.functions.without(string(args[2]))
	return resp.OK
}

func functionFlush(tx *Tx, args [][]byte) resp.Value {
	switch {
	case len(args) > 3:
		return errFunctionSyntax("FLUSH")
	case len(args) == 3 && !equalFold(args[2], "SYNC") && !equalFold(args[2], "ASYNC"):
		return errFunctionFlush
	}
	tx.st.functions = functions{}
	return resp.OK
}

// functionList takes [LIBRARYNAME pattern] [WITHCODE], each once, in any order.
func functionList(tx *Tx, args [][]byte) resp.Value {
	var pattern *string
	withCode := false
	for i := 2; i < len(args); i++ {
		switch {
		case !withCode && equalFold(args[i], "WITHCODE"):
			withCode = true
		case pattern == nil && equalFold(args[i], "LIBRARYNAME"):
			if i++; i >= len(args) {
				return resp.Err("ERR library name argument was not given")
			}
			lower := strings.ToLower(string(args[i]))
			pattern = &lower
		default:
			return resp.Err("ERR Unknown argument " + string(args[i][:min(len(args[i]), maxCommandName)]))
		}
	}
	found := resp.List()
	for _, l := range tx.st.functions.libraries {
		tx.chargeReply(libraryValues*(1+len(l.Functions)), libraryBytes(l)-codePerByte*len(l.Code))
		if withCode {
			tx.chargeReply(1, len(l.Code))
		}
		if pattern == nil || Match(*pattern, strings.ToLower(l.Name)) {
			found.Elems = append(found.Elems, describeLibrary(l, withCode))
		}
	}
	return found
}

// libraryValues is how many values describe a library or a function.
const libraryValues = 12

func describeLibrary(l *lua.Library, withCode bool) resp.Value {
	list := resp.List()
	for _, f := range l.Functions {
		about, flags := resp.Nil, resp.Value{Kind: resp.Set}
		if f.Described {
			about = resp.Str(f.Description)
		}
		for _, name := range f.Flags.Names() {
			flags.Elems = append(flags.Elems, resp.Status(name))
		}
		list.Elems = append(list.Elems, resp.Dict(resp.Str("name"), resp.Str(f.Name),
			resp.Str("description"), about, resp.Str("flags"), flags))
	}
	d := resp.Dict(resp.Str("library_name"), resp.Str(l.Name), resp.Str("engine"), resp.Str("LUA"),
		resp.Str("functions"), list)
	if withCode {
		d.Elems = append(d.Elems, resp.Str("library_code"), resp.Str(l.Code))
	}
	return d
}

// functionCounts answers the numbers that FUNCTION STATS shows.
func functionCounts(tx *Tx, _ [][]byte) resp.Value {
	n := 0
	for _, l := range tx.st.functions.libraries {
		n += len(l.Functions)
	}
	return resp.List(resp.Int(int64(len(tx.st.functions.libraries))), resp.Int(int64(n)))
}

var (
	errNoFunction    = resp.Err("ERR Function not found")
	errNoLibrary     = resp.Err("ERR Library not found")
	errFunctionKeys  = resp.Err("ERR Bad number of keys provided")
	errFunctionFlush = resp.Err("ERR FUNCTION FLUSH only supports SYNC|ASYNC option")
)

func errFunctionSyntax(name string) resp.Value {
	return resp.Err("ERR unknown subcommand or wrong number of arguments for '" + name + "'. Try FUNCTION HELP.")
}
