package node

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
	"github.com/redis/go-redis/v9"

	"github.com/trivetdb/trivet/node/server"
)

// TestBarrierShares asks from many goroutines at all times: a round that began
// before a caller asked never counts for it, and rounds are shared.
func TestBarrierShares(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var begun atomic.Uint64 // rounds; a round's index is its number
		b := &barrier{round: func(context.Context) (uint64, error) {
			n := begun.Add(1)
			time.Sleep(10 * time.Millisecond)
			return n, nil
		}}
		var wait sync.WaitGroup
		for i := range 200 {
			wait.Go(func() {
				time.Sleep(time.Duration(i) * 500 * time.Microsecond)
				before := begun.Load()
				asked := time.Now()
				n, err := b.index(t.Context())
				if err != nil || n <= before {
					t.Errorf("caller %d got round %d, after %d had begun: %v", i, n, before, err)
				}
				if took := time.Since(asked); took > 20*time.Millisecond {
					t.Errorf("caller %d waited %v for rounds of 10 ms", i, took)
				}
			})
		}
		wait.Wait()
		if n := begun.Load(); n > 12 {
			t.Errorf("%d rounds for callers within 100 ms", n)
		}
	})
}

func TestBarrierFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fault := errors.New("no quorum")
		b := &barrier{round: func(ctx context.Context) (uint64, error) {
			<-ctx.Done()
			return 0, fault
		}}
		ctx, cancel := context.WithTimeout(t.Context(), roundTime/2)
		defer cancel()
		began := time.Now()
		if _, err := b.index(ctx); !errors.Is(err, server.ErrNoLeader) || time.Since(began) != roundTime/2 {
			t.Errorf("impatient: %v after %v", err, time.Since(began))
		}
		if _, err := b.index(t.Context()); !errors.Is(err, fault) || time.Since(began) != 2*roundTime {
			t.Errorf("patient: %v after %v", err, time.Since(began))
		}
		b.round = func(context.Context) (uint64, error) { return 7, nil }
		if n, err := b.index(t.Context()); n != 7 || err != nil {
			t.Errorf("afterwards: %d, %v", n, err)
		}
	})
}

// TestReadIndexCommitted keeps a leader from applying what is committed, which a
// follower may have applied and shown to a client.
func TestReadIndexCommitted(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 1, nil)
	a := c.members[0]
	until(t, "the term's first entry", func() bool { _, err := a.readIndex.get(t.Context()); return err == nil })
	before := a.machine.applied.load()
	a.machine.mu.Lock()
	written := make(chan error, 1)
	go func() { written <- a.client().Set(context.Background(), "k", "v", 0).Err() }()
	until(t, "a commit", func() bool { return a.raft.CommitIndex() > before })
	index, err := a.readIndex.get(t.Context())
	a.machine.mu.Unlock()
	if err != nil || index <= before {
		t.Errorf("reads wait for %d, %v; %d was applied and the next one committed", index, err, before)
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
}

// TestReadIndexWaitsForTerm asks a leader whose term has no entry yet: it does
// not know all that was acknowledged before.
func TestReadIndexWaitsForTerm(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 1, nil)
	a := c.members[0]
	until(t, "the term's first entry", func() bool { _, err := a.readIndex.get(t.Context()); return err == nil })
	term := a.readIndex.ready.Swap(0)
	if index, err := a.readIndex.get(t.Context()); !errors.Is(err, errNotProposed) {
		t.Errorf("index %d before the term's first entry: %v", index, err)
	}
	a.readIndex.ready.Store(term)
	a.must("SET", "k", "v")
	if index, err := a.readIndex.get(t.Context()); err != nil || index != a.raft.LastIndex() {
		t.Errorf("index %d of %d, %v", index, a.raft.LastIndex(), err)
	}
}

