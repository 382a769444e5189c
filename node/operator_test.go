package node

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestWait counts followers that hold a write: two, then one of them is out of
// reach.
func TestWait(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3, nil)
	leader := c.settled()
	followers := c.others(leader)
	for _, m := range c.members {
		conn := m.client()
		if err := conn.Set(t.Context(), "k", m.host, 0).Err(); err != nil {
			t.Fatal(err)
		}
		if n, err := conn.Wait(t.Context(), 1, 0).Result(); n != 1 || err != nil {
			t.Errorf("%s: WAIT 1: %d, %v", m.host, n, err)
		}
		until(t, "both followers hold it", func() bool {
			n, err := conn.Wait(t.Context(), 2, time.Second).Result()
			return n == 2 && err == nil
		})
	}
	c.isolate(followers[0])
	conn := leader.client()
	if err := conn.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Wait(t.Context(), 2, 300*time.Millisecond).Result(); n != 1 || err != nil {
		t.Errorf("without a follower: WAIT 2: %d, %v", n, err)
	}
	c.net.HealAll()
	until(t, "both followers hold it", func() bool {
		n, _ := conn.Do(t.Context(), "WAITAOF", 1, 2, 1000).Slice()
		return len(n) == 2 && n[0] == int64(1) && n[1] == int64(2)
	})
}

// TestSave has snapshots taken, and the node asked to stop.
func TestSave(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 1, nil)
	m := c.members[0]
	conn := m.client()
	before, err := conn.LastSave(t.Context()).Result()
	if err != nil || time.Since(time.Unix(before, 0)).Abs() > patience {
		t.Errorf("LASTSAVE: %d, %v", before, err)
	}
	for i := range 3 {
		if err := conn.Set(t.Context(), "k", i, 0).Err(); err != nil {
			t.Fatal(err)
		}
		if err := conn.Save(t.Context()).Err(); err != nil {
			t.Errorf("SAVE: %v", err)
		}
		if at := m.stat("last_snapshot_index"); at != m.machine.applied.load() {
			t.Errorf("the snapshot is of %d, the state of %d", at, m.machine.applied.load())
		}
		if err := conn.Save(t.Context()).Err(); err != nil { // there is nothing new
			t.Errorf("SAVE: %v", err)
		}
	}
	list, err := m.dir.Snapshots().List()
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	at, err := conn.LastSave(t.Context()).Result()
	if err != nil || at < before || max(at-savedAt(list[0].ID), savedAt(list[0].ID)-at) > 60 {
		t.Errorf("LASTSAVE: %d, %v; the snapshot is called %s", at, err, list[0].ID)
	}
	m.stop()
	m.start()
	c.settled()
	if got, err := m.client().Get(t.Context(), "k").Result(); got != "2" || err != nil {
		t.Errorf("after a start: %q, %v", got, err)
	}
	until(t, "LASTSAVE is that of the snapshot", func() bool {
		again, err := m.client().LastSave(t.Context()).Result()
		return err == nil && again == savedAt(list[0].ID)
	})
	go m.client().Shutdown(t.Context())
	select {
	case <-m.Asked():
	case <-time.After(patience):
		t.Error("SHUTDOWN did not ask the node to stop")
	}
}

// TestReplicas has INFO list the followers that answer, and FAILOVER make one of
// them the leader.
func TestReplicas(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3, nil)
	leader := c.settled()
	slaves := func(m *member) (n int) {
		text, err := m.client().Info(t.Context(), "replication").Result()
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.SplitSeq(text, "\r\n") {
			if strings.HasPrefix(line, "slave"+strconv.Itoa(n)+":ip=127.0.0.1,port=") && strings.Contains(line, ",state=online,offset=") {
				n++
			}
		}
		return n
	}
	until(t, "two followers", func() bool { return slaves(leader) == 2 })
	followers := c.others(leader)
	followers[0].stop()
	until(t, "one follower", func() bool { return slaves(leader) == 1 })
	host, port, _ := strings.Cut(followers[1].conf.Redis, ":")
	if got, err := leader.client().Do(t.Context(), "FAILOVER", "TO", host, port).Result(); got != "OK" || err != nil {
		t.Errorf("FAILOVER: %v, %v", got, err)
	}
	until(t, "another leader", func() bool { return followers[1].Leads() })
	until(t, "its follower", func() bool { return slaves(followers[1]) == 1 })
}

func TestSavedAt(t *testing.T) {
	for id, want := range map[string]int64{"2-18-1700000000123": 1700000000, "": 0, "x": 0, "1-2-": 0} {
		if got := savedAt(id); got != want {
			t.Errorf("%q: %d", id, got)
		}
	}
}
