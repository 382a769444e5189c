package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trivetdb/trivet/fsm"
)

// An incrementer increments one counter that all share, and notes what it was
// told.
type incrementer struct {
	on       *member
	replies  []int64
	unknown  int
	strange  []error // that no client should ever see
	failures map[string]int
	slowest  time.Duration
	done     atomic.Int64
}

// increment runs incrementers, some on each node, until stop is closed. A
// client goes to connections of its own after an error.
func increment(members []*member, each int, stop <-chan struct{}) (all []*incrementer, wait *sync.WaitGroup) {
	wait = &sync.WaitGroup{}
	for _, m := range members {
		for range each {
			in := &incrementer{on: m, failures: map[string]int{}}
			all = append(all, in)
			wait.Go(func() { in.run(stop) })
		}
	}
	return all, wait
}

func (in *incrementer) run(stop <-chan struct{}) {
	conn := in.on.client()
	defer conn.Close()
	for {
		select {
		case <-stop:
			return
		default:
		}
		began := time.Now()
		n, err := conn.Incr(context.Background(), "n").Result()
		in.slowest = max(in.slowest, time.Since(began))
		switch kind := kindOf(err); kind {
		case "":
			in.replies = append(in.replies, n)
			in.done.Add(1)
		case "loading", "refused", "moved":
			in.failures[kind]++
			time.Sleep(5 * time.Millisecond)
		case "unknown":
			in.failures[kind]++
			in.unknown++
		default:
			in.strange = append(in.strange, err)
		}
		time.Sleep(time.Millisecond)
	}
}

// checkIncrements compares what clients were told with the counter: each reply
// was given once, rising for each client, and what is missing was never
// acknowledged.
func checkIncrements(c *cluster, all []*incrementer) {
	c.t.Helper()
	c.settled()
	c.sameState()
	value, err := c.members[0].client().Get(context.Background(), "n").Int64()
	if err != nil {
		c.t.Fatal(err)
	}
	seen := map[int64]bool{}
	acked, unknown := int64(0), int64(0)
	for i, in := range all {
		for _, err := range in.strange {
			c.t.Errorf("client %d on %s: %v", i, in.on.host, err)
		}
		if !slices.IsSorted(in.replies) {
			c.t.Errorf("client %d on %s: replies went back", i, in.on.host)
		}
		for _, n := range in.replies {
			if seen[n] || n > value {
				c.t.Errorf("client %d on %s: reply %d was given twice, or is more than %d", i, in.on.host, n, value)
			}
			seen[n] = true
		}
		acked += int64(len(in.replies))
		unknown += int64(in.unknown)
	}
	if value < acked || value > acked+unknown {
		c.t.Errorf("the counter is %d after %d increments acknowledged and %d unknown", value, acked, unknown)
	}
	c.t.Logf("%d increments acknowledged, %d unknown", acked, unknown)
}

// TestLeaderIsolated cuts the leader off from both others while gossip calls
// all alive. Clients of the others see a pause; its own see that it cannot
// serve them.
func TestLeaderIsolated(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3, nil)
	leader := c.settled()
	stop := make(chan struct{})
	all, wait := increment(c.members, 3, stop)
	time.Sleep(500 * time.Millisecond)

	c.isolate(leader)
	majority := c.others(leader)
	c.leaderOf(majority...)
	atCut := progress(all)
	// Longer than holdSent: of the old leader's clients, those whose write was
	// in flight lose their connection, and the others are told to wait.
	time.Sleep(holdSent + holdUnsent + time.Second)
	for i, in := range all {
		if in.on != leader && in.done.Load() < atCut[i]+20 {
			t.Errorf("client %d on %s went no further in the majority", i, in.on.host)
		}
	}
	c.net.HealAll()
	c.settled()
	atHeal := progress(all)
	until(t, "all clients go on", func() bool {
		for i, in := range all {
			if in.done.Load() < atHeal[i]+20 {
				return false
			}
		}
		return true
	})
	close(stop)
	wait.Wait()
	checkIncrements(c, all)
	failures := map[string]int{}
	for _, in := range all {
		for kind, n := range in.failures {
			failures[kind] += n
			if in.on != leader {
				t.Errorf("a client in the majority: %d times %s", n, kind)
			}
		}
		if in.on != leader && in.slowest > 3*time.Second {
			t.Errorf("a client in the majority waited for %v", in.slowest)
		}
	}
	// Whether one of their writes was in the log at the cut is chance.
	t.Logf("the isolated leader's clients saw %v", failures)
	if failures["loading"] == 0 {
		t.Error("none of the isolated leader's clients was told to wait")
	}
}

