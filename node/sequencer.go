package node

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"github.com/trivetdb/trivet/fsm"
)

// The two ways in which a proposal fails.
var (
	// errNotProposed: the log surely does not hold it, and never will.
	errNotProposed = errors.New("not proposed")
	// errMaybe: it may be in the log, and may be applied later.
	errMaybe = errors.New("proposed, outcome unknown")
)

// maxEntry is how many bytes of batches share a log entry. Measured: smaller
// ones cost throughput, larger ones gain nothing.
const maxEntry = 256 << 10

// A sequencer puts the batches of all origins into the log, on the leader. It
// keeps one entry in flight: what arrives meanwhile shares the next, which on
// real disks is faster than more in flight.
type sequencer struct {
	raft   *raft.Raft
	size   func(batches int, bytes int) // told of each entry
	mu     sync.Mutex
	queue  []*proposal
	late   map[uint64]bool // origins whose last batch had no room
	wake   chan struct{}
	closed chan struct{}
}

// A proposal is a batch on its way into the log. One without a batch only
// wants an entry, to let time go on or to mark a term.
type proposal struct {
	batch *fsm.Batch
	done  chan proposed
}

type proposed struct {
	index  uint64
	result fsm.Result
	err    error // errNotProposed or errMaybe
}

func newSequencer(r *raft.Raft, size func(batches, bytes int)) *sequencer {
	return &sequencer{raft: r, size: size, late: map[uint64]bool{}, wake: make(chan struct{}, 1), closed: make(chan struct{})}
}

// submit has a batch applied and returns its result; the batch may be nil. A
// context that ends leaves the outcome unknown.
func (s *sequencer) submit(ctx context.Context, b *fsm.Batch) (uint64, fsm.Result, error) {
	p := &proposal{b, make(chan proposed, 1)}
	s.mu.Lock()
	s.queue = append(s.queue, p)
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
	select {
	case r := <-p.done:
		return r.index, r.result, r.err
	case <-ctx.Done():
	case <-s.closed:
	}
	return 0, fsm.Result{}, errMaybe
}

// run proposes entries until stop is closed.
func (s *sequencer) run(stop <-chan struct{}) {
	defer close(s.closed)
	for {
		select {
		case <-s.wake:
		case <-stop:
			return
		}
		for {
			batch := s.take()
			if len(batch) == 0 {
				break
			}
			s.propose(batch)
		}
	}
}

// take removes from the queue what shares the next entry. Origins that had no room
// in the last one come first, so that others cannot keep them out for ever.
func (s *sequencer) take() []*proposal {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.late) > 0 {
		slices.SortStableFunc(s.queue, func(a, b *proposal) int { return s.wait(a) - s.wait(b) })
	}
	n, bytes := 0, 0
	for n < len(s.queue) {
		if b := s.queue[n].batch; b != nil {
			if bytes += len(b.Body); bytes > maxEntry && n > 0 {
				break
			}
		}
		n++
	}
	taken := s.queue[:n:n]
	s.queue = s.queue[n:]
	if len(s.queue) == 0 {
		s.queue = nil
	}
	return taken
}

// wait is 0 for a batch that is to come first, else 1. The caller holds mu.
func (s *sequencer) wait(p *proposal) int {
	if p.batch != nil && s.late[p.batch.Origin.ID] {
		return 0
	}
	return 1
}

// note remembers whether a batch had no room.
func (s *sequencer) note(b *fsm.Batch, r fsm.Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Outcome == fsm.Deferred {
		s.late[b.Origin.ID] = true
	} else if len(s.late) > 0 {
		delete(s.late, b.Origin.ID)
	}
}

func (s *sequencer) propose(ps []*proposal) {
	e := fsm.Entry{Time: time.Now().UnixMilli(), Seed: rand.Uint64()}
	for _, p := range ps {
		if p.batch != nil {
			e.Batches = append(e.Batches, *p.batch)
		}
	}
	data := e.Append(nil)
	future := s.raft.ApplyLog(raft.Log{Data: data}, time.Second)
	err := proposalError(future.Error())
	var results []fsm.Result
	if err == nil {
		var ok bool
		if results, ok = future.Response().([]fsm.Result); !ok {
			err = errMaybe // this node cannot go on
		}
	}
	if err == nil {
		s.size(len(e.Batches), len(data))
	}
	for _, p := range ps {
		answer := proposed{err: err}
		if err == nil {
			answer.index = future.Index()
			if p.batch != nil {
				answer.result, results = results[0], results[1:]
				s.note(p.batch, answer.result)
			}
		}
		p.done <- answer
	}
}

// proposalError sorts raft's errors. Those that are sure to mean that the
// entry is in no log are few; all others are unknown.
func proposalError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, raft.ErrNotLeader),
		errors.Is(err, raft.ErrLeadershipTransferInProgress),
		errors.Is(err, raft.ErrEnqueueTimeout):
		return errNotProposed
	}
	return errMaybe
}
