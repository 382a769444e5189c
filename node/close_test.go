package node

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestCloseAnswers stops one node after the other while clients write: all that
// the node had read is answered, and what it had not read is not done.
func TestCloseAnswers(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3, nil)
	for round := range 4 {
		leader := c.settled()
		closing := leader
		if round%2 == 1 {
			closing = c.others(leader)[0]
		}
		stop := make(chan struct{})
		all, wait := increment(c.members, 4, stop)
		time.Sleep(300 * time.Millisecond)
		began := time.Now()
		closing.stop()
		if took := time.Since(began); took > 8*time.Second {
			t.Errorf("closing took %v", took)
		}
		time.Sleep(200 * time.Millisecond)
		close(stop)
		wait.Wait()
		closing.start()
		c.settled()
		c.sameState()
		value, err := closing.client().Get(t.Context(), "n").Int64()
		if err != nil {
			t.Fatal(err)
		}
		acked := int64(0)
		for _, in := range all {
			acked += int64(len(in.replies))
			if in.on != closing && len(in.failures)+len(in.strange) > 0 {
				t.Errorf("round %d: a client of another node: %v %v", round, in.failures, in.strange)
			}
		}
		if value != acked {
			t.Errorf("round %d: the counter is %d after %d increments acknowledged", round, value, acked)
		}
		closing.must("SET", "n", 0)
	}
}

// TestCloseLeavesNothing compares the goroutines before and after a cluster.
func TestCloseLeavesNothing(t *testing.T) {
	before := runtime.NumGoroutine()
	c := startCluster(t, 3, nil)
	for _, m := range c.members {
		m.must("SET", "k", "v")
	}
	c.isolate(c.members[2])
	time.Sleep(time.Second)
	var wait sync.WaitGroup
	for _, m := range c.members {
		wait.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			m.Close(ctx) // an error where it is without a leader
		})
	}
	wait.Wait()
	for _, m := range c.members {
		m.Node = nil
	}
	c.net.HealAll() // the end of a connection does not pass a cut
	const stay = 4  // for the life of the process, such as those of the metrics
	for end := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before+stay && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
	if n := runtime.NumGoroutine(); n > before+stay {
		t.Errorf("%d goroutines before, %d after:\n%s", before, n, stacks())
	}
}

// stacks shows all goroutines but this one.
func stacks() string {
	b := make([]byte, 1<<20)
	_, rest, _ := strings.Cut(string(b[:runtime.Stack(b, true)]), "\n\n")
	return rest
}
