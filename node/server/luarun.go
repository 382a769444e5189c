package server

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/resp"
)

// luaRuns are the scripts and functions under way for clients of this node.
//
// Those that only read run on this node alone, several at once, and can be
// killed. The others run on all nodes and must end at the same place everywhere:
// their budget ends them. No client is told BUSY: reads go on beside a reading
// script, and writes wait for it, no longer than its budget lasts.
type luaRuns struct {
	mu      sync.Mutex
	reading []*luaRun // the longest first
	logged  atomic.Int64
}

// A luaRun is a script or a function that only reads.
type luaRun struct {
	function bool
	args     [][]byte // of the command; good until the run ends
	began    time.Time
	killed   atomic.Bool
}

// runsLua reports whether a command is one of EVAL's or FCALL's.
func runsLua(r *row) bool { return r.Group == "scripting" && r.Flags&fsm.SkipMonitor != 0 }

// start notes a run that begins.
func (l *luaRuns) start(r *row, args [][]byte) *luaRun {
	run := &luaRun{function: r.Name == "FCALL_RO", args: args, began: time.Now()}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reading = append(l.reading, run)
	return run
}

func (l *luaRuns) end(run *luaRun) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, r := range l.reading {
		if r == run {
			l.reading = append(l.reading[:i], l.reading[i+1:]...)
			return
		}
	}
}

// kill ends all reading functions, or all reading scripts.
func (l *luaRuns) kill(functions bool) resp.Value {
	l.mu.Lock()
	defer l.mu.Unlock()
	killed, others := false, false
	for _, run := range l.reading {
		if run.function != functions {
			others = true
			continue
		}
		run.killed.Store(true)
		killed = true
	}
	switch {
	case killed:
		return resp.OK
	case others && functions:
		return errBusyScript
	case others:
		return errBusyFunction
	case l.logged.Load() > 0:
		return errUnkillable
	}
	return errNotBusy
}

// oldest describes the function that has run longest, as FUNCTION STATS does.
func (l *luaRuns) oldest() resp.Value {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, run := range l.reading {
		if !run.function {
			continue
		}
		command := resp.List()
		for _, arg := range run.args {
			command.Elems = append(command.Elems, resp.Str(string(arg)))
		}
		return resp.Dict(resp.Str("name"), resp.Str(string(run.args[1])), resp.Str("command"), command,
			resp.Str("duration_ms"), resp.Int(time.Since(run.began).Milliseconds()))
	}
	return resp.Nil
}

// readLua is ask for a script or a function: it ends where it is killed,
// or its client is.
func (s *session) readLua(r *row, req fsm.Request) (resp.Value, error) {
	run := s.srv.lua.start(r, req.Args)
	defer s.srv.lua.end(run)
	req.Stop = func() bool { return run.killed.Load() || s.ctx.Err() != nil }
	return s.ask(req)
}

// propose is Backend.Write for a group that may hold scripts.
func (s *session) propose(db int, group *fsm.Group, lua bool) ([]resp.Value, uint64, error) {
	if lua {
		s.srv.lua.logged.Add(1)
		defer s.srv.lua.logged.Add(-1)
	}
	return s.srv.opts.Backend.Write(s.ctx, db, group)
}
