package node

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	autopilot "github.com/hashicorp/raft-autopilot"
	"github.com/redis/go-redis/v9"

	"github.com/trivetdb/trivet/transport"
)

// TestBootstrapWaits starts three nodes one after the other: two of them alone
// are no cluster.
func TestBootstrapWaits(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, nil)
	c.members[2].start()
	time.Sleep(300 * time.Millisecond)
	c.members[0].start()
	conn := c.members[0].client()
	until(t, "the two see one another", func() bool { return len(c.members[2].gossip.Peers()) == 1 })
	if err := conn.Set(t.Context(), "k", "v", 0).Err(); kindOf(err) != "loading" {
		t.Errorf("a write before there is a cluster: %v", err)
	}
	never(t, "two nodes alone began a cluster", 700*time.Millisecond, func() bool {
		return c.members[0].inConfiguration() || c.members[2].inConfiguration()
	})
	if code, body := c.members[0].ready(); code != http.StatusServiceUnavailable || !strings.Contains(body, "[-]member") {
		t.Errorf("ready before there is a cluster: %d %s", code, body)
	}
	c.members[1].start()
	c.settled()
	cluster := c.members[0].dir.Identity().Cluster
	for _, m := range c.members {
		if got := m.dir.Identity().Cluster; got != cluster || got == "" || len(m.servers()) != 3 {
			t.Errorf("%s is of cluster %q with %d members, not of %q", m.host, got, len(m.servers()), cluster)
		}
	}
	c.sameState()
}

// ready asks /readyz.
func (m *member) ready() (code int, body string) {
	r, err := http.Get("http://" + m.conf.HTTP + "/readyz")
	if err != nil {
		return 0, err.Error()
	}
	defer r.Body.Close()
	b, _ := io.ReadAll(r.Body)
	return r.StatusCode, string(b)
}

// TestOtherCluster has a node of another cluster find this one by gossip.
func TestOtherCluster(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 1, nil)
	a := c.members[0]
	b := c.add(func(conf *Config) { conf.BootstrapExpect, conf.Join = 1, nil })
	b.start()
	c.leaderOf(b)
	if a.dir.Identity().Cluster == b.dir.Identity().Cluster {
		t.Fatal("two clusters have one identity")
	}
	b.stop()
	b.conf.Join, b.conf.Peer = []string{a.conf.Gossip}, "b:2" // a new address makes it ask to be noted
	b.start()
	until(t, "gossip", func() bool { return len(a.gossip.Peers()) == 1 && len(b.gossip.Peers()) == 1 })
	never(t, "members of two clusters", 4*time.Second, func() bool { return len(a.servers()) != 1 || len(b.servers()) != 1 })
	_, err := b.mux.Link("a:1").Call(t.Context(), []byte{callHello})
	if !errors.Is(err, transport.ErrNotSent) || !strings.Contains(err.Error(), "is of cluster") {
		t.Errorf("a call to a node of another cluster: %v", err)
	}
	c.leaderOf(a)
	c.leaderOf(b)
}

// TestRemovedNode takes a running node out. It stays out until it is started
// again.
func TestRemovedNode(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3, nil)
	removed := c.others(c.settled())[1]
	rest := c.others(removed)
	if err := rest[0].Remove(t.Context(), removed.conf.Name); err != nil {
		t.Fatal(err)
	}
	until(t, "two members", func() bool { return len(rest[0].servers()) == 2 && len(rest[1].servers()) == 2 })
	never(t, "the removed node came back by itself", 5*time.Second, func() bool { return len(rest[0].servers()) != 2 })
	if err := removed.client().Set(t.Context(), "k", "v", 0).Err(); kindOf(err) != "loading" {
		t.Errorf("a write on the removed node: %v", err)
	}
	if code, body := removed.ready(); code != http.StatusServiceUnavailable || !strings.Contains(body, "[-]leader") {
		t.Errorf("the removed node: %d %s", code, body)
	}
	if err := rest[0].Remove(t.Context(), rest[1].conf.Name); err != nil {
		t.Errorf("down to one: %v", err) // one voter that answers is a quorum of one
	}
	removed.stop()
	removed.start()
	until(t, "the removed node is a voter again", func() bool { return removed.self().Voter })
	removed.must("SET", "k", "v")
}

