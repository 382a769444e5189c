package server

import (
	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/resp"
)

// killsLua are the flags of what ends a run.
const killsLua = fsm.Local | fsm.NoScript | fsm.AllowBusy

// scriptCommands are the rows of SCRIPT and FUNCTION that need the node; the
// others lie in package fsm.
var scriptCommands = []local{
	{spec("SCRIPT|DEBUG", 3, fsm.Local|fsm.NoScript, "scripting", "Accepted and without effect: there is no debugger.", "3.2.0"), "YES|SYNC|NO", nil, scriptDebug},
	{spec("SCRIPT|HELP", 2, forHelp, "scripting", "Show the subcommands.", "5.0.0"), "", nil, helpOf("SCRIPT")},
	{spec("SCRIPT|KILL", 2, killsLua, "scripting", "End the scripts that only read and run on this node now.", "2.6.0"), "", nil, killOf(false)},
	{spec("FUNCTION|HELP", 2, forHelp, "scripting", "Show the subcommands.", "7.0.0"), "", nil, helpOf("FUNCTION")},
	{spec("FUNCTION|KILL", 2, killsLua, "scripting", "End the functions that only read and run on this node now.", "7.0.0"), "", nil, killOf(true)},
	{spec("FUNCTION|STATS", 2, killsLua, "scripting", "Count libraries and functions, and describe the function that has run longest on this node.", "7.0.0"), "", nil, functionStats},
}

func killOf(functions bool) func(*session, [][]byte) resp.Value {
	return func(s *session, _ [][]byte) resp.Value { return s.srv.lua.kill(functions) }
}

func scriptDebug(_ *session, args [][]byte) resp.Value {
	switch {
	case is(args[2], "NO"):
		return resp.OK
	case is(args[2], "YES"), is(args[2], "SYNC"):
		return errNoDebugger
	}
	return errScriptDebug
}

var functionCounts = fsm.Lookup("FUNCTION|COUNTS")

func functionStats(s *session, _ [][]byte) resp.Value {
	req := fsm.Request{Command: functionCounts, Args: [][]byte{nil}}
	v, err := s.ask(req)
	if err != nil {
		s.fault = err
		return resp.Nil
	}
	lua := resp.Dict(resp.Str("libraries_count"), v.Elems[0], resp.Str("functions_count"), v.Elems[1])
	return resp.Dict(resp.Str("running_script"), s.srv.lua.oldest(), resp.Str("engines"), resp.Dict(resp.Str("LUA"), lua))
}

// What is said of running scripts and functions.
var (
	errBusyScript   = resp.Err("BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.")
	errBusyFunction = resp.Err("BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.")
	errUnkillable   = resp.Err("UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the script termination or kill the server in a hard way using the SHUTDOWN NOSAVE command.")
	errScriptDebug  = resp.Err("ERR Use SCRIPT DEBUG YES/SYNC/NO")
	errNoDebugger   = resp.Err("ERR there is no debugger of scripts here")
)
