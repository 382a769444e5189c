package node

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

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

// roundTime is how long a round may take.
const roundTime = holdUnsent / 2

// index returns the index of a round that begins after the call. It takes two
// rounds at most.
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
		ctx, cancel := context.WithTimeout(context.Background(), roundTime)
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
	self  raft.ServerID
	hedge time.Duration                                      // how long those asked may be silent before the others are asked, too
	ready atomic.Uint64                                      // the term whose first entry is applied here
	term  func(context.Context, raft.Server) (uint64, error) // asks a member for its term
	quick atomic.Value                                       // []raft.ServerID: those of the last majority
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
//
// It asks no more members than a majority needs while they answer quickly:
// each question takes processor time from the reads.
func (q *readIndex) unopposed(ctx context.Context, term uint64) bool {
	ctx, cancel := context.WithTimeout(ctx, roundTime)
	defer cancel()
	config := q.raft.GetConfiguration()
	if config.Error() != nil {
		return false
	}
	var voters []raft.Server // in the order to ask them
	for _, s := range config.Configuration().Servers {
		if s.Suffrage == raft.Voter {
			voters = append(voters, s)
		}
	}
	quick, _ := q.quick.Load().([]raft.ServerID)
	rank := func(id raft.ServerID) int {
		switch {
		case id == q.self:
			return 0
		case slices.Contains(quick, id):
			return 1
		}
		return 2
	}
	slices.SortStableFunc(voters, func(a, b raft.Server) int { return rank(a.ID) - rank(b.ID) })

	type answer struct {
		from   raft.ServerID
		agrees bool
	}
	answers := make(chan answer, len(voters))
	askOne := func(s raft.Server) {
		latest, err := q.term(ctx, s)
		answers <- answer{s.ID, err == nil && latest <= term}
	}
	ask := func(some []raft.Server) {
		for _, s := range some {
			if s.ID == q.self {
				askOne(s)
			} else {
				go askOne(s)
			}
		}
	}
	majority := len(voters)/2 + 1
	asked := min(majority, len(voters))
	ask(voters[:asked])
	late := time.NewTimer(q.hedge)
	defer late.Stop()
	var agree []raft.ServerID
	for heard := 0; heard < asked; {
		rest := false
		select {
		case a := <-answers:
			heard++
			if rest = !a.agrees; !rest {
				agree = append(agree, a.from)
			}
			if len(agree) == majority {
				q.quick.Store(agree)
				return true
			}
		case <-late.C:
			rest = true
		}
		if rest {
			ask(voters[asked:])
			asked = len(voters)
		}
	}
	return false
}