// TestRemovedUnseen takes a node out that does not get the log entry that says
// so. It joins again by itself where autopilot did it, and where an operator
// did it stays out.
func TestRemovedUnseen(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3, nil)
	removed := c.others(c.settled())[1]
	rest := c.others(removed)
	two := func() bool { return len(rest[0].servers()) == 2 && len(rest[1].servers()) == 2 }
	apart := func(remove func() error) {
		c.isolate(removed)
		if err := remove(); err != nil {
			t.Fatal(err)
		}
		until(t, "two members", two)
		if !removed.inConfiguration() {
			t.Fatal("the node has the entry")
		}
	}
	apart(func() error { return c.leaderOf(rest...).raft.RemoveServer(removed.id, 0, 0).Error() })
	c.net.HealAll()
	until(t, "it is a member again", func() bool { return len(rest[0].servers()) == 3 })
	c.settled()
	apart(func() error { return rest[0].Remove(t.Context(), removed.conf.Name) })
	leader := c.leaderOf(rest...)
	if err := (promoter{leader.raft, leader.Node}).AddVoter(removed.id, raft.ServerAddress(removed.addresses.peer), 0, 0).Error(); err == nil {
		t.Error("autopilot, which knows the past, lets it in again")
	}
	if _, err := removed.wasRemoved(removal{rest[0].id}); err == nil {
		t.Error("it takes another's removal for its own")
	}
	if _, err := removed.wasRemoved(removal{removed.id}); err != nil {
		t.Error(err)
	}
	c.net.HealAll()
	never(t, "the removed node came back by itself", 5*time.Second, func() bool { return !two() })
}

// TestMovedNode starts a node again under another address for its peers.
func TestMovedNode(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3, nil)
	leader := c.settled()
	moved := c.others(leader)[0]
	moved.kill()
	moved.conf.Peer = moved.host + ":2"
	moved.start()
	until(t, "the node is found at its new address", func() bool { return moved.placed() })
	c.settled()
	for _, s := range leader.servers() {
		if s.ID == moved.id && string(s.Address) != moved.conf.Peer {
			t.Errorf("%s is at %s", s.ID, s.Address)
		}
	}
	if len(leader.servers()) != 3 {
		t.Errorf("%d members", len(leader.servers()))
	}
	c.sameState()
}

// TestSameName starts a node under the name of one that lives.
func TestSameName(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3, nil)
	twin := c.add(func(conf *Config) { conf.Name = "b" })
	twin.start()
	never(t, "a second node of the same name was let in", 3*time.Second, func() bool {
		return twin.inConfiguration() || len(c.members[0].servers()) != 3
	})
	c.members[1].kill() // as if it had lost its disk, and come back as the twin
	until(t, "the twin takes its place", func() bool { return twin.self().Voter })
	if n := len(c.members[0].servers()); n != 3 {
		t.Errorf("%d members", n)
	}
	c.settled()
	c.sameState()
}

// TestLostVoters has two of three voters lose their disks at once. They come back
// empty under their names and addresses, and must not vote in the place of those
// that they were: what only these had acknowledged would be lost.
func TestLostVoters(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3, nil)
	leader := c.settled()
	leader.must("SET", "k", "v")
	lost := c.others(leader)
	for _, m := range lost {
		m.kill()
		if err := os.RemoveAll(m.conf.DataDir); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "the leader steps down", func() bool { return leader.raft.State() != raft.Leader })
	for _, m := range lost {
		m.start()
	}
	never(t, "a node leads without a quorum", 5*time.Second, func() bool {
		return slices.ContainsFunc(c.members, func(m *member) bool { return m.raft.State() == raft.Leader })
	})
}

