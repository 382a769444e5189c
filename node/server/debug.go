package server

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/resp"
)

// DEBUG needs no switch in the configuration: what is here harms nobody but the
// client that asks.
var debugCommands = []local{
	{spec("DEBUG", -2, fsm.Local|fsm.Admin|fsm.NoScript|fsm.Loading|fsm.Stale, "server", "SLEEP lets this connection wait, OBJECT tells how a value is kept, ERROR answers an error.", "1.0.0"), "SLEEP seconds | OBJECT key | ERROR message | HELP", nil, debugging},
}

func debugging(s *session, args [][]byte) resp.Value {
	switch {
	case is(args[1], "SLEEP") && len(args) == 3:
		return debugSleep(s, args)
	case is(args[1], "OBJECT") && len(args) == 3:
		return debugObject(s, args)
	case is(args[1], "ERROR") && len(args) == 3:
		return resp.Err(oneLine(string(args[2])))
	case is(args[1], "HELP") && len(args) == 2:
		return resp.List(
			resp.Status("DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"),
			resp.Status("ERROR <string>"),
			resp.Status("    Answer an error with <string> as its text."),
			resp.Status("OBJECT <key>"),
			resp.Status("    Tell how the value of <key> is kept."),
			resp.Status("SLEEP <seconds>"),
			resp.Status("    Let this connection wait for <seconds>. Decimals are allowed."),
			resp.Status("HELP"),
			resp.Status("    Show the subcommands."),
		)
	}
	return errSubcommandSyntax(args)
}

// oneLine returns text that fits into a status or an error.
func oneLine(text string) string {
	b := []byte(text)
	for i, c := range b {
		if c == '\r' || c == '\n' {
			b[i] = ' '
		}
	}
	return string(b)
}

// debugSleep lets the connection sleep, where Redis's whole server does. It takes
// its time for SLOWLOG too, which it is used to test.
func debugSleep(s *session, args [][]byte) resp.Value {
	seconds, err := strconv.ParseFloat(string(args[2]), 64)
	if err != nil || math.IsNaN(seconds) || seconds <= 0 || s.inExec { // EXEC does not wait
		return resp.OK
	}
	s.keep(args)
	until := time.Now().Add(time.Duration(min(seconds, forEver.Seconds()) * float64(time.Second)))
	_, s.fault = s.nap(&blocked{s: s, until: until, wake: make(chan struct{}, 1)})
	return resp.OK
}

var (
	objectEncoding = fsm.Lookup("OBJECT|ENCODING")
	memoryUsage    = fsm.Lookup("MEMORY|USAGE")
)

// debugObject shows the fields that tools read. The length is an estimate of the
// value's memory.
func debugObject(s *session, args [][]byte) resp.Value {
	ask := func(c *fsm.Command) (v resp.Value) {
		v, s.fault = s.ask(fsm.Request{Command: c, Args: [][]byte{nil, nil, args[2]}, DB: s.who.db})
		return v
	}
	encoding := ask(objectEncoding)
	if s.fault != nil || encoding.Kind != resp.Bulk {
		return errNoSuchKey
	}
	size := ask(memoryUsage)
	return resp.Status(fmt.Sprintf("Value at:0x0 refcount:1 encoding:%s serializedlength:%d lru:0 lru_seconds_idle:0", encoding.Str, size.Int))
}

var errNoSuchKey = resp.Err("ERR no such key")
