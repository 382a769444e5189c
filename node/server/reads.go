package server

import (
	"context"
	"runtime"

	"github.com/trivetdb/trivet/fsm"
)

// slots bound how many reads that may be heavy run at once, so that no number of
// clients keeps all cores from what the log brings, or has any number of large
// replies in the making.
type slots chan struct{}

// newSlots returns two slots for each core: one read may wait for an entry to be
// applied while another one runs.
func newSlots() slots { return make(slots, 2*runtime.GOMAXPROCS(0)) }

// enter waits for a slot. It reports whether there is one before ctx ends.
func (s slots) enter(ctx context.Context) bool {
	select {
	case s <- struct{}{}:
		return true
	default:
	}
	select {
	case s <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s slots) leave() { <-s }

// heavy reports whether a read may take long, or answer with many values: all that
// is not flagged fast. One that is has a slot only where its reply is large.
func (r *row) heavy() bool { return r.Flags&fsm.Fast == 0 }

// enterReads takes a slot for a read, once the node's state is as the client wants
// it. The slot is held until the reply is written down.
func (s *session) enterReads() error {
	linearizable := s.who.linearizable && !s.fresh
	if err := s.srv.opts.Backend.CatchUp(s.ctx, s.seen, linearizable); err != nil {
		return err
	}
	s.fresh = s.fresh || linearizable
	if !s.srv.reads.enter(s.ctx) {
		return ErrNoLeader
	}
	s.reading = true
	s.srv.garbage.makeRoom()
	return nil
}

// leaveReads gives the slot back, if the session has one.
func (s *session) leaveReads() {
	if s.reading {
		s.reading = false
		s.srv.reads.leave()
	}
}
