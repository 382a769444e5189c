package node

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// TestLinearizable reads and writes on all nodes while the network is cut here
// and there and the leadership moves.
func TestLinearizable(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3, func(conf *Config) { conf.Reads = Linearizable })
	h := newHistory()
	stop := make(chan struct{})
	wait := h.clients(t, c, 2, stop)
	faults := []func(){
		func() { c.isolate(c.settled()) },
		func() { c.isolate(c.others(c.settled())[rand.IntN(2)]) },
		func() { c.net.Partition("a", "b") },
		func() { c.settled().Transfer(context.Background(), "") },
		func() { c.net.Delay(time.Duration(rand.IntN(20)) * time.Millisecond) },
	}
	var done []int
	for i := 0; time.Since(h.began) < 11*time.Second; i++ {
		n := i
		if i >= len(faults) {
			n = rand.IntN(len(faults))
		}
		faults[n]()
		done = append(done, n)
		time.Sleep(time.Duration(300+rand.IntN(1500)) * time.Millisecond)
		c.net.HealAll()
		c.net.Delay(0)
		time.Sleep(200 * time.Millisecond)
	}
	close(stop)
	wait.Wait()
	t.Logf("faults: %v", done)
	if got := h.check(t); got != porcupine.Ok {
		t.Errorf("the history is %s", got)
	}
	if len(h.ops) < 100 || h.kinds["unknown"] == 0 {
		t.Errorf("only %d operations, %d of unknown outcome", len(h.ops), h.kinds["unknown"])
	}
	c.settled()
	c.sameState()
}

// TestLinearizableCheck has a history that is not linearizable, as local reads
// of a node that is cut off are, found out.
func TestLinearizableCheck(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3, nil)
	leader := c.settled()
	cut := c.others(leader)[0]
	h := newHistory()
	ctx := context.Background()
	set := func(value string) {
		h.do(1, step{"k", value}, func() (string, error) { return leader.client().Set(ctx, "k", value, 0).Result() })
	}
	get := func(m *member) string {
		var got string
		h.do(2, step{key: "k"}, func() (s string, err error) { got, err = m.client().Get(ctx, "k").Result(); return got, err })
		return got
	}
	set("1")
	until(t, "the follower has it", func() bool { return cut.peek("k") == "1" })
	if got := get(cut); got != "1" || h.check(t) != porcupine.Ok {
		t.Fatalf("before the cut: %q", got)
	}
	c.isolate(cut)
	set("2")
	if got := get(leader); got != "2" || h.check(t) != porcupine.Ok {
		t.Fatalf("on the leader: %q", got)
	}
	if got := get(cut); got != "1" || h.check(t) != porcupine.Illegal {
		t.Errorf("an old value was read, %q, and the checker did not notice", got)
	}
}

// TestFirstReadAfterStart reads from nodes that have just been started: they
// hold their last snapshot and have yet to learn how much of their log counts.
func TestFirstReadAfterStart(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3, nil)
	ctx := context.Background()
	c.members[0].must("SET", "k", "v")
	for _, m := range c.members {
		m.stop()
	}
	c.members[0].start()
	alone := c.members[0].client()
	if got, err := alone.Get(ctx, "k").Result(); kindOf(err) != "loading" {
		t.Errorf("without a majority: %q, %v", got, err)
	}
	for _, m := range c.members[1:] {
		m.start()
	}
	for _, m := range c.members {
		conn := m.client()
		for {
			got, err := conn.Get(ctx, "k").Result()
			if kindOf(err) == "loading" {
				continue
			}
			if got != "v" {
				t.Errorf("the first read on %s: %q, %v", m.host, got, err)
			}
			break
		}
	}
}
