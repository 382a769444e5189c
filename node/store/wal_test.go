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

	"github.com/trivetdb/trivet/node/store/faulty"
)

// onWAL lets a test run with the log in segments.
func onWAL(t *testing.T) {
	t.Helper()
	testStore = WAL
	t.Cleanup(func() { testStore = Bolt })
}

// What holds for a log in bolt holds for one in segments.
func TestOnWAL(t *testing.T) {
	onWAL(t)
	for name, test := range map[string]func(*testing.T){
		"TestIdentityAndLife": TestIdentityAndLife, "TestAdopt": TestAdopt, "TestLogSurvives": TestLogSurvives,
		"TestNoGaps": TestNoGaps, "TestBytes": TestBytes, "TestSnapshots": TestSnapshots,
		"TestSnapshotBeyondLog": TestSnapshotBeyondLog, "TestStoppedInFirstStart": TestStoppedInFirstStart,
		"TestNewerEntry": TestNewerEntry, "TestCutLog": TestCutLog, "TestLogDoesNotJoin": TestLogDoesNotJoin,
		"TestMissingFiles": TestMissingFiles, "TestFlippedMeta": TestFlippedMeta, "TestRaft": TestRaft, "TestCrash": TestCrash,
	} {
		t.Run(name, test)
	}
}

// segments returns the names of the log's files.
func (s *sample) segments() (names []string) {
	for name := range s.files {
		if strings.HasPrefix(name, walName) {
			names = append(names, name)
		}
	}
	return names
}

func TestFlippedSegments(t *testing.T) {
	onWAL(t)
	s := newSample(t)
	random := rand.New(rand.NewPCG(1, 2))
	for _, name := range s.segments() {
		damaged := 0
		const tries = 400
		for range tries {
			if s.flip(t, name, random.IntN(len(s.files[name])), 1<<random.IntN(8)) {
				damaged++
			}
		}
		t.Logf("%s: %d of %d changes in %d bytes found", name, damaged, tries, len(s.files[name]))
		if damaged < tries/3 {
			t.Errorf("%s: only %d of %d changes found", name, damaged, tries)
		}
		for _, n := range []int{0, 1, 32, 4096, len(s.files[name]) / 2, len(s.files[name]) - 5000} {
			s.restore(t, name, s.files[name][:n], int64(n))
			if !s.open(t) {
				t.Errorf("%s cut to %d bytes: not noticed", name, n)
			}
		}
		s.restore(t, "", nil, 0)
		if err := os.Remove(filepath.Join(s.path, name)); err != nil {
			t.Fatal(err)
		}
		if !s.open(t) {
			t.Errorf("%s is missing: not noticed", name)
		}
	}
}

// A log moves from one store to the other and back, whatever is in it.
func TestMove(t *testing.T) {
	path := t.TempDir()
	d := mustOpen(t, path, "a")
	setTerm(t, d, 1)
	storeEntries(t, d, 1, 20, 1, 1_000)
	storeSnapshot(t, d, 12, 1, "state")
	want := storeEntries(t, d, 21, 40, 1, 1_000)
	large := entry(41, 1, 0)
	large.Data = append(large.Data, bytes.Repeat([]byte("large"), largeEntry/5)...)
	large.Type = raft.LogBarrier // its data is no entry of fsm's
	want = append(want, large)
	if err := errors.Join(d.Log().StoreLog(large), d.Log().DeleteRange(1, 5)); err != nil {
		t.Fatal(err)
	}
	mustClose(t, d)
	for _, store := range []string{WAL, WAL, Bolt, Bolt, WAL, Bolt} {
		d, err := Open(Options{Path: path, Name: "a", LogStore: store})
		if err != nil {
			t.Fatal(err)
		}
		first, _ := d.Log().FirstIndex()
		last := want[len(want)-1].Index
		if end, _ := d.Log().LastIndex(); first != 6 || end != last {
			t.Fatalf("in %s: entries %d to %d, not 6 to %d", store, first, end, last)
		}
		for _, w := range want {
			var got raft.Log
			if err := d.Log().GetLog(w.Index, &got); err != nil || !sameEntry(&got, w) {
				t.Fatalf("in %s: entry %d: %v", store, w.Index, err)
			}
		}
		want = append(want, storeEntries(t, d, last+1, last+3, 1, 500)...)
		mustClose(t, d)
		_, err = os.Stat(filepath.Join(path, walName))
		if (err == nil) != (store == WAL) {
			t.Errorf("in %s: the segments: %v", store, err)
		}
	}
}

// A move that was cut short begins again from the store that has the whole log.
func TestMoveCutShort(t *testing.T) {
	for _, from := range []string{Bolt, WAL} {
		path := t.TempDir()
		d, err := Open(Options{Path: path, Name: "a", LogStore: from})
		if err != nil {
			t.Fatal(err)
		}
		setTerm(t, d, 1)
		storeEntries(t, d, 1, 20, 1, 1_000)
		// Half of a copy in the other store.
		half := raft.LogStore(d.bolt)
		if from == Bolt {
			if half, err = d.openWAL(Options{Files: faulty.NewDisk()}, 0); err != nil {
				t.Fatal(err)
			}
			d.wal = half.(*walLog)
		}
		for i := uint64(1); i <= 7; i++ {
			if err := half.StoreLog(sealEntry(entry(i, 1, 10))); err != nil {
				t.Fatal(err)
			}
		}
		mustClose(t, d)
		for _, to := range []string{other(from), from} {
			if d, err = Open(Options{Path: path, Name: "a", LogStore: to}); err != nil {
				t.Fatal(err)
			}
			if last, _ := d.Log().LastIndex(); last != 20 {
				t.Errorf("from %s: in %s the log ends at %d", from, to, last)
			}
			mustClose(t, d)
		}
	}
}
