package node

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/raft"

	"github.com/trivetdb/trivet/node/server"
)

// A barrier finds the index that a linearizable read has to wait for. All that
// ask while a round is under way share the next one: a round counts only for
// those that asked before it began.
type barrier struct {
	round func(ctx context.Context) (uint64, error)
	mu    sync.Mutex
	next  *round
	busy  bool
}

type round struct {
	done  chan struct{}
	index uint64
	err   error
}

// index returns the index of a round that begins after the call.
func (b *barrier) index(ctx context.Context) (uint64, error) {
	b.mu.Lock()
	if b.next == nil {
		b.next = &round{done: make(chan struct{})}
	}
	r := b.next
	if !b.busy {
		b.busy = true
		go b.run()
	}
	b.mu.Unlock()
	select {
	case <-r.done:
		return r.index, r.err
	case <-ctx.Done():
		return 0, server.ErrNoLeader
	}
}

func (b *barrier) run() {
	for {
		b.mu.Lock()
		r := b.next
		b.next = nil
		b.busy = r != nil
		b.mu.Unlock()
		if r == nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), holdUnsent)
		r.index, r.err = b.round(ctx)
		cancel()
		close(r.done)
	}
}

// A readIndex answers on the leader which index holds all that was acknowledged,
// or that anybody has read: what is committed, which a follower may have applied
// before its leader. What was committed before the leader's term lies under the
// first entry of that, so the term must be ready: an entry of it applied.
type readIndex struct {
	raft  *raft.Raft
	ready atomic.Uint64                                      // the term whose first entry is applied here
	term  func(context.Context, raft.Server) (uint64, error) // asks a member for its term
}

// get returns the index, or errNotProposed where this node does not lead, or
// does not yet.
func (q *readIndex) get(ctx context.Context) (uint64, error) {
	term := q.raft.CurrentTerm()
	if q.ready.Load() != term {
		return 0, errNotProposed
	}
	index := q.raft.CommitIndex()
	if !q.unopposed(ctx, term) {
		return 0, errNotProposed
	}
	return index, nil
}

// unopposed reports whether a majority of the voters, asked now, know of no
// later term: then nobody was elected after this node, and nothing was
// acknowledged that it does not hold. raft's VerifyLeader will not do: it also
// counts answers to what was sent before it was called, so a leader that slept
// while another was elected would believe in itself.
func (q *readIndex) unopposed(ctx context.Context, term uint64) bool {
	ctx, cancel := context.WithTimeout(ctx, holdUnsent)
	defer cancel()
	config := q.raft.GetConfiguration()
	if config.Error() != nil {
		return false
	}
	servers := config.Configuration().Servers
	answers := make(chan bool, len(servers))
	voters, agree := 0, 0
	for _, s := range servers {
		if s.Suffrage == raft.Voter {
			voters++
			go func() {
				latest, err := q.term(ctx, s)
				answers <- err == nil && latest <= term
			}()
		}
	}
	for range voters {
		if <-answers {
			agree++
		}
		if agree > voters/2 {
			return true
		}
	}
	return false
}
