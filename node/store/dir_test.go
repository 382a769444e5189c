package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"github.com/trivetdb/trivet/fsm"
)

// testStore is where the tests keep the log: see TestOnWAL.
var testStore = Bolt

func mustOpen(t *testing.T, path, name string) *Dir {
	t.Helper()
	d, err := Open(Options{Path: path, Name: name, LogStore: testStore})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func mustClose(t *testing.T, d *Dir) {
	t.Helper()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

// entry makes a log entry as the leader does, with a body of size bytes.
func entry(index, term uint64, size int) *raft.Log {
	e := fsm.Entry{Time: int64(index), Seed: index, Batches: []fsm.Batch{{
		Origin: fsm.Origin{ID: 7, Life: 1}, Seq: index,
		Body: bytes.Repeat([]byte{byte(index), byte(index >> 8), 'x'}, size/3+1),
	}}}
	return &raft.Log{Index: index, Term: term, Type: raft.LogCommand, Data: e.Append(nil), AppendedAt: time.Unix(int64(index), 42)}
}

func storeEntries(t *testing.T, d *Dir, first, last, term uint64, size int) []*raft.Log {
	t.Helper()
	var all []*raft.Log
	for i := first; i <= last; i++ {
		all = append(all, entry(i, term, size))
	}
	if err := d.Log().StoreLogs(all); err != nil {
		t.Fatal(err)
	}
	return all
}

func setTerm(t *testing.T, d *Dir, term uint64) {
	t.Helper()
	if err := d.Stable().SetUint64([]byte(termKey), term); err != nil {
		t.Fatal(err)
	}
}

var testMembers = raft.Configuration{Servers: []raft.Server{
	{Suffrage: raft.Voter, ID: "a-0000000000000001", Address: "a.trivet:7000"},
	{Suffrage: raft.Nonvoter, ID: "b-0000000000000002", Address: "b.trivet:7000"},
}}

func storeSnapshot(t *testing.T, d *Dir, index, term uint64, state string) string {
	t.Helper()
	_, trans := raft.NewInmemTransport("")
	sink, err := d.Snapshots().Create(1, index, term, testMembers, 1, trans)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(sink, state); err != nil {
		t.Fatal(err)
	}
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
	return sink.ID()
}

func TestIdentityAndLife(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "data")
	d := mustOpen(t, path, "a-b")
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("directory has mode %v, %v", info.Mode(), err)
	}
	id := d.Identity()
	if id.Name != "a-b" || id.Cluster != "" || d.Life() != 1 {
		t.Errorf("new directory: %+v, life %d", id, d.Life())
	}
	if fresh, err := d.Fresh(); err != nil || !fresh {
		t.Errorf("new directory: fresh %v, %v", fresh, err)
	}
	name, n, ok := ParseRaftID(d.RaftID())
	if name != "a-b" || n != id.ID || !ok {
		t.Errorf("%s parsed to %q %x %v", d.RaftID(), name, n, ok)
	}
	mustClose(t, d)
	for life := uint32(2); life < 5; life++ {
		d = mustOpen(t, path, "a-b")
		if d.Life() != life || d.Identity() != id {
			t.Errorf("life %d: %d, %+v", life, d.Life(), d.Identity())
		}
		mustClose(t, d)
	}
	other := mustOpen(t, t.TempDir(), "a-b")
	if other.Identity().ID == id.ID {
		t.Error("two directories drew the same ID")
	}
}

func TestParseRaftID(t *testing.T) {
	for _, s := range []raft.ServerID{"", "a", "a-", "-0123456789abcdef", "a-0123456789abcde", "a-0123456789ABCDEF", "a-+123456789abcdef"} {
		if _, _, ok := ParseRaftID(s); ok {
			t.Errorf("%q was parsed", s)
		}
	}
}

func TestOtherName(t *testing.T) {
	path := t.TempDir()
	mustClose(t, mustOpen(t, path, "a"))
	_, err := Open(Options{Path: path, Name: "b"})
	want := fmt.Sprintf("data directory %s belongs to node %q, not %q: use --name a, or another --data", path, "a", "b")
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if _, err := Open(Options{Path: path}); err == nil {
		t.Error("opened without a name")
	}
}

