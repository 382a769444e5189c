package store

import (
	"errors"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"github.com/trivetdb/trivet/node/store/faulty"
)

// openDisk opens a directory on a disk, where leads says whether raft leads.
func openDisk(t *testing.T, path string, disk *faulty.Disk, leads *atomic.Bool) *Dir {
	t.Helper()
	d, err := Open(Options{Path: path, Name: "a", Files: disk})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { disk.Release(nil); _ = d.Close() })
	d.DeferSyncs(leads.Load)
	return d
}

// ends reports on a channel that f has returned.
func ends(f func() error) <-chan error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	return done
}

// waits fails the test where something has ended.
func waits(t *testing.T, what string, done <-chan error) {
	t.Helper()
	select {
	case err := <-done:
		t.Fatalf("%s did not wait for the disk: %v", what, err)
	case <-time.After(20 * time.Millisecond):
	}
}

// What a leader stores is on its way at once, but counts only once it is synced.
func TestUnsynced(t *testing.T) {
	disk, leads := faulty.NewDisk(), &atomic.Bool{}
	d := openDisk(t, t.TempDir(), disk, leads)
	setTerm(t, d, 1)
	storeEntries(t, d, 1, 3, 1, 10)
	leads.Store(true)
	disk.Hold()
	storeEntries(t, d, 4, 5, 1, 10)
	disk.Waiting(1)

	if c := d.Committable(9); c != 3 {
		t.Errorf("followers may be told that %d is committed, want 3", c)
	}
	if c := d.Committable(2); c != 2 {
		t.Errorf("followers may be told that %d is committed, want 2", c)
	}
	if err := d.Durable(3); err != nil {
		t.Error(err)
	}
	if d.log.tail.index != 3 {
		t.Errorf("the log is noted to reach %d, want 3", d.log.tail.index)
	}
	var e raft.Log
	if err := d.Log().GetLog(5, &e); err != nil {
		t.Errorf("the leader cannot send what it stored: %v", err)
	}

	durable := ends(func() error { return d.Durable(5) })
	store := ends(func() error { return d.Log().StoreLog(entry(6, 1, 10)) })
	waits(t, "Durable", durable)
	waits(t, "the next storing", store)
	leads.Store(false)
	var had raft.Log
	follower := ends(func() error { return d.Log().GetLog(4, &had) })
	waits(t, "GetLog of a follower", follower)
	remove := ends(func() error { return d.Log().DeleteRange(5, 5) })
	waits(t, "DeleteRange", remove)

	disk.Release(nil)
	for what, done := range map[string]<-chan error{"Durable": durable, "the next storing": store, "GetLog": follower} {
		if err := <-done; err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	<-remove // before the next storing, or refused after it
	if c := d.Committable(9); c != 9 {
		t.Errorf("followers may be told that %d is committed, want 9", c)
	}
}

// Only commands of a leader are stored without waiting.
func TestSynced(t *testing.T) {
	disk, leads := faulty.NewDisk(), &atomic.Bool{}
	d := openDisk(t, t.TempDir(), disk, leads)
	setTerm(t, d, 1)
	for _, c := range []struct {
		leads bool
		entry *raft.Log
	}{
		{false, entry(1, 1, 10)},
		{true, &raft.Log{Index: 2, Term: 1, Type: raft.LogConfiguration, Data: raft.EncodeConfiguration(testMembers)}},
		{true, &raft.Log{Index: 3, Term: 1, Type: raft.LogNoop}},
	} {
		leads.Store(c.leads)
		disk.Hold()
		store := ends(func() error { return d.Log().StoreLog(c.entry) })
		waits(t, c.entry.Type.String(), store)
		disk.Release(nil)
		if err := <-store; err != nil {
			t.Fatal(err)
		}
	}
}

// Once a sync has failed, nothing is durable any more.
func TestUnsyncedFails(t *testing.T) {
	disk, leads := faulty.NewDisk(), &atomic.Bool{}
	d := openDisk(t, t.TempDir(), disk, leads)
	setTerm(t, d, 1)
	leads.Store(true)
	storeEntries(t, d, 1, 3, 1, 10)
	if err := d.Durable(3); err != nil {
		t.Fatal(err)
	}
	full := errors.New("no space")
	disk.Release(full)
	storeEntries(t, d, 4, 4, 1, 10)
	if err := d.Durable(4); !errors.Is(err, full) {
		t.Errorf("Durable: %v", err)
	}
	disk.Release(nil)
	leads.Store(false)
	if err := d.Log().StoreLog(entry(5, 1, 10)); err == nil || !strings.Contains(err.Error(), full.Error()) { // as raft's cache puts it
		t.Errorf("StoreLog: %v", err)
	}
	if err := d.Log().DeleteRange(1, 2); !errors.Is(err, full) {
		t.Errorf("DeleteRange: %v", err)
	}
	if err := d.Durable(3); err != nil {
		t.Errorf("Durable of an older entry: %v", err)
	}
	if c := d.Committable(9); c != 3 {
		t.Errorf("followers may be told that %d is committed, want 3", c)
	}
}

// A leader that loses power loses nothing that was durable, and no more than that
// is damaged, also where a segment was completed.
func TestPowerLoss(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	path, leads := t.TempDir(), &atomic.Bool{}
	leads.Store(true)
	var durable uint64
	for round := range 10 {
		disk := faulty.NewDisk()
		d := openDisk(t, path, disk, leads)
		if round == 0 {
			setTerm(t, d, 1)
		}
		last, err := d.Log().LastIndex()
		if err != nil {
			t.Fatal(err)
		}
		if last < durable {
			t.Fatalf("round %d: the log reaches %d, and %d was durable", round, last, durable)
		}
		for range random.IntN(6) {
			storeEntries(t, d, last+1, last+2, 1, random.IntN(4<<20))
			last += 2
		}
		if err := d.Durable(last); err != nil {
			t.Fatal(err)
		}
		durable = last
		disk.Hold()
		storeEntries(t, d, last+1, last+3, 1, random.IntN(largeEntry/2)) // some complete a segment
		disk.Waiting(1)
		time.Sleep(20 * time.Millisecond) // for what follows on that
		if err := disk.LosePower(random); err != nil {
			t.Fatal(err)
		}
		_ = d.Close()
	}
}

// A segment that is complete, but was not listed so before a crash, takes nothing
// more; the next one does.
func TestCompletedSegment(t *testing.T) {
	path, leads, disk := t.TempDir(), &atomic.Bool{}, faulty.NewDisk()
	leads.Store(true)
	d := openDisk(t, path, disk, leads)
	setTerm(t, d, 1)
	disk.Hold()
	storeEntries(t, d, 1, 3, 1, 25<<20)
	disk.Waiting(1)
	if err := disk.LosePower(nil); err != nil {
		t.Fatal(err)
	}
	_ = d.Close()
	for first := uint64(4); first < 8; first += 2 {
		d = openDisk(t, path, faulty.NewDisk(), leads)
		if last, err := d.Log().LastIndex(); last != first-1 || err != nil {
			t.Fatalf("the log reaches %d, %v; want %d", last, err, first-1)
		}
		storeEntries(t, d, first, first+1, 1, 10)
		mustClose(t, d)
	}
}
