package node

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/trivetdb/trivet/node/store/faulty"
)

// disks has each node write its log to a disk of its own.
func disks() (of map[string]*faulty.Disk, change func(*Config)) {
	of = map[string]*faulty.Disk{}
	return of, func(conf *Config) {
		of[conf.Name] = faulty.NewDisk()
		conf.Files = of[conf.Name]
	}
}

// losePower ends a node as a loss of power would, and gives it a disk for its next
// start.
func (m *member) losePower(of map[string]*faulty.Disk) {
	if err := of[m.conf.Name].LosePower(rand.New(rand.NewPCG(1, 2))); err != nil {
		m.c.t.Error(err)
	}
	m.kill()
	of[m.conf.Name] = faulty.NewDisk()
	m.conf.Files = of[m.conf.Name]
}

// What a leader has sent to all, but not synced itself, is not seen anywhere, and
// whether it is lost with the leader's power is the same for all.
func TestLeaderLosesPower(t *testing.T) {
	t.Parallel()
	of, change := disks()
	c := startCluster(t, 3, change)
	leader := c.settled()
	others := c.others(leader)
	leader.must("SET", "k", "old")
	until(t, "all have it", func() bool { return others[0].peek("k") == "old" && others[1].peek("k") == "old" })

	of[leader.conf.Name].Hold()
	answer := make(chan error, 1)
	conn := leader.client()
	go func() { answer <- conn.Do(context.Background(), "SET", "k", "new").Err() }()
	of[leader.conf.Name].Waiting(1)
	until(t, "followers store it", func() bool {
		last := leader.raft.LastIndex()
		return others[0].raft.LastIndex() == last && others[1].raft.LastIndex() == last
	})
	never(t, "an unsynced write was seen", 300*time.Millisecond, func() bool {
		return len(answer) > 0 || leader.peek("k") != "old" || others[0].peek("k") != "old" || others[1].peek("k") != "old"
	})

	leader.losePower(of)
	if err := <-answer; kindOf(err) != "unknown" {
		t.Errorf("the client was answered: %v", err)
	}
	c.leaderOf(others...)
	others[0].must("SET", "other", "1")
	leader.start()
	c.settled()
	c.sameState()
	if got := leader.must("GET", "k"); got != "new" { // both followers had it
		t.Errorf("k is %v, want new", got)
	}
}

// TestPowerLoss has one leader after the other lose its power under load.
func TestPowerLoss(t *testing.T) {
	t.Parallel()
	of, change := disks()
	c := startCluster(t, 3, change)
	for range 3 {
		leader := c.settled()
		exactly(t, c, c.others(leader), 60, func(<-chan struct{}) {
			time.Sleep(200 * time.Millisecond)
			leader.losePower(of)
		})
		leader.start()
	}
	c.settled()
	c.sameState()
}
