package node

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// TestHeir lets leaders die in a cluster whose heartbeats would tell only after
// an hour. Who is merely cut off from the leader does not stand for election.
func TestHeir(t *testing.T) {
	t.Parallel()
	// With so long a lease a leader on a busy machine does not resign.
	c := startCluster(t, 3, func(conf *Config) { conf.HeartbeatTimeout = 3 * time.Second })
	patient := func() *member {
		leader := c.settled()
		for _, m := range c.members {
			conf := m.raft.ReloadableConfig()
			conf.HeartbeatTimeout, conf.ElectionTimeout = time.Hour, time.Hour
			if err := m.raft.ReloadConfig(conf); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(2 * leader.cfg.HeartbeatTimeout) // timers that began before end
		return c.settled()
	}
	for range 2 {
		leader := patient()
		rest := c.others(leader)
		// Who is first by its ID lacks entries, as a rule, and would lose.
		slices.SortFunc(rest, func(a, b *member) int { return strings.Compare(string(a.id), string(b.id)) })
		term := rest[0].raft.CurrentTerm()
		c.net.Partition(leader.host, rest[0].host)
		never(t, "an election while the leader may live", time.Second, func() bool { return rest[0].raft.CurrentTerm() != term })
		for range 10 {
			leader.must("INCR", "k")
		}
		began := time.Now()
		killed := make(chan struct{})
		go func() { leader.kill(); close(killed) }()
		time.Sleep(10 * time.Millisecond)
		c.net.HealAll()
		next := c.leaderOf(rest...)
		t.Logf("%s leads after %v", next.host, time.Since(began))
		<-killed
		next.must("INCR", "k")
		leader.start()
	}
	c.settled()
	c.sameState()
}
