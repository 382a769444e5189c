package node

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// A shift is work that producers push and workers pop.
type shift struct {
	t        *testing.T
	left     atomic.Int64
	timeouts atomic.Int64
	mu       sync.Mutex
	got      map[string]int
}

// work pops until all is done.
func (s *shift) work(conn *redis.Client) {
	for s.left.Load() > 0 {
		v, err := conn.Do(s.t.Context(), "BRPOP", "none", "q", "0.7").StringSlice()
		switch {
		case errors.Is(err, redis.Nil):
			s.timeouts.Add(1)
		case err != nil:
			s.t.Errorf("pop: %v", err)
			return
		default:
			s.mu.Lock()
			s.got[v[1]]++
			s.mu.Unlock()
			s.left.Add(-1)
		}
	}
}

// exactly has three workers and a producer on each of the nodes, disturbs them,
// and checks that each element was popped once.
func exactly(t *testing.T, c *cluster, on []*member, each int, disturb func(done <-chan struct{})) {
	s := &shift{t: t, got: map[string]int{}}
	s.left.Store(int64(each * len(on)))
	var workers, producers sync.WaitGroup
	for i, m := range on {
		for range 3 {
			conn := m.client()
			workers.Go(func() { s.work(conn) })
		}
		conn := m.client()
		producers.Go(func() {
			for k := range each {
				if err := conn.LPush(t.Context(), "q", fmt.Sprint(i, "-", k)).Err(); err != nil {
					t.Errorf("push: %v", err)
					s.left.Add(-1)
				}
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	done := make(chan struct{})
	go func() {
		producers.Wait()
		close(done)
	}()
	disturb(done)
	<-done
	workers.Wait()
	for name, n := range s.got {
		if n != 1 {
			t.Errorf("%s was popped %d times", name, n)
		}
	}
	t.Logf("%d elements, %d timeouts", len(s.got), s.timeouts.Load())
	if left := on[0].must("LLEN", "q"); len(s.got) != each*len(on) || left != int64(0) {
		t.Errorf("%d popped of %d, %d left", len(s.got), each*len(on), left)
	}
	c.sameState()
}

// TestBlockingExactly moves the leadership round while clients work.
func TestBlockingExactly(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3, nil)
	c.settled()
	moves := 0
	exactly(t, c, c.members, 120, func(done <-chan struct{}) {
		for {
			select {
			case <-done:
				return
			case <-time.After(400 * time.Millisecond):
				if c.members[moves%3].Transfer(t.Context(), "") == nil {
					moves++
				}
			}
		}
	})
	if t.Logf("%d transfers", moves); moves == 0 {
		t.Error("nothing was tested")
	}
}

// TestBlockingKilled kills the leader while clients of the other nodes work, and
// cuts the next one off for a while.
func TestBlockingKilled(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3, nil)
	old := c.settled()
	on := c.others(old)
	exactly(t, c, on, 150, func(<-chan struct{}) {
		time.Sleep(300 * time.Millisecond)
		old.kill()
		next := c.leaderOf(on...)
		time.Sleep(300 * time.Millisecond)
		c.isolate(next)
		time.Sleep(400 * time.Millisecond)
		c.net.HealAll()
	})
}
