package server

import (
	"sync"
	"sync/atomic"
)

// A holding is one of the things that a client makes its node hold.
type holding uint8

const (
	heldReplies  holding = iota // replies and messages that were not sent yet
	heldRequests                // requests that came and were not carried out yet
	heldWrites                  // writes on their way through the log
	heldQueue                   // what MULTI queued and WATCH watches
	heldChannels                // names of channels that are listened to
	holdings
)

// leastHeld is how much of one kind is worth the counting: as much everybody has.
const leastHeld = 64 << 10

// A footprint is what a client makes its node hold, in bytes. All methods may be
// called from many goroutines.
type footprint struct {
	all   *held
	parts [holdings]atomic.Int64
	total atomic.Int64
	ended atomic.Bool // the client was given up: what it holds counts no more

	mu sync.Mutex // held while a part changes
}

// held is what all clients of a server make it hold.
type held struct {
	bytes atomic.Int64
	most  atomic.Int64  // 0 for any number
	over  chan struct{} // there is more than that
}

// set says how much of one kind there is now.
func (f *footprint) set(what holding, n int) {
	if n < leastHeld {
		n = 0
	}
	part := &f.parts[what]
	if part.Load() == int64(n) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended.Load() {
		return
	}
	grown := int64(n) - part.Swap(int64(n))
	f.total.Add(grown)
	if all := f.all.bytes.Add(grown); grown > 0 && f.all.exceeded(all) {
		select {
		case f.all.over <- struct{}{}:
		default:
		}
	}
}

// end has the footprint count no more, and reports whether it did before.
func (f *footprint) end() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended.Swap(true) {
		return false
	}
	f.all.bytes.Add(-f.total.Swap(0))
	return true
}

func (h *held) exceeded(bytes int64) bool {
	most := h.most.Load()
	return most > 0 && bytes > most
}

// An ending is why a server closes the connection of a client that holds too much.
type ending uint8

const (
	endedByReplies  ending = iota // more replies than client-output-buffer-limit allows
	endedByMemory                 // the largest of those that together hold more than maxmemory-clients
	endedAsNewcomer               // has said nothing, or not who it is, for too long; or others need its place
	endings
)

var endingNames = [endings]string{"output-limit", "clients-memory", "newcomer"}

// end closes the connection of a client that holds too much.
func (s *session) end(why ending) {
	if !s.held.end() {
		return
	}
	s.srv.counts.ended[why].Add(1)
	s.srv.opts.Log.Warn("closing the connection of a client", "client", s.id, "addr", s.conn.RemoteAddr(), "why", endingNames[why])
	s.out.giveUp()
}

// shed ends clients, those that hold most first, until all together hold no more
// than they may.
func (s *Server) shed() {
	for s.held.exceeded(s.held.bytes.Load()) {
		var most *session
		for _, se := range s.conns.list() {
			if !se.shape.noEvict.Load() && !se.operator && (most == nil || se.held.total.Load() > most.held.total.Load()) {
				most = se
			}
		}
		if most == nil || most.held.total.Load() == 0 {
			return
		}
		most.end(endedByMemory)
	}
}

// keepShedding is shed whenever there is need, for those who hold locks.
func (s *Server) keepShedding() {
	for {
		select {
		case <-s.held.over:
			s.shed()
		case <-s.ctx.Done():
			return
		}
	}
}
