package server

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/resp"
)

const ofSlowlog = fsm.Local | fsm.Admin | fsm.Loading | fsm.Stale

var slowlogCommands = []local{
	{spec("SLOWLOG", -2, fsm.Local|fsm.Container, "server", "Commands about what took long.", "2.2.12"), "", nil, nil},
	{spec("SLOWLOG|GET", -2, ofSlowlog, "server", "Show the newest commands of this node's clients that took long.", "2.2.12"), "[count]", nil, slowlogGet},
	{spec("SLOWLOG|HELP", 2, forHelp, "server", "Show the subcommands.", "6.2.0"), "", nil, helpOf("SLOWLOG")},
	{spec("SLOWLOG|LEN", 2, ofSlowlog, "server", "Count the commands that SLOWLOG GET can show.", "2.2.12"), "", nil, slowlogLen},
	{spec("SLOWLOG|RESET", 2, ofSlowlog, "server", "Forget the commands that took long.", "2.2.12"), "", nil, slowlogReset},
}

// The most that an entry keeps of a command, as in Redis.
const (
	maxSlowArgs  = 32
	maxSlowBytes = 128 // of an argument
)

// A slowLog keeps the commands that took long. Its zero value is empty; all
// methods may be called from many goroutines.
//
// The time of a command is that from its being read to its reply: a write's has
// its way through the log in it. What a client waited for on purpose, as in BRPOP
// or WAIT, does not count. Writes that were pipelined are one group and make one
// entry, with the arguments of the first and a word on how many came after it.
type slowLog struct {
	mu      sync.Mutex
	lastID  int64
	entries []slowEntry // the newest last
}

type slowEntry struct {
	id         int64
	at         time.Time
	took       time.Duration
	args       []string
	addr, name string // of the client
}

// add keeps a command, and most entries at all.
func (l *slowLog) add(e slowEntry, most int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.id = l.lastID
	l.lastID++
	l.entries = append(l.entries, e)
	if over := int64(len(l.entries)) - max(most, 0); over > 0 {
		l.entries = slices.Delete(l.entries, 0, int(over))
	}
}

// newest returns up to n entries, the newest first.
func (l *slowLog) newest(n int64) []slowEntry {
	l.mu.Lock()
	defer l.mu.Unlock()
	from := max(0, int64(len(l.entries))-n)
	list := slices.Clone(l.entries[from:])
	slices.Reverse(list)
	return list
}

func (l *slowLog) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.entries)
}

func (l *slowLog) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = nil
}

// slowArgs returns what an entry keeps of arguments. More are the commands that
// the entry stands for besides.
func slowArgs(args [][]byte, more int) []string {
	kept := make([]string, 0, min(len(args), maxSlowArgs)+1)
	for i, arg := range args {
		if i == maxSlowArgs-1 && len(args) > maxSlowArgs {
			kept = append(kept, fmt.Sprintf("... (%d more arguments)", len(args)-i))
			break
		}
		text := string(arg[:min(len(arg), maxSlowBytes)])
		if over := len(arg) - len(text); over > 0 {
			text += fmt.Sprintf("... (%d more bytes)", over)
		}
		kept = append(kept, text)
	}
	if more > 0 {
		kept = append(kept, fmt.Sprintf("... (%d more commands)", more))
	}
	return kept
}

// timed looks at how long a command took, for SLOWLOG and LATENCY.
func (s *session) timed(r *row, took time.Duration, args [][]byte) {
	s.srv.latency.command(s.srv, r, took)
	if s.srv.isSlow(r, took) {
		s.keepSlow(took, slowArgs(redacted(r, args), 0))
	}
}

// timedGroup is timed for writes that went through the log together.
func (s *session) timedGroup(rows []*row, took time.Duration, g *fsm.Group) {
	if len(rows) == 0 {
		return
	}
	s.srv.latency.command(s.srv, rows[0], took)
	if s.srv.isSlow(rows[0], took) {
		args := g.First()
		name, _, _ := strings.Cut(rows[0].Name, "|")
		if rows[0].Flags&fsm.ClassicOnly != 0 {
			name = strings.ToUpper(rows[0].FullName())
		}
		args[0] = []byte(name)
		s.keepSlow(took, slowArgs(redacted(rows[0], args), len(rows)-1))
	}
}

// timed is timedGroup for what a transaction sent.
func (tx *transaction) timed(s *session, took time.Duration) {
	var first *queued
	count := 0
	for i := range tx.queue {
		if q := &tx.queue[i]; q.row.command != nil {
			if count++; first == nil {
				first = q
			}
		}
	}
	if first == nil {
		return
	}
	s.srv.latency.command(s.srv, first.row, took)
	if s.srv.isSlow(first.row, took) {
		s.keepSlow(took, slowArgs(redacted(first.row, first.args), count-1))
	}
}

func (s *Server) isSlow(r *row, took time.Duration) bool {
	least := s.limits.slowerThan.Load()
	return least >= 0 && took.Microseconds() >= least && r.Flags&fsm.SkipSlowlog == 0
}

func (s *session) keepSlow(took time.Duration, args []string) {
	s.srv.slow.add(slowEntry{
		at: time.Now(), took: took, args: args, addr: s.conn.RemoteAddr().String(), name: s.who.name,
	}, s.srv.limits.slowMaxLen.Load())
}

func slowlogGet(s *session, args [][]byte) resp.Value {
	count := int64(10)
	if len(args) > 3 {
		return errSubcommandSyntax(args)
	}
	if len(args) == 3 {
		n, ok := parseInt(args[2])
		switch {
		case !ok || n < -1:
			return errSlowCount
		case n == -1:
			n = int64(s.srv.slow.len())
		}
		count = n
	}
	list := resp.List()
	for _, e := range s.srv.slow.newest(count) {
		list.Elems = append(list.Elems, resp.List(
			resp.Int(e.id), resp.Int(e.at.Unix()), resp.Int(e.took.Microseconds()), resp.Strs(e.args...),
			resp.Str(e.addr), resp.Str(e.name),
		))
	}
	return list
}

var errSlowCount = resp.Err("ERR count should be greater than or equal to -1")

func slowlogLen(s *session, _ [][]byte) resp.Value { return resp.Int(int64(s.srv.slow.len())) }

func slowlogReset(s *session, _ [][]byte) resp.Value {
	s.srv.slow.reset()
	return resp.OK
}
