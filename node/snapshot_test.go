package node

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/hashicorp/raft"
	"github.com/redis/go-redis/v9"
)

const snapshotBytes = 64 << 10

// logged returns the bytes of the entries that the node's log holds.
func (m *member) logged(t *testing.T) (bytes int64) {
	first, err := m.dir.Log().FirstIndex()
	if err != nil {
		t.Fatal(err)
	}
	last, err := m.dir.Log().LastIndex()
	if err != nil {
		t.Fatal(err)
	}
	for i := first; i > 0 && i <= last; i++ {
		var e raft.Log
		if m.dir.Log().GetLog(i, &e) == nil { // else it has just been cut off
			bytes += int64(len(e.Data))
		}
	}
	return bytes
}

func (m *member) stat(name string) uint64 {
	n, _ := strconv.ParseUint(m.raft.Stats()[name], 10, 64)
	return n
}

// fill writes so many values of 2 KB over a few keys.
func fill(t *testing.T, m *member, writes int) {
	t.Helper()
	conn := m.client()
	defer conn.Close()
	for i := 0; i < writes; i += 5 {
		_, err := conn.Pipelined(context.Background(), func(p redis.Pipeliner) error {
			for j := i; j < i+5; j++ {
				p.Set(context.Background(), fmt.Sprint("key", j%8), fmt.Sprint(j, strings.Repeat("x", 2000)), 0)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestSnapshots writes many times the size of a snapshot: the log stays small,
// and a node that was started anew holds all.
func TestSnapshots(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3, func(conf *Config) { conf.SnapshotBytes = snapshotBytes })
	for round := range 3 {
		fill(t, c.members[round], 200)
		// What was written beside a snapshot makes none due, and may stay until the
		// next one. A snapshot leaves a quarter.
		polls := 0
		until(t, "the log was cut", func() bool {
			if polls++; polls%400 == 0 {
				fill(t, c.members[round], 40)
			}
			for _, m := range c.members {
				if m.logged(t) > snapshotBytes*3/2 {
					return false
				}
			}
			return true
		})
	}
	for _, m := range c.members {
		if m.stat("last_snapshot_index") == 0 {
			t.Errorf("%s took no snapshot", m.host)
		}
	}
	fill(t, c.members[0], 10) // after the last snapshot, so only in the log
	c.sameState()
	before := c.members[0].digest()
	_, before, _ = strings.Cut(before, " ")
	for _, m := range c.members {
		m.kill()
	}
	for _, m := range c.members {
		m.start()
		if m.stat("last_snapshot_index") == 0 {
			t.Errorf("%s did not start from a snapshot", m.host)
		}
	}
	c.settled()
	c.sameState()
	if _, after, _ := strings.Cut(c.members[1].digest(), " "); after == before {
		t.Log("the state is the same to the byte")
	}
	for i := range 2 {
		want := fmt.Sprint(8+i, strings.Repeat("x", 2000))
		if got := c.members[2].client().Get(t.Context(), fmt.Sprint("key", i)).Val(); got != want {
			t.Errorf("key%d has %d bytes, not %d", i, len(got), len(want))
		}
	}
}

// TestSnapshotInstalled leaves a follower so far behind that the leader no
// longer has the entries that it lacks.
func TestSnapshotInstalled(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3, func(conf *Config) { conf.SnapshotBytes = snapshotBytes })
	fill(t, c.members[0], 20)
	c.sameState()
	leader := c.settled()
	for _, how := range []string{"cut off", "killed"} {
		behind := c.others(leader)[0]
		if how == "killed" {
			behind.kill()
		} else {
			c.isolate(behind)
		}
		last := leader.raft.LastIndex()
		until(t, "both others, of which either may lead, have cut their logs", func() bool {
			fill(t, leader, 50)
			for _, m := range c.others(behind) {
				if first, err := m.dir.Log().FirstIndex(); err != nil || first <= last+1 {
					return false
				}
			}
			return true
		})
		commit := leader.raft.CommitIndex()
		if how == "killed" {
			behind.start()
		} else {
			c.net.HealAll()
		}
		until(t, how+": the follower has caught up", func() bool { return behind.machine.applied.load() >= commit })
		// Raft notes a snapshot a moment after the state is restored from it.
		until(t, how+": the newest snapshot is past the end of the log", func() bool { return behind.stat("last_snapshot_index") > last })
		leader = c.settled()
		fill(t, behind, 20)
		c.sameState()
	}
}
