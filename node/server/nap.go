package server

import (
	"context"
	"time"
)

// nap lets the client wait for something else than data: until a time, zero for
// ever, or until notify is called on b. Meanwhile the session reads ahead, to
// notice when the client goes, so the arguments of the command must be kept
// first. The error ends the session.
func (s *session) nap(b *blocked) (event, error) {
	if err := s.flush(); err != nil {
		return nothing, err
	}
	s.blocked.Store(b)
	s.srv.counts.blocked.Add(1)
	defer func() {
		s.srv.counts.blocked.Add(-1)
		s.blocked.Store(nil)
	}()
	return b.await()
}

// napFor is nap with something to wait for, which runs in a goroutine of its own
// until ctx ends.
func (s *session) napFor(until time.Time, wait func(ctx context.Context)) (event, error) {
	b := &blocked{s: s, until: until, wake: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(s.ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		wait(ctx)
		b.notify(turn)
	}()
	e, err := s.nap(b)
	cancel()
	<-done
	return e, err
}

// after returns the time at which a timeout of milliseconds ends, zero for 0.
func after(milliseconds int64) time.Time {
	if milliseconds == 0 || milliseconds >= forEver.Milliseconds() {
		return time.Time{}
	}
	return time.Now().Add(time.Duration(milliseconds) * time.Millisecond)
}
