package store

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

// A member is raft on a data directory.
type member struct {
	dir   *Dir
	raft  *raft.Raft
	fsm   *raft.MockFSM
	trans *raft.InmemTransport
}

func startMember(t *testing.T, path, name string) *member {
	t.Helper()
	m := &member{dir: mustOpen(t, path, name), fsm: &raft.MockFSM{}}
	_, m.trans = raft.NewInmemTransport(raft.ServerAddress(name))
	c := raft.DefaultConfig()
	c.LocalID = m.dir.RaftID()
	c.HeartbeatTimeout, c.ElectionTimeout, c.LeaderLeaseTimeout = 500*time.Millisecond, 500*time.Millisecond, 400*time.Millisecond
	c.TrailingLogs = 2
	c.LogLevel = "ERROR"
	var err error
	if m.raft, err = raft.NewRaft(c, m.fsm, m.dir.Log(), m.dir.Stable(), m.dir.Snapshots(), m.trans); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.stop(t) })
	return m
}

func (m *member) stop(t *testing.T) {
	t.Helper()
	if err := m.raft.Shutdown().Error(); err != nil {
		t.Error(err)
	}
	_ = m.dir.Close()
}

func (m *member) apply(t *testing.T, n int) {
	t.Helper()
	for i := range n {
		if err := m.raft.Apply(entry(uint64(i), 0, 100).Data, 5*time.Second).Error(); err != nil {
			t.Fatal(err)
		}
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("never happened: %s", what)
}

// A newcomer gets a snapshot of a leader whose log no longer reaches back, and
// both come up again on what they stored.
func TestRaft(t *testing.T) {
	path := t.TempDir()
	a := startMember(t, filepath.Join(path, "a"), "a")
	self := raft.Configuration{Servers: []raft.Server{{ID: a.dir.RaftID(), Address: "a"}}}
	if err := a.raft.BootstrapCluster(self).Error(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a leads", func() bool { return a.raft.State() == raft.Leader })
	a.apply(t, 20)
	if err := a.raft.Snapshot().Error(); err != nil {
		t.Fatal(err)
	}
	if first, err := a.dir.Log().FirstIndex(); err != nil || first < 10 {
		t.Fatalf("the log begins at %d, %v", first, err)
	}

	b := startMember(t, filepath.Join(path, "b"), "b")
	a.trans.Connect("b", b.trans)
	b.trans.Connect("a", a.trans)
	if err := a.raft.AddNonvoter(b.dir.RaftID(), "b", 0, 5*time.Second).Error(); err != nil {
		t.Fatal(err)
	}
	a.apply(t, 5)
	eventually(t, "b caught up", func() bool { return len(b.fsm.Logs()) == 25 })
	metas, err := b.dir.Snapshots().List()
	if err != nil || len(metas) != 1 {
		t.Fatalf("b has snapshots %v, %v", metas, err)
	}
	last := a.raft.LastIndex()
	b.stop(t)
	a.stop(t)

	for _, name := range []string{"a", "b"} {
		m := startMember(t, filepath.Join(path, name), name)
		if m.raft.LastIndex() != last {
			t.Errorf("%s reaches %d, not %d", name, m.raft.LastIndex(), last)
		}
		want := fmt.Sprint(len(self.Servers) + 1)
		if got := fmt.Sprint(len(m.raft.GetConfiguration().Configuration().Servers)); got != want {
			t.Errorf("%s knows %s members, not %s", name, got, want)
		}
	}
}