func TestLock(t *testing.T) {
	path := t.TempDir()
	d := mustOpen(t, path, "a")
	_, err := Open(Options{Path: path, Name: "a", LogStore: testStore})
	want := fmt.Sprintf("data directory %s is in use by another trivet (process %d)", path, os.Getpid())
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	mustClose(t, d)
	if d = mustOpen(t, path, "a"); d.Life() != 2 {
		t.Errorf("life %d: the refused open counted", d.Life())
	}
}

func TestAdopt(t *testing.T) {
	path := t.TempDir()
	d := mustOpen(t, path, "a")
	if err := d.Adopt("c0", "x-1"); err != nil {
		t.Fatal(err)
	}
	// Two bootstraps may cross; nothing is lost as long as there is no data.
	if err := d.Adopt("c1", "a-1"); err != nil {
		t.Fatal(err)
	}
	setTerm(t, d, 1)
	if err := d.Adopt("c2", "b-1"); err == nil {
		t.Error("changed the cluster of a node with data")
	}
	if err := d.Adopt("c1", "b-1"); err != nil {
		t.Error(err)
	}
	want := d.Identity()
	mustClose(t, d)
	d = mustOpen(t, path, "a")
	if got := d.Identity(); got != want || got.Cluster != "c1" || got.Coordinator != "b-1" {
		t.Errorf("after reopening: %+v, want %+v", got, want)
	}
}

func TestLogSurvives(t *testing.T) {
	path := t.TempDir()
	d := mustOpen(t, path, "a")
	setTerm(t, d, 2)
	want := storeEntries(t, d, 1, 20, 1, 100)
	want = append(want, storeEntries(t, d, 21, 30, 2, 300_000)...)
	members := &raft.Log{Index: 31, Term: 2, Type: raft.LogConfiguration, Data: raft.EncodeConfiguration(testMembers), Extensions: []byte("ext")}
	if err := d.Log().StoreLog(members); err != nil {
		t.Fatal(err)
	}
	want = append(want, members)
	if want[0].Extensions != nil || string(members.Extensions) != "ext" {
		t.Error("storing changed the entry")
	}
	mustClose(t, d)

	d = mustOpen(t, path, "a")
	if fresh, _ := d.Fresh(); fresh {
		t.Error("fresh with a log")
	}
	for _, w := range want {
		var got raft.Log
		if err := d.Log().GetLog(w.Index, &got); err != nil {
			t.Fatal(err)
		}
		if !got.AppendedAt.Equal(w.AppendedAt) || !sameEntry(&got, w) {
			t.Fatalf("entry %d came back as %+v", w.Index, got)
		}
	}
	if err := d.Log().GetLog(32, new(raft.Log)); err != raft.ErrLogNotFound { //nolint:errorlint // raft compares so
		t.Errorf("missing entry: %v", err)
	}
}

func sameEntry(a, b *raft.Log) bool {
	return a.Index == b.Index && a.Term == b.Term && a.Type == b.Type &&
		bytes.Equal(a.Data, b.Data) && bytes.Equal(a.Extensions, b.Extensions)
}

func TestNoGaps(t *testing.T) {
	d := mustOpen(t, t.TempDir(), "a")
	if m, ok := d.Log().(raft.MonotonicLogStore); !ok || !m.IsMonotonic() {
		t.Error("raft would leave gaps")
	}
	storeEntries(t, d, 5, 9, 1, 10)
	if err := d.Log().StoreLogs([]*raft.Log{entry(11, 1, 10)}); err == nil {
		t.Error("stored 11 after 9")
	}
	if err := d.Log().StoreLogs([]*raft.Log{entry(10, 1, 10), entry(12, 1, 10)}); err == nil {
		t.Error("stored 12 after 10")
	}
	if err := d.Log().DeleteRange(5, 9); err != nil {
		t.Fatal(err)
	}
	storeEntries(t, d, 100, 101, 1, 10)
}

