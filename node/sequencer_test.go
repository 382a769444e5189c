package node

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"github.com/trivetdb/trivet/fsm"
)

// A bench is a sequencer on a raft in memory, and the machine under it.
type bench struct {
	*sequencer
	machine *machine
	mu      sync.Mutex
	entries []int // batches in each
}

// newBench starts raft as one voter of so many; the others do not exist.
func newBench(t *testing.T, voters int) *bench {
	b := &bench{machine: &machine{state: fsm.NewStateAt(fsm.NewestLevel), fatal: func(err error) { t.Error(err) }}}
	conf := raft.DefaultConfig()
	conf.LocalID, conf.LogLevel = "a", "OFF"
	conf.HeartbeatTimeout, conf.ElectionTimeout, conf.LeaderLeaseTimeout = 50*time.Millisecond, 50*time.Millisecond, 50*time.Millisecond
	logs := raft.NewInmemStore()
	addr, trans := raft.NewInmemTransport("a")
	r, err := raft.NewRaft(conf, b.machine, logs, logs, raft.NewInmemSnapshotStore(), trans)
	if err != nil {
		t.Fatal(err)
	}
	servers := raft.Configuration{Servers: []raft.Server{{ID: "a", Address: addr}}}
	for i := 1; i < voters; i++ {
		servers.Servers = append(servers.Servers, raft.Server{ID: raft.ServerID(fmt.Sprint(i)), Address: raft.ServerAddress(fmt.Sprint(i))})
	}
	r.BootstrapCluster(servers)
	b.sequencer = newSequencer(r, func(batches, _ int) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.entries = append(b.entries, batches)
	})
	stop := make(chan struct{})
	go b.run(stop)
	t.Cleanup(func() {
		close(stop)
		<-b.closed
		if _, _, err := b.submit(context.Background(), nil); !errors.Is(err, errMaybe) {
			t.Errorf("after the end: %v", err)
		}
		r.Shutdown().Error()
	})
	if voters == 1 {
		until(t, "a leader", func() bool { return r.State() == raft.Leader })
	}
	return b
}

// queued waits until so many proposals wait.
func (b *bench) queued(t *testing.T, n int) {
	until(t, "proposals in the queue", func() bool {
		b.sequencer.mu.Lock()
		defer b.sequencer.mu.Unlock()
		return len(b.queue) == n
	})
}

func batchOf(origin, seq uint64, args ...string) *fsm.Batch {
	return &fsm.Batch{Origin: fsm.Origin{ID: origin, Life: 1}, Seq: seq, Body: command(args...).Append(nil, 0)}
}

// TestSequencerShares holds the machine while batches of several origins come
// in: they share the next entry, and each gets its own result.
func TestSequencerShares(t *testing.T) {
	b := newBench(t, 1)
	b.machine.mu.Lock()
	var wait sync.WaitGroup
	submit := func(batch *fsm.Batch, want string) {
		wait.Go(func() {
			index, result, err := b.submit(t.Context(), batch)
			got := fmt.Sprint(result.Outcome)
			for _, r := range result.Replies {
				got += " " + r.Str
			}
			if err != nil || got != want || index == 0 {
				t.Errorf("%s: got %q, want %q, at %d: %v", batch.Body, got, want, index, err)
			}
		})
	}
	submit(batchOf(1, 1, "GETSET", "k", "1"), "0 ")
	until(t, "the first entry is under way", func() bool { return b.raft.LastIndex() >= 3 })
	submit(batchOf(2, 1, "GETSET", "k", "2"), "0 1")
	b.queued(t, 1)
	wait.Go(func() {
		if index, result, err := b.submit(t.Context(), nil); index == 0 || result.Replies != nil || err != nil {
			t.Errorf("no batch: %d, %v, %v", index, result, err)
		}
	})
	b.queued(t, 2)
	submit(batchOf(3, 1, "GETSET", "k", "3"), "0 2")
	b.queued(t, 3)
	submit(batchOf(2, 1, "GETSET", "k", "2"), "1 1") // once more, in the same entry
	b.queued(t, 4)
	submit(batchOf(4, 1, "SET", "large", strings.Repeat("x", maxEntry)), "0 OK")
	b.queued(t, 5)
	submit(batchOf(5, 1, "GETSET", "k", "5"), "0 3")
	b.queued(t, 6)
	b.machine.mu.Unlock()
	wait.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	if fmt.Sprint(b.entries) != "[1 3 1 1]" {
		t.Errorf("entries of %v batches", b.entries)
	}
}

func TestSequencerLeaves(t *testing.T) {
	b := newBench(t, 1)
	b.machine.mu.Lock()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := b.submit(ctx, batchOf(1, 1, "SET", "k", "v")); !errors.Is(err, errMaybe) {
		t.Errorf("the caller left: %v", err)
	}
	b.machine.mu.Unlock()
}

func TestSequencerWithoutQuorum(t *testing.T) {
	b := newBench(t, 2)
	if _, _, err := b.submit(t.Context(), batchOf(1, 1, "SET", "k", "v")); !errors.Is(err, errNotProposed) {
		t.Errorf("on a follower: %v", err)
	}
}

func TestProposalErrors(t *testing.T) {
	for err, want := range map[error]error{
		nil:                                  nil,
		raft.ErrNotLeader:                    errNotProposed,
		raft.ErrEnqueueTimeout:               errNotProposed,
		raft.ErrLeadershipTransferInProgress: errNotProposed,
		raft.ErrLeadershipLost:               errMaybe,
		raft.ErrRaftShutdown:                 errMaybe,
		raft.ErrAbortedByRestore:             errMaybe,
		errors.New("no space left"):          errMaybe,
	} {
		if got := proposalError(err); !errors.Is(got, want) {
			t.Errorf("%v: %v, want %v", err, got, want)
		}
	}
}
