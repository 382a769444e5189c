package store

import (
	"testing"

	"github.com/hashicorp/raft"
)

// TestLastRead reads the newest entry of a log that was cut, as an idle leader does,
// and then has it replaced.
func TestLastRead(t *testing.T) {
	onWAL(t)
	d := mustOpen(t, t.TempDir(), "n1")
	defer mustClose(t, d)
	const size = 100 << 10
	entries := storeEntries(t, d, 1, 10, 1, size)
	log := d.Log()
	read := func(want *raft.Log) {
		t.Helper()
		var e raft.Log
		if err := log.GetLog(want.Index, &e); err != nil || !sameEntry(&e, want) {
			t.Fatalf("entry %d: got one of term %d, %v", want.Index, e.Term, err)
		}
	}
	if err := log.DeleteRange(1, 8); err != nil { // raft's cache forgets all
		t.Fatal(err)
	}
	read(entries[9])
	if used := testing.Benchmark(func(b *testing.B) {
		for range b.N {
			read(entries[9])
		}
	}).AllocedBytesPerOp(); used > size/10 {
		t.Errorf("to read the entry of %d bytes again took %d", size, used)
	}
	if err := log.DeleteRange(10, 10); err != nil {
		t.Fatal(err)
	}
	if err := log.GetLog(10, &raft.Log{}); err != raft.ErrLogNotFound {
		t.Errorf("the entry is read after it went: %v", err)
	}
	again := storeEntries(t, d, 10, 10, 2, size)
	if err := log.DeleteRange(9, 9); err != nil {
		t.Fatal(err)
	}
	read(again[0])

	// A read that began before a cut, and ends after it.
	var r lastRead
	cuts, _ := r.get(1, &raft.Log{})
	r.cut()
	r.put(cuts, *entries[0])
	if _, ok := r.get(1, &raft.Log{}); ok {
		t.Error("an entry from before a cut is remembered")
	}
}
