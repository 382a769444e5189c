package node

import (
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
		term := rest[0].raft.CurrentTerm()
		c.net.Partition(leader.host, rest[0].host)
		never(t, "an election while the leader may live", time.Second, func() bool { return rest[0].raft.CurrentTerm() != term })
		c.net.HealAll()
		began := time.Now()
		leader.kill()
		next := c.leaderOf(rest...)
		t.Logf("%s leads after %v", next.host, time.Since(began))
		if err := next.client().Set(t.Context(), "k", "v", 0).Err(); err != nil {
			t.Error(err)
		}
		leader.start()
	}
	c.settled()
	c.sameState()
}