// TestReadIndexAsksFew counts the members that are asked for a read index: no
// more than a majority, unless one of them is silent or knows of a later term.
func TestReadIndexAsksFew(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3, nil)
	leader := c.settled()
	until(t, "the term's first entry", func() bool { _, err := leader.readIndex.get(t.Context()); return err == nil })
	var mu sync.Mutex
	asked := map[raft.ServerID]int{}
	silent, wrong := raft.ServerID(""), raft.ServerID("")
	q := &readIndex{raft: leader.raft, self: leader.id, hedge: time.Minute}
	q.ready.Store(leader.readIndex.ready.Load())
	q.term = func(ctx context.Context, s raft.Server) (uint64, error) {
		mu.Lock()
		asked[s.ID]++
		silent, wrong := silent, wrong
		mu.Unlock()
		switch s.ID {
		case silent:
			<-ctx.Done()
			return 0, ctx.Err()
		case wrong:
			return leader.raft.CurrentTerm() + 1, nil
		}
		return leader.askTerm(ctx, s)
	}
	rounds := func(n int) {
		t.Helper()
		for range n {
			if _, err := q.get(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	rounds(100)
	mu.Lock()
	if asked[leader.id] != 100 || len(asked) != 2 {
		t.Errorf("%v were asked; %s leads", asked, leader.id)
	}
	for id, times := range asked {
		if times != 100 {
			t.Errorf("%s was asked %d times in 100 rounds", id, times)
		}
		if id != leader.id {
			silent = id
		}
	}
	mu.Unlock()
	q.hedge = time.Millisecond
	rounds(1)
	mu.Lock()
	if quick := q.quick.Load().([]raft.ServerID); len(asked) != 3 || slices.Contains(quick, silent) {
		t.Errorf("one of %v is silent, and %v are quick", asked, quick)
	}
	silent, wrong = "", c.others(leader)[0].id
	mu.Unlock()
	rounds(10)
	mu.Lock()
	silent = c.others(leader)[1].id
	mu.Unlock()
	if _, err := q.get(t.Context()); !errors.Is(err, errNotProposed) {
		t.Errorf("one knows of a later term and one is silent: %v", err)
	}
}

// TestSleepyLeader reads from a leader that believes for long that it leads, as
// a process does that was stopped and goes on. The others have gone on without
// it; what they sent to it before reaches it only now.
func TestSleepyLeader(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3, func(conf *Config) {
		conf.Reads = Linearizable
		if conf.Name == "c" {
			conf.HeartbeatTimeout = 10 * time.Second // its lease is long, too
		}
	})
	a, b, old := c.members[0], c.members[1], c.members[2]
	until(t, "the sleepy one leads", func() bool {
		c.settled().Transfer(t.Context(), "c")
		return c.settled() == old
	})
	ctx := context.Background()
	at := func(m *member, f func(*redis.Client) error) {
		t.Helper()
		if err := f(m.client()); err != nil {
			t.Fatalf("on %s: %v", m.host, err)
		}
	}
	for range 3 {
		at(old, func(r *redis.Client) error { return r.Set(ctx, "k", "old", 0).Err() })
		reader := old.client()
		at(old, func(*redis.Client) error { return reader.Get(ctx, "k").Err() })
		c.net.Delay(10 * time.Millisecond) // so that answers are under way at all times
		time.Sleep(100 * time.Millisecond)
		c.isolate(old)
		c.net.Delay(0)
		c.leaderOf(a, b)
		at(b, func(r *redis.Client) error { return r.Set(ctx, "k", "new", 0).Err() })
		if !old.Leads() {
			t.Fatal("it does not believe that it leads: nothing is tested")
		}
		got := make(chan string)
		go func() {
			s, err := reader.Get(ctx, "k").Result()
			got <- s + kindOf(err)
		}()
		time.Sleep(50 * time.Millisecond)
		c.net.HealAll()
		if s := <-got; s != "new" && s != "loading" {
			t.Fatalf("read %q from the old leader after \"new\" was acknowledged", s)
		}
		c.settled()
		until(t, "the sleepy one leads", func() bool {
			c.settled().Transfer(t.Context(), "c")
			return c.settled() == old
		})
	}
}
