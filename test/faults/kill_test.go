// Package faults kills, stops and replaces the nodes of a real cluster under
// load and checks every write that was acknowledged.
package faults

import (
	"context"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/trivetdb/trivet/test/cluster"
)

// rounds is how often a fault is repeated.
const rounds = 10

// TestKillLeader kills the leader ten times under load. Clients of survivors
// see no error at all.
func TestKillLeader(t *testing.T) {
	c := cluster.Start(t, 3, "--on-follower", "forward")
	l := startLoad(t, c.Nodes, 4)
	var pauses []time.Duration
	for range rounds {
		time.Sleep(500 * time.Millisecond)
		leader := c.Settled()
		l.mayFail(leader, true)
		leader.Kill()
		pause := l.untilAck(c.Others(leader), time.Now(), time.Minute)
		pauses = append(pauses, pause)
		if pause > 5*time.Second {
			t.Errorf("the first write after the kill took %v", pause)
		}
		leader.Start()
		c.Settled()
		l.mayFail(leader, false)
	}
	l.finish(c)
	slices.Sort(pauses)
	t.Logf("first write after a kill: median %v, longest %v", pauses[len(pauses)/2], pauses[len(pauses)-1])
}

// TestStopLeader stops the leader with SIGTERM under load. Even its own
// clients see no write of unknown outcome.
func TestStopLeader(t *testing.T) {
	c := cluster.Start(t, 3, "--on-follower", "forward")
	l := startLoad(t, c.Nodes, 4)
	var pauses []time.Duration
	for range rounds {
		time.Sleep(300 * time.Millisecond)
		leader := c.Settled()
		l.mayFail(leader, true)
		began := time.Now()
		leader.Signal(syscall.SIGTERM)
		pause := l.untilAck(c.Others(leader), began, time.Minute)
		pauses = append(pauses, pause)
		if pause > 2*time.Second {
			t.Errorf("the first write after SIGTERM took %v", pause)
		}
		if status := leader.Stop(); status != 0 {
			t.Errorf("exit status %d", status)
		}
		leader.Start()
		c.Settled()
		l.mayFail(leader, false)
	}
	l.finish(c)
	slices.Sort(pauses)
	t.Logf("first write after SIGTERM: median %v, longest %v", pauses[len(pauses)/2], pauses[len(pauses)-1])
}

// TestKillAll kills all nodes at once and starts them again, each time with the
// log in the other store.
func TestKillAll(t *testing.T) {
	c := cluster.Start(t, 3, "--on-follower", "forward")
	l := startLoad(t, c.Nodes, 4)
	for _, store := range []string{"bolt", "wal", "bolt"} {
		time.Sleep(time.Second)
		for _, n := range c.Nodes {
			l.mayFail(n, true)
		}
		for _, n := range c.Nodes {
			n.Signal(syscall.SIGKILL)
		}
		for _, n := range c.Nodes {
			n.Kill()
			n.Start("--log-store", store)
		}
		c.Settled()
		for _, n := range c.Nodes {
			l.mayFail(n, false)
		}
	}
	time.Sleep(300 * time.Millisecond)
	l.finish(c)
}

// TestLostDisk deletes a node's data under load: it comes back as a new member
// in place of the old one, by itself.
func TestLostDisk(t *testing.T) {
	c := cluster.Start(t, 3, "--on-follower", "forward")
	l := startLoad(t, c.Nodes, 2)
	time.Sleep(300 * time.Millisecond)
	for _, which := range []func() *cluster.Node{
		func() *cluster.Node { return c.Others(c.Settled())[0] }, // a follower
		c.Settled, // the leader
	} {
		lost := which()
		before := memberID(t, c, lost)
		l.mayFail(lost, true)
		lost.Kill()
		if err := os.RemoveAll(lost.Dir); err != nil {
			t.Fatal(err)
		}
		lost.Start()
		c.Until("the node is a voter again, as a new member", 2*time.Minute, func(ctx context.Context) bool {
			s, err := c.Others(lost)[0].Status(ctx)
			if err != nil || len(s.Members) != 3 {
				return false
			}
			for _, m := range s.Members {
				if m.Name == lost.Name {
					return m.Voter && m.Alive && m.ID != before
				}
			}
			return false
		})
		c.Settled()
		l.mayFail(lost, false)
	}
	time.Sleep(300 * time.Millisecond)
	l.finish(c)
}

func memberID(t *testing.T, c *cluster.Cluster, n *cluster.Node) string {
	t.Helper()
	s, err := n.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s.Node.ID
}

// TestGrowAndShrink goes from three nodes to five and back under load.
func TestGrowAndShrink(t *testing.T) {
	c := cluster.Start(t, 3, "--on-follower", "forward")
	l := startLoad(t, c.Nodes, 2)
	for range 2 {
		c.Add("--bootstrap-expect", "3").Start()
	}
	c.Until("five voters", 2*time.Minute, func(ctx context.Context) bool {
		s, err := c.Nodes[0].Status(ctx)
		voters := 0
		for _, m := range s.Members {
			if m.Voter && m.Alive {
				voters++
			}
		}
		return err == nil && voters == 5
	})
	c.Settled()
	l.finish(c) // five are equal
	client := c.Leader().Client()
	if err := client.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	client.Close()
	l = startLoad(t, c.Nodes[:3], 2)
	for _, n := range c.Nodes[3:] {
		n.Stop()
		if out, errs, status := cluster.Run(t, "members", "remove", n.Name, "--addr", c.Nodes[0].Redis); status != 0 {
			t.Fatalf("members remove: %s%s", out, errs)
		}
	}
	s, err := c.Leader().Status(t.Context())
	if err != nil || len(s.Members) != 3 {
		t.Fatalf("%d members, %v", len(s.Members), err)
	}
	// With two of three gone the last two must stay.
	l.mayFail(c.Nodes[2], true)
	c.Nodes[2].Kill()
	_, errs, status := cluster.Run(t, "members", "remove", c.Nodes[1].Name, "--addr", c.Nodes[0].Redis)
	if status == 0 {
		t.Error("a member that the quorum needs was removed")
	}
	t.Logf("refused: %s", errs)
	c.Nodes[2].Start()
	c.Settled()
	l.mayFail(c.Nodes[2], false)
	l.finish(c)
}
