package store

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/raft"
)

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
		try(p*page+random.IntN(boltHead), 1<<random.IntN(8))
		try(p*page+boltHead+random.IntN(4*boltElement), 1<<random.IntN(8))
		try(p*page+random.IntN(page), 0xff)
	}
	t.Logf("%d pages, %d bytes changed, %d found damaged", pages, tried, damaged)
	if damaged == 0 {
		t.Error("nothing was found")
	}
}

// A changed page number may lead to an older copy of the tree, which only lacks
// the newest entries. The page that lists the buckets is where that is easy.
func TestFlippedRoot(t *testing.T) {
	s := newSample(t)
	b := s.files[boltName]
	meta := b[boltHead:]
	if other := b[4096+boltHead:]; native.Uint64(other[48:]) > native.Uint64(meta[48:]) {
		meta = other
	}
	root := int(native.Uint64(meta[16:])) * 4096
	pairs, err := parsePage(b[root : root+4096]).elements()
	if err != nil || string(pairs[1].key) != "logs" {
		t.Fatalf("root page: %v", err)
	}
	// The log's root is the first number of the last value on the page.
	at := root + bytes.Index(b[root:root+4096], pairs[1].value)
	found := 0
	for bit := range 64 {
		if s.flip(t, boltName, at+bit/8, 1<<(bit%8)) {
			found++
		}
	}
	if found < 60 {
		t.Errorf("only %d of 64 changes were noticed", found)
	}
}

func TestCutLog(t *testing.T) {
	path := t.TempDir()
	d := mustOpen(t, path, "a")
	setTerm(t, d, 1)
	storeEntries(t, d, 1, 20, 1, 10)
	if err := d.Log().DeleteRange(11, 20); err != nil { // as raft does for a new leader
		t.Fatal(err)
	}
	mustClose(t, d)
	d = mustOpen(t, path, "a")
	if d.log.tail.index != 10 {
		t.Errorf("noted %d as the log's end", d.log.tail.index)
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
		step := 1 + len(s.files[name])/80
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
		if _, err := Open(Options{Path: path, Name: "a", LogStore: testStore}); !errors.Is(err, ErrDamaged) {
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
	if err := d.Log().GetLog(60, &e); !errors.Is(err, ErrDamaged) {
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
