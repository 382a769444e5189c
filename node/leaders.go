package node

import (
	"context"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"github.com/trivetdb/trivet/node/server"
)

// A leader is a node that raft says leads. The zero leader means none.
type leader struct {
	id   raft.ServerID
	addr raft.ServerAddress
}

// leaders follows who leads.
type leaders struct {
	mu      sync.Mutex
	now     leader
	reign   context.Context // ends when another leads, or none
	end     context.CancelFunc
	changes uint64
}

func newLeaders() *leaders {
	l := &leaders{}
	l.reign, l.end = context.WithCancel(context.Background())
	return l
}

// set records who leads now.
func (l *leaders) set(now leader) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now == l.now {
		return
	}
	l.now = now
	if now != (leader{}) {
		l.changes++
	}
	l.end()
	l.reign, l.end = context.WithCancel(context.Background())
}

// get returns who leads, and a context that ends when that changes.
func (l *leaders) get() (leader, context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now, l.reign
}

// seen returns how many leaders there were since the start.
func (l *leaders) seen() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changes
}

// await returns the leader as soon as there is one. The error is
// server.ErrNoLeader.
func (l *leaders) await(ctx context.Context) (leader, context.Context, error) {
	for {
		now, reign := l.get()
		if now != (leader{}) {
			return now, reign, nil
		}
		select {
		case <-reign.Done():
		case <-ctx.Done():
			return leader{}, nil, server.ErrNoLeader
		}
	}
}

// outlast returns once another leads than old, or ctx ends.
func (l *leaders) outlast(ctx context.Context, old leader) {
	for ctx.Err() == nil {
		now, reign := l.get()
		if now != old && now != (leader{}) {
			return
		}
		select {
		case <-reign.Done():
		case <-ctx.Done():
		}
	}
}

// late reports whether what has waited since then is to be refused: nobody leads,
// or there is a leader that has not helped for long.
func (l *leaders) late(since time.Time) bool {
	now, _ := l.get()
	return now == (leader{}) || time.Since(since) >= holdBehind
}

// follow keeps the leaders true to what raft observes, until stop is closed.
func (l *leaders) follow(r *raft.Raft, stop <-chan struct{}) {
	events := make(chan raft.Observation, 16)
	observer := raft.NewObserver(events, true, func(o *raft.Observation) bool {
		_, ok := o.Data.(raft.LeaderObservation)
		return ok
	})
	r.RegisterObserver(observer)
	defer r.DeregisterObserver(observer)
	for {
		addr, id := r.LeaderWithID()
		l.set(leader{id, addr})
		select {
		case <-events:
		case <-stop:
			return
		}
	}
}