func TestBytes(t *testing.T) {
	path := t.TempDir()
	synced := 0
	d, err := Open(Options{Path: path, Name: "a", LogStore: testStore, OnSync: func(took time.Duration) {
		if synced++; took <= 0 {
			t.Errorf("storing took %v", took)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	setTerm(t, d, 1)
	if n := d.TrailingLogs(1 << 20); n != 1 {
		t.Errorf("empty log: %d entries fit", n)
	}
	size := int64(entrySize(entry(1, 1, 9_000)))
	storeEntries(t, d, 1, 50, 1, 9_000)
	storeEntries(t, d, 51, 100, 1, 9_000)
	if d.LogBytes() != 100*size || synced != 2 {
		t.Errorf("%d bytes, %d syncs", d.LogBytes(), synced)
	}
	check := func(limit int64, want uint64) {
		t.Helper()
		if n := d.TrailingLogs(limit); n != want {
			t.Errorf("%d entries fit into %d bytes, want %d", n, limit, want)
		}
	}
	check(0, 1)
	check(10*size, 10)
	check(10*size-1, 9)
	check(1<<30, 100)
	for _, r := range [][2]uint64{{91, 100}, {1, 20}} {
		if err := d.Log().DeleteRange(r[0], r[1]); err != nil {
			t.Fatal(err)
		}
	}
	check(1<<30, 70)
	d.ResetLogBytes()
	if d.LogBytes() != 0 {
		t.Error("bytes were not reset")
	}
	storeSnapshot(t, d, 80, 1, "state")
	mustClose(t, d)
	d = mustOpen(t, path, "a")
	check(1<<30, 70)
	if d.LogBytes() != 10*size {
		t.Errorf("%d bytes after the snapshot, want %d", d.LogBytes(), 10*size)
	}
}

func TestSnapshots(t *testing.T) {
	path := t.TempDir()
	d := mustOpen(t, path, "a")
	setTerm(t, d, 3)
	storeEntries(t, d, 1, 30, 1, 10)
	for i := uint64(1); i <= 3; i++ {
		storeSnapshot(t, d, i*10, 1, strings.Repeat("state", int(i)))
	}
	mustClose(t, d)
	d = mustOpen(t, path, "a")
	metas, err := d.Snapshots().List()
	if err != nil || len(metas) != 1 || metas[0].Index != 30 {
		t.Fatalf("snapshots: %+v, %v", metas, err)
	}
	meta, r, err := d.Snapshots().Open(metas[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	state, err := io.ReadAll(r)
	if err != nil || string(state) != "statestatestate" || meta.Size != 15 || metas[0].Size != 15 {
		t.Errorf("state %q of %d bytes, %v", state, meta.Size, err)
	}
	_ = r.Close()
}

// A node may stop after it stored the leader's snapshot, and before raft
// deleted the log that it replaces.
func TestSnapshotBeyondLog(t *testing.T) {
	path := t.TempDir()
	d := mustOpen(t, path, "a")
	setTerm(t, d, 3)
	storeEntries(t, d, 1, 30, 1, 10)
	storeSnapshot(t, d, 500, 3, "state")
	mustClose(t, d)
	d = mustOpen(t, path, "a")
	if last, err := d.Log().LastIndex(); err != nil || last != 0 {
		t.Errorf("log ends at %d, %v", last, err)
	}
	storeEntries(t, d, 501, 510, 3, 10)
	mustClose(t, d)
	mustOpen(t, path, "a")
}

func TestStoppedInFirstStart(t *testing.T) {
	path := t.TempDir()
	if err := os.WriteFile(filepath.Join(path, boltName), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	mustClose(t, mustOpen(t, path, "a"))
	if err := os.Remove(filepath.Join(path, identityName)); err != nil {
		t.Fatal(err)
	}
	d := mustOpen(t, path, "b") // nothing was stored yet, so nothing is lost
	if d.Life() != 2 {
		t.Errorf("life %d", d.Life())
	}
}

func TestNewerEntry(t *testing.T) {
	path := t.TempDir()
	d := mustOpen(t, path, "a")
	setTerm(t, d, 1)
	e := entry(1, 1, 10)
	e.Data[0] = 200 // a format that this version does not know
	if err := d.Log().StoreLog(e); err != nil {
		t.Fatal(err)
	}
	mustClose(t, d)
	_, err := Open(Options{Path: path, Name: "a", LogStore: testStore})
	if !errors.Is(err, fsm.ErrNewer) || errors.Is(err, ErrDamaged) || strings.Contains(err.Error(), "move") {
		t.Errorf("got %v", err)
	}
}