// TestDeadMember kills one of four nodes, and then another: the first is
// removed, the second is not, since two would be left.
func TestDeadMember(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3, func(conf *Config) { conf.DeadAfter = time.Second })
	c.add(func(conf *Config) { conf.BootstrapExpect, conf.DeadAfter = 3, time.Second }).start()
	leader := c.settled()
	dead := c.others(leader)
	dead[0].kill()
	until(t, "the dead member is removed", func() bool { return len(leader.servers()) == 3 })
	dead[1].kill()
	never(t, "a member was removed that the quorum needs", 5*time.Second, func() bool { return len(leader.servers()) < 3 })
	leader.must("SET", "k", "v")
	if err := leader.Remove(t.Context(), dead[2].conf.Name); err == nil {
		t.Error("a member was removed that the quorum needs")
	}
	dead[0].start() // it was removed while it was away, so it joins again
	until(t, "it is a voter again", func() bool { return dead[0].self().Voter && dead[0].placed() })
}

// TestPilotEachTerm has leadership lost and won at once: the next term has its
// autopilot too.
func TestPilotEachTerm(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 1, nil)
	a := c.members[0]
	<-a.pilot.Stop()
	abdicate := func() {}
	for range 5 {
		abdicate()
		abdicate = a.lead()
	}
	defer abdicate()
	never(t, "no autopilot in the last term", 2*time.Second, func() bool {
		status, _ := a.pilot.IsRunning()
		return status != autopilot.Running
	})
}

// TestReady isolates a follower, and then the leader.
func TestReady(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3, nil)
	ready := func(m *member) bool { code, _ := m.ready(); return code == http.StatusOK }
	until(t, "all nodes ready", func() bool {
		return ready(c.members[0]) && ready(c.members[1]) && ready(c.members[2])
	})
	for _, which := range []string{"follower", "leader"} {
		leader := c.settled()
		cut := leader
		if which == "follower" {
			cut = c.others(leader)[0]
		}
		c.isolate(cut)
		until(t, which+" not ready", func() bool {
			_, body := cut.ready()
			return strings.Contains(body, "[-]leader no leader is known\n") && strings.Contains(body, "[+]member ok\n")
		})
		until(t, which+" does not know its lag", func() bool {
			_, body := cut.ready()
			return strings.Contains(body, "[-]replayed the leader has not said how far it is\n")
		})
		until(t, "the others ready", func() bool {
			return ready(c.others(cut)[0]) && ready(c.others(cut)[1])
		})
		c.net.HealAll()
		until(t, which+" ready again", func() bool { return ready(cut) })
	}
}

// TestExpiry lets keys expire without any client: the leader sees to it, and
// all nodes remove them. Their time never goes back, whoever leads.
func TestExpiry(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3, nil)
	var latest [3]int64
	watch := func() (keys int) {
		for i, m := range c.members {
			s := m.machine.state
			m.machine.mu.RLock()
			now := s.Now()
			keys += s.Len(0)
			m.machine.mu.RUnlock()
			if now < latest[i] {
				t.Fatalf("%s: time went from %d back to %d", m.host, latest[i], now)
			}
			latest[i] = now
		}
		return keys
	}
	for round := range 4 {
		conn := c.members[round%3].client()
		_, err := conn.Pipelined(t.Context(), func(p redis.Pipeliner) error {
			for _, key := range []string{"x", "y", "z"} {
				p.Set(t.Context(), key, "v", time.Second)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		until(t, "all nodes hold the keys", func() bool { return watch() == 9 })
		if round%2 == 1 {
			c.settled().Transfer(context.Background(), "")
		}
		until(t, "the keys are gone everywhere", func() bool { return watch() == 0 })
		if n := conn.Exists(t.Context(), "x", "y", "z").Val(); n != 0 {
			t.Errorf("%d keys exist", n)
		}
	}
	c.sameState()
}
