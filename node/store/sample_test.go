package store

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/raft"
)

// A sample is a data directory with something of everything in it, and what
// must come back from it.
type sample struct {
	path     string
	files    map[string][]byte // relative path -> content
	sizes    map[string]int64  // where the file is longer than its content, for the rest is zeros
	identity Identity
	entries  []*raft.Log
	snapshot string
}

func newSample(t *testing.T) *sample {
	t.Helper()
	s := &sample{path: memoryDir(t), files: map[string][]byte{}, sizes: map[string]int64{}}
	d := mustOpen(t, s.path, "a")
	setTerm(t, d, 1)
	storeEntries(t, d, 1, 40, 1, 2_000)
	s.snapshot = storeSnapshot(t, d, 45, 1, strings.Repeat("some state ", 50))
	entries := storeEntries(t, d, 41, 60, 1, 30)
	entries = append(entries, storeEntries(t, d, 61, 64, 1, 20_000)...)
	setTerm(t, d, 5)
	for i := uint64(65); i <= 120; i++ {
		entries = append(entries, storeEntries(t, d, i, i, 5, 900)...)
	}
	members := &raft.Log{Index: 121, Term: 5, Type: raft.LogConfiguration, Data: raft.EncodeConfiguration(testMembers)}
	if err := errors.Join(
		d.Log().StoreLog(members),
		d.Log().DeleteRange(1, 40),
		d.Stable().SetUint64([]byte("LastVoteTerm"), 5),
		d.Stable().Set([]byte("LastVoteCand"), []byte("b.trivet:7000")),
		d.Adopt("cluster", "a-1"),
	); err != nil {
		t.Fatal(err)
	}
	s.entries, s.identity = append(entries, members), d.Identity()
	mustClose(t, d)
	s.load(t)
	return s
}

// memoryDir is a directory in memory where there is one: these tests open the
// directory hundreds of times, and each time waits for the disk.
func memoryDir(t *testing.T) string {
	t.Helper()
	path, err := os.MkdirTemp("/dev/shm", "trivet")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(path) })
	return path
}

// load reads all files, without the unused rest of raft.db.
func (s *sample) load(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir(s.path, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || e.Name() == lockName {
			return err
		}
		b, err := os.ReadFile(path)
		name, _ := filepath.Rel(s.path, path)
		s.sizes[name] = int64(len(b))
		// The last page in use ends in zeros too.
		used := (len(bytes.TrimRight(b, "\x00")) + 4095) &^ 4095
		s.files[name] = b[:min(used, len(b))]
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// restore writes the files as they were, but one with other content.
func (s *sample) restore(t *testing.T, name string, content []byte, size int64) {
	t.Helper()
	for n, b := range s.files {
		path, to := filepath.Join(s.path, n), s.sizes[n]
		if n == name {
			b, to = content, size
		}
		err := os.MkdirAll(filepath.Dir(path), 0o700)
		if err == nil {
			err = os.WriteFile(path, b, 0o600)
		}
		if err == nil {
			err = os.Truncate(path, to)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// open opens the directory, and reports whether that found damage. Where it
// did not, all must be as it was stored.
func (s *sample) open(t *testing.T) (damaged bool) {
	t.Helper()
	d, err := Open(Options{Path: s.path, Name: "a", LogStore: testStore})
	if err != nil {
		if !errors.Is(err, ErrDamaged) {
			t.Fatalf("not recognised as damage: %v", err)
		}
		if !strings.Contains(err.Error(), "move the directory away and start the node again") {
			t.Fatalf("does not say what to do: %v", err)
		}
		return true
	}
	defer mustClose(t, d)
	s.compare(t, d)
	return false
}

func (s *sample) compare(t *testing.T, d *Dir) {
	t.Helper()
	first, _ := d.Log().FirstIndex()
	last, _ := d.Log().LastIndex()
	// Entries that were deleted may be back, in an older copy of the tree.
	if first > s.entries[0].Index || last != s.entries[len(s.entries)-1].Index {
		t.Fatalf("log has entries %d to %d", first, last)
	}
	for _, w := range s.entries {
		var got raft.Log
		if err := d.Log().GetLog(w.Index, &got); err != nil || !sameEntry(&got, w) {
			t.Fatalf("entry %d: %v, %+v", w.Index, err, got)
		}
	}
	term, err1 := d.Stable().GetUint64([]byte(termKey))
	voted, err2 := d.Stable().GetUint64([]byte("LastVoteTerm"))
	cand, err3 := d.Stable().Get([]byte("LastVoteCand"))
	if err := errors.Join(err1, err2, err3); err != nil || term != 5 || voted != 5 || string(cand) != "b.trivet:7000" {
		t.Fatalf("term %d, voted in %d for %s, %v", term, voted, cand, err)
	}
	if d.Identity() != s.identity || d.Life() != 2 {
		t.Fatalf("identity %+v, life %d", d.Identity(), d.Life())
	}
	meta, r, err := d.Snapshots().Open(s.snapshot)
	if err != nil {
		t.Fatal(err)
	}
	state, err := io.ReadAll(r)
	_ = r.Close()
	if err != nil || string(state) != strings.Repeat("some state ", 50) || meta.Index != 45 || meta.Term != 1 ||
		meta.ConfigurationIndex != 1 || !bytes.Equal(raft.EncodeConfiguration(meta.Configuration), raft.EncodeConfiguration(testMembers)) {
		t.Fatalf("snapshot %+v, %d bytes of state, %v", meta, len(state), err)
	}
}

// flip opens the directory with some bits of one byte changed.
func (s *sample) flip(t *testing.T, name string, at int, bits byte) (damaged bool) {
	t.Helper()
	b := bytes.Clone(s.files[name])
	b[at] ^= bits
	s.restore(t, name, b, s.sizes[name])
	defer func() {
		if t.Failed() {
			t.Logf("%s: byte %d (page %d, %d), bits %#x", name, at, at/os.Getpagesize(), at%os.Getpagesize(), bits)
		}
	}()
	return s.open(t)
}
