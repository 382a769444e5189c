package store

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
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
	s := &sample{path: t.TempDir(), files: map[string][]byte{}, sizes: map[string]int64{}}
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
		s.files[name] = bytes.TrimRight(b, "\x00")
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
	d, err := Open(Options{Path: s.path, Name: "a"})
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
	if first != s.entries[0].Index || last != s.entries[len(s.entries)-1].Index {
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

func TestFlippedBits(t *testing.T) {
	s := newSample(t)
	s.restore(t, "", nil, 0)
	if s.open(t) {
		t.Fatal("the sample itself is damaged")
	}
	random := rand.New(rand.NewPCG(1, 2))
	const page = 4096
	pages := len(s.files[boltName]) / page
	damaged, tried := 0, 0
	try := func(at int, bits byte) {
		if at >= len(s.files[boltName]) {
			return
		}
		tried++
		if s.flip(t, boltName, at, bits) {
			damaged++
		}
	}
	for p := range pages {
		for i := range 3 { // where the structure is
			try(p*page+random.IntN(16), 1<<random.IntN(8))
			try(p*page+16+random.IntN(64), 1<<random.IntN(8))
			try(p*page+random.IntN(page), []byte{0xff, 0x01, 0x80}[i])
		}
	}
	t.Logf("%d pages, %d bytes changed, %d found damaged", pages, tried, damaged)
	if damaged == 0 {
		t.Error("nothing was found")
	}
}

// All that bolt reads of its meta pages must be covered, and the root's list of
// buckets too.
func TestFlippedMeta(t *testing.T) {
	s := newSample(t)
	for m := range 2 {
		for i := range boltMetaSize {
			if !s.flip(t, boltName, m*4096+boltHead+i, 1<<(i%8)) {
				t.Errorf("meta page %d, byte %d: not noticed", m, i)
			}
		}
	}
}

func TestTruncatedLog(t *testing.T) {
	s := newSample(t)
	b := s.files[boltName]
	for _, n := range []int{0, 1, 15, 16, 80, 4095, 4096, 5000, 8192, 16384, len(b) / 2, len(b) - 5000} {
		s.restore(t, boltName, b[:n], int64(n))
		if !s.open(t) {
			t.Errorf("cut to %d bytes: not noticed", n)
		}
	}
	for _, n := range []int{4096, 8192, len(b) / 2} { // zeros instead
		s.restore(t, boltName, b[:n], s.sizes[boltName])
		s.open(t)
	}
	s.restore(t, boltName, bytes.Repeat([]byte("no bolt file "), 9999), 9999)
	if !s.open(t) {
		t.Error("garbage was not noticed")
	}
}

func TestMissingFiles(t *testing.T) {
	s := newSample(t)
	for _, name := range []string{
		boltName, identityName,
		filepath.Join(snapshotsName, s.snapshot), // the log does not reach back
		filepath.Join(snapshotsName, s.snapshot, "meta.json"),
		filepath.Join(snapshotsName, s.snapshot, "state.bin"),
	} {
		s.restore(t, "", nil, 0)
		if err := os.RemoveAll(filepath.Join(s.path, name)); err != nil {
			t.Fatal(err)
		}
		if !s.open(t) {
			t.Errorf("%s is missing: not noticed", name)
		}
	}
}

func TestFlippedSnapshot(t *testing.T) {
	s := newSample(t)
	for _, file := range []string{"state.bin", "meta.json"} {
		name := filepath.Join(snapshotsName, s.snapshot, file)
		step := 1 + len(s.files[name])/200
		found := 0
		for at := 0; at < len(s.files[name]); at += step {
			if s.flip(t, name, at, 1<<(at%7)) {
				found++
			} else if file == "state.bin" {
				t.Errorf("%s: byte %d: not noticed", file, at)
			}
		}
		t.Logf("%s: %d of %d found", file, found, len(s.files[name])/step)
		s.restore(t, name, s.files[name][:10], 10)
		if !s.open(t) {
			t.Errorf("%s: cut off: not noticed", file)
		}
	}
}

func TestFlippedIdentity(t *testing.T) {
	s := newSample(t)
	for at := range s.files[identityName] {
		s.flip(t, identityName, at, 1<<(at%7))
	}
	for _, text := range []string{"", "{}", "null", "[]", "{\"name\":\"a\"}", "\x00\x00\x00"} {
		s.restore(t, identityName, []byte(text), int64(len(text)))
		if !s.open(t) {
			t.Errorf("%q: not noticed", text)
		}
	}
}

// A log that does not begin where the snapshot ends has lost entries.
func TestLogDoesNotJoin(t *testing.T) {
	for name, make := range map[string]func(*testing.T, *Dir){
		"no snapshot": func(t *testing.T, d *Dir) { storeEntries(t, d, 2, 5, 1, 10) },
		"gap": func(t *testing.T, d *Dir) {
			storeEntries(t, d, 12, 15, 1, 10)
			storeSnapshot(t, d, 10, 1, "state")
		},
		"term forgotten": func(t *testing.T, d *Dir) { storeEntries(t, d, 1, 5, 2, 10) },
		"term goes back": func(t *testing.T, d *Dir) {
			setTerm(t, d, 9)
			storeEntries(t, d, 1, 5, 9, 10)
			storeEntries(t, d, 6, 7, 8, 10)
		},
	} {
		path := t.TempDir()
		d := mustOpen(t, path, "a")
		setTerm(t, d, 1)
		make(t, d)
		mustClose(t, d)
		if _, err := Open(Options{Path: path, Name: "a"}); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Damage that comes while the node runs is noticed at the next read.
func TestDamageWhileOpen(t *testing.T) {
	s := newSample(t)
	s.restore(t, "", nil, 0)
	d := mustOpen(t, s.path, "a")
	f, err := os.OpenFile(filepath.Join(s.path, boltName), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(s.path, boltName))
	if err != nil {
		t.Fatal(err)
	}
	data := entry(62, 1, 20_000).Data
	for at := 0; ; {
		i := bytes.Index(b[at:], data[:100]) // there may be an older copy
		if i < 0 {
			break
		}
		at += i + 50
		if _, err := f.WriteAt([]byte{b[at] + 1}, int64(at)); err != nil {
			t.Fatal(err)
		}
	}
	var e raft.Log
	if err := d.Log().GetLog(62, &e); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "log entry 62") {
		t.Errorf("changed entry: %v", err)
	}
	if err := d.Log().GetLog(61, &e); err != nil {
		t.Errorf("entry beside it: %v", err)
	}
	if err := f.Truncate(8192); err != nil { // the rest of the map faults now
		t.Fatal(err)
	}
	if err := d.Log().GetLog(61, &e); !errors.Is(err, ErrDamaged) {
		t.Errorf("file cut off: %v", err)
	}
	if _, err := d.Stable().GetUint64([]byte(termKey)); !errors.Is(err, ErrDamaged) {
		t.Errorf("file cut off: %v", err)
	}
	if err := d.log.StoreLog(entry(122, 5, 10)); !errors.Is(err, ErrDamaged) {
		t.Errorf("file cut off: %v", err)
	}
	if err := d.Stable().SetUint64([]byte(termKey), 6); !errors.Is(err, ErrDamaged) {
		t.Errorf("file cut off: %v", err)
	}
	_ = f.Close()
}
