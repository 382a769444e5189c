package server

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/resp"
)

var monitorCommands = []local{
	{spec("MONITOR", 1, fsm.Local|fsm.Admin|fsm.NoScript|fsm.Loading|fsm.Stale, "server", "Show every command that this node's clients send, until RESET.", "1.0.0"), "", nil, monitor},
}

// monitors are the clients that see what others do. A monitor that does not read
// is given up, as a subscriber is.
type monitors struct {
	count atomic.Int64 // so that it costs little when there is none
	mu    sync.RWMutex
	all   map[*session]bool
}

func (m *monitors) add(s *session) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.all == nil {
		m.all = map[*session]bool{}
	}
	m.all[s] = true
	m.count.Store(int64(len(m.all)))
}

func (m *monitors) remove(s *session) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.all, s)
	m.count.Store(int64(len(m.all)))
}

// show shows the monitors a command that is about to run, or has just run. What
// an operator does is no concern of theirs.
func (s *session) show(r *row, args [][]byte) {
	m := &s.srv.monitors
	if m.count.Load() == 0 || r.Flags&fsm.Admin != 0 || r.Flags&fsm.SkipMonitor != 0 && r.Group != "scripting" {
		return
	}
	line := resp.Status(s.shownLine(redacted(r, args)))
	m.mu.RLock()
	defer m.mu.RUnlock()
	for to := range m.all {
		to.push(line)
	}
}

// maxShownLine bounds how many bytes of a command monitors are shown; the rest is
// left out, which three dots tell.
const maxShownLine = 4 << 20

// shownLine returns a command as monitors see it.
func (s *session) shownLine(args [][]byte) string {
	var b strings.Builder
	now := time.Now().UnixMicro()
	fmt.Fprintf(&b, "%d.%06d [%d %s]", now/1e6, now%1e6, s.who.db, s.conn.RemoteAddr())
	left := maxShownLine
	for _, arg := range args {
		b.WriteByte(' ')
		quote(&b, arg[:min(len(arg), left)])
		if left -= len(arg); left < 0 {
			b.WriteString(" ...")
			break
		}
	}
	return b.String()
}

// escapes are the characters that have a short form.
var escapes = map[byte]string{
	'\\': `\\`, '"': `\"`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\a': `\a`, '\b': `\b`,
}

// quote writes text as Redis's logs do: what cannot be printed is escaped.
func quote(b *strings.Builder, text []byte) {
	b.WriteByte('"')
	plain := 0 // where what is not written yet begins
	for i, c := range text {
		if c >= ' ' && c <= '~' && c != '"' && c != '\\' {
			continue
		}
		b.Write(text[plain:i])
		plain = i + 1
		if short := escapes[c]; short != "" {
			b.WriteString(short)
		} else {
			fmt.Fprintf(b, `\x%02x`, c)
		}
	}
	b.Write(text[plain:])
	b.WriteByte('"')
}

func monitor(s *session, _ [][]byte) resp.Value {
	if s.inExec {
		return errMonitorInMulti
	}
	if !s.watches {
		s.say(resp.OK) // ahead of what is shown
		s.takePushes()
		s.watches = true
		s.srv.monitors.add(s)
	}
	return noReply
}

var errMonitorInMulti = resp.Err("ERR MONITOR isn't allowed for DENY BLOCKING client")

// leaveMonitors ends MONITOR.
func (s *session) leaveMonitors() {
	if s.watches {
		s.watches = false
		s.srv.monitors.remove(s)
	}
}

var errWatcherReads = resp.Err("ERR Replica can't interact with the keyspace")

// takePushes lets other goroutines send to the client while it is idle.
func (s *session) takePushes() {
	if s.out.pushed == nil {
		s.out.pushed = make(chan struct{}, 1)
		go s.out.relay(s.ctx.Done())
	}
}
