package server

import (
	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/resp"
)

// scriptCommands are the rows of SCRIPT that need no data; the others lie in
// package fsm.
var scriptCommands = []local{
	{spec("SCRIPT|HELP", 2, forHelp, "scripting", "Show the subcommands.", "5.0.0"), "", nil, helpOf("SCRIPT")},
	{spec("SCRIPT|KILL", 2, fsm.Local|fsm.NoScript|fsm.AllowBusy, "scripting", "End the running script; none ever runs that this could reach.", "2.6.0"), "", nil, scriptKill},
}

// scriptKill answers what is true whenever it is asked: scripts run to the end of
// their budget at most, and writes and reads wait for them.
func scriptKill(*session, [][]byte) resp.Value { return errNotBusy }
