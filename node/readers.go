package node

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/trivetdb/trivet/fsm"
)

// readers are the clients of this node in XREAD. What they wait for is read from
// this node's own state, and an entry is for all of them, so no other node need
// know of them and they do not mind who leads.
type readers struct {
	view  func(func(*fsm.State))
	count atomic.Int64

	mu    sync.Mutex // guards what follows
	lines map[place]map[*reader]bool
}

// A reader is a client's place. It implements server.Place.
type reader struct {
	of     *readers
	db     int
	wait   fsm.Wait
	turn   func(first bool)
	called bool // guarded by of: it has a turn
}

func newReaders(view func(func(*fsm.State))) *readers {
	return &readers{view: view, lines: map[place]map[*reader]bool{}}
}

// enter lets a client wait; see server.Backend.
func (r *readers) enter(db int, w fsm.Wait, turn func(first bool)) *reader {
	rd := &reader{of: r, db: db, wait: w, turn: turn}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, key := range w.Keys {
		p := place{db, string(key)}
		if r.lines[p] == nil {
			r.lines[p] = map[*reader]bool{}
		}
		r.lines[p][rd] = true
	}
	// It is counted before the look at the state, so that either the look or the
	// next entry finds what there is.
	r.count.Add(1)
	r.view(rd.look)
	return rd
}

// look gives the client a turn if there is what it waits for.
func (rd *reader) look(s *fsm.State) {
	now := time.Now().UnixMilli()
	for i := range rd.wait.Keys {
		if !rd.called && s.Arrived(rd.db, &rd.wait, i, now) {
			rd.called = true
			rd.turn(false)
		}
	}
}

// known is closed: a turn that is there is given in enter.
var known = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// Known implements server.Place.
func (rd *reader) Known() <-chan struct{} { return known }

// Stay implements server.Place.
func (rd *reader) Stay() {
	rd.of.mu.Lock()
	defer rd.of.mu.Unlock()
	rd.called = false
	rd.of.view(rd.look)
}

// Leave implements server.Place.
func (rd *reader) Leave() {
	r := rd.of
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, key := range rd.wait.Keys {
		p := place{rd.db, string(key)}
		if delete(r.lines[p], rd); len(r.lines[p]) == 0 {
			delete(r.lines, p)
		}
	}
	r.count.Add(-1)
}

// signal looks at keys that may have gained something.
func (r *readers) signal(signals []fsm.Signal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range signals {
		if !s.All {
			r.look(r.lines[place{s.DB, s.Key}])
			continue
		}
		for p, line := range r.lines {
			if p.db == s.DB {
				r.look(line)
			}
		}
	}
}

// all looks at all keys: the state is another one.
func (r *readers) all() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, line := range r.lines {
		r.look(line)
	}
}

func (r *readers) look(line map[*reader]bool) {
	if len(line) == 0 {
		return
	}
	r.view(func(s *fsm.State) {
		for rd := range line {
			rd.look(s)
		}
	})
}
