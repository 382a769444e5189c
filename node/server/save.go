package server

import (
	"context"
	"sync"
	"time"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/resp"
)

const ofSave = fsm.Local | fsm.Admin | fsm.NoScript | fsm.NoAsyncLoading

// Every write is in the log on disk before it is answered; a snapshot makes the
// log shorter. The node takes them by itself, these commands take one now.
var saveCommands = []local{
	{spec("SAVE", 1, ofSave|fsm.NoMulti, "server", "Take a snapshot of this node's state.", "1.0.0"), "", nil, save},
	{spec("BGSAVE", -1, ofSave, "server", "Begin to take a snapshot of this node's state.", "1.0.0"), "[SCHEDULE]", nil, bgSave},
	{spec("BGREWRITEAOF", 1, ofSave, "server", "Begin to take a snapshot, after which the log is cut.", "1.0.0"), "", nil, bgRewrite},
	{spec("LASTSAVE", 1, fsm.Local|fsm.Loading|fsm.Stale|fsm.Fast, "server", "Get the time of this node's newest snapshot, or of its start.", "1.0.0"), "", []string{"@admin", "@dangerous"}, lastSave},
}

// saves are the snapshots that clients asked for. All methods may be called from
// many goroutines.
type saves struct {
	mu      sync.Mutex
	running bool
	failed  bool          // the last one
	count   int64         // that went well
	took    time.Duration // the last one; -1 s before there is one
}

// begin reports whether none was running.
func (v *saves) begin() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	was := v.running
	v.running = true
	return !was
}

func (v *saves) end(took time.Duration, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.running, v.failed, v.took = false, err != nil, took
	if err == nil {
		v.count++
	}
}

// look returns a copy without the lock's fields in use.
func (v *saves) look() (running, failed bool, count int64, took time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.running, v.failed, v.count, v.took
}

// run takes a snapshot, whether or not another is under way.
func (v *saves) run(ctx context.Context, b Backend) error {
	began := time.Now()
	v.begin()
	err := b.Save(ctx)
	v.end(time.Since(began), err)
	return err
}

// background begins a snapshot, and reports whether none was under way. Shutdown
// waits for it.
func (s *Server) background() bool {
	if !s.saves.begin() {
		return false
	}
	s.conns.running.Go(func() {
		began := time.Now()
		err := s.opts.Backend.Save(s.ctx)
		if err != nil {
			s.opts.Log.Error("take a snapshot", "err", err)
		}
		s.saves.end(time.Since(began), err)
	})
	return true
}

var (
	errSaving    = resp.Err("ERR Background save already in progress")
	errRewriting = resp.Err("ERR Background append only file rewriting already in progress")
)

func save(s *session, _ [][]byte) resp.Value {
	if running, _, _, _ := s.srv.saves.look(); running {
		return errSaving
	}
	return done(s.srv.saves.run(s.ctx, s.srv.opts.Backend))
}

func bgSave(s *session, args [][]byte) resp.Value {
	switch {
	case len(args) > 2, len(args) == 2 && !is(args[1], "SCHEDULE"):
		return errSyntax
	case !s.srv.background():
		return errSaving
	}
	return resp.Status("Background saving started")
}

func bgRewrite(s *session, _ [][]byte) resp.Value {
	if !s.srv.background() {
		return errRewriting
	}
	return resp.Status("Background append only file rewriting started")
}

// savedAt returns the time of the newest snapshot, or of the start.
func (s *Server) savedAt(st *Status) int64 {
	if st.SnapshotTime > 0 {
		return st.SnapshotTime
	}
	return s.started.Unix()
}

func lastSave(s *session, _ [][]byte) resp.Value {
	status := s.srv.opts.Backend.Status()
	return resp.Int(s.srv.savedAt(&status))
}
