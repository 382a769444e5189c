package server

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/resp"
)

var pauseCommands = []local{
	{spec("CLIENT|PAUSE", -3, ofClient|fsm.Admin, "connection", "Let this node's clients, or their writes, wait for a time.", "3.0.0"), "timeout [WRITE|ALL]", nil, clientPause},
	{spec("CLIENT|UNPAUSE", 2, ofClient|fsm.Admin, "connection", "Let the clients go on.", "6.2.0"), "", nil, clientUnpause},
}

// A pause holds back the commands of this node's clients; those of other nodes
// go on, and so does what they make the log bring. CLIENT UNPAUSE is never held
// back. All methods may be called from many goroutines.
type pause struct {
	on    atomic.Bool
	mu    sync.Mutex
	all   bool
	until time.Time
	held  map[*blocked]bool
}

// begin starts a pause. One that is on is never made shorter or narrower.
func (p *pause) begin(until time.Time, all bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Now().After(p.until) {
		p.all = false
	}
	if until.After(p.until) {
		p.until = until
	}
	p.all = p.all || all
	p.on.Store(true)
}

func (p *pause) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.on.Store(false)
	p.all, p.until = false, time.Time{}
	for b := range p.held {
		b.notify(turn)
	}
}

// hold has b wait for the end of the pause, and reports whether there is one that
// holds back such a command.
func (p *pause) hold(b *blocked, writes bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !time.Now().Before(p.until) {
		p.on.Store(false)
		return false
	}
	if !p.all && !writes {
		return false
	}
	if p.held == nil {
		p.held = map[*blocked]bool{}
	}
	b.until = p.until
	p.held[b] = true
	return true
}

func (p *pause) release(b *blocked) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.held, b)
}

// holdBack lets a command wait while there is a pause, and returns its arguments,
// which are copies if it has waited.
func (s *session) holdBack(r *row, args [][]byte) ([][]byte, error) {
	p := &s.srv.pause
	if !p.on.Load() || r.Name == "CLIENT|UNPAUSE" {
		return args, nil
	}
	writes := r.Flags&(fsm.Write|fsm.Logged) != 0
	for _, q := range s.tx.queue {
		writes = writes || r.Name == "EXEC" && q.row.Flags&(fsm.Write|fsm.Logged) != 0
	}
	for waited := false; ; waited = true {
		b := &blocked{s: s, firm: true, wake: make(chan struct{}, 1)}
		if !p.hold(b, writes) {
			return args, nil
		}
		if !waited {
			args = s.keep(args)
		}
		err := s.submit()
		if err == nil {
			_, err = s.nap(b)
		}
		p.release(b)
		if err != nil {
			return args, err
		}
	}
}

func clientPause(s *session, args [][]byte) resp.Value {
	all := true
	switch {
	case len(args) > 4:
		return errSubcommandSyntax(args)
	case len(args) == 4 && is(args[3], "WRITE"):
		all = false
	case len(args) == 4 && !is(args[3], "ALL"):
		return errPauseMode
	}
	timeout, fail := parseTimeout(args[2])
	if fail.IsError() {
		return fail
	}
	s.srv.pause.begin(time.Now().Add(min(time.Duration(timeout), time.Duration(forEver.Milliseconds()))*time.Millisecond), all)
	return resp.OK
}

func clientUnpause(s *session, _ [][]byte) resp.Value {
	s.srv.pause.end()
	return resp.OK
}

var (
	errPauseMode       = resp.Err("ERR CLIENT PAUSE mode must be WRITE or ALL")
	errTimeoutInteger  = resp.Err("ERR timeout is not an integer or out of range")
	errTimeoutNegative = resp.Err("ERR timeout is negative")
)

// parseTimeout reads a number of milliseconds.
func parseTimeout(arg []byte) (int64, resp.Value) {
	n, ok := parseInt(arg)
	switch {
	case !ok:
		return 0, errTimeoutInteger
	case n < 0:
		return 0, errTimeoutNegative
	}
	return n, resp.Nil
}