func progress(all []*incrementer) (done []int64) {
	for _, in := range all {
		done = append(done, in.done.Load())
	}
	return done
}

// TestFollowerIsolated cuts a follower off for less than holdSent: after the
// cut its clients go on, and those of the others never notice.
func TestFollowerIsolated(t *testing.T) {
	// Not parallel: how soon it comes back is measured against holdUnsent.
	c := startCluster(t, 3, nil)
	stop := make(chan struct{})
	all, wait := increment(c.members, 2, stop)
	for round := range 3 {
		follower := c.others(c.settled())[round%2]
		time.Sleep(200 * time.Millisecond)
		c.isolate(follower)
		time.Sleep(900 * time.Millisecond)
		c.net.HealAll()
		// The others' clients must not see an error; this one's neither, since
		// the cut is shorter than holdUnsent and holdSent.
	}
	close(stop)
	wait.Wait()
	checkIncrements(c, all)
	for _, in := range all {
		if len(in.failures) > 0 {
			t.Errorf("a client on %s saw %v", in.on.host, in.failures)
		}
	}
}

// TestSessionReadsItsWrites reads back each write on the connection that wrote
// it, through a follower that learns of commits late.
func TestSessionReadsItsWrites(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3, nil)
	follower := c.others(c.settled())[0]
	c.net.Delay(2 * time.Millisecond)
	var wait sync.WaitGroup
	var waited atomic.Int64
	for session := range 10 {
		conn := follower.client()
		wait.Go(func() {
			ctx := context.Background()
			key := fmt.Sprintf("session:%d", session)
			for i := range 100 {
				want := fmt.Sprint(i)
				err := conn.Set(ctx, key, want, 0).Err()
				// What the node's state says by itself is often too old: the
				// test would be worth nothing otherwise.
				if follower.peek(key) != want {
					waited.Add(1)
				}
				got, err2 := conn.Get(ctx, key).Result()
				if err := errors.Join(err, err2); err != nil || got != want {
					t.Errorf("%s is %q after it was set to %q: %v", key, got, want, err)
					return
				}
			}
		})
	}
	wait.Wait()
	if waited.Load() == 0 {
		t.Error("the follower was never behind: nothing was tested")
	}
	t.Logf("%d of 1000 reads had to wait", waited.Load())
}

// TestReadOfLateFollower reads back a write through a follower that applies it
// late, as one does whose disk is slow: there is a leader, so the read waits.
func TestReadOfLateFollower(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3, nil)
	follower := c.others(c.settled())[0]
	conn, ctx := follower.client(), context.Background()
	if err := conn.Set(ctx, "k", "before", 0).Err(); err != nil {
		t.Fatal(err)
	}
	until(t, "the follower has applied it", func() bool { return follower.peek("k") == "before" })
	held, free := make(chan struct{}), make(chan struct{})
	go follower.machine.view(func(*fsm.State) {
		close(held)
		<-free
	})
	<-held
	if err := conn.Set(ctx, "k", "after", 0).Err(); err != nil {
		t.Errorf("a write through a follower that applies nothing: %v", err)
	}
	time.AfterFunc(holdUnsent+time.Second, func() { close(free) })
	if got, err := conn.Get(ctx, "k").Result(); err != nil || got != "after" {
		t.Errorf("read back after the follower caught up: %q, %v", got, err)
	}
}
