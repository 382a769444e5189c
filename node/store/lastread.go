package store

import (
	"sync"

	"github.com/hashicorp/raft"
)

// A lastRead remembers the entry that was read last. An idle leader reads its
// newest a hundred times a second for each follower, and once the log was cut
// behind a snapshot raft's cache does not hold it.
type lastRead struct {
	mu    sync.Mutex
	entry *raft.Log
	cuts  int // of the log
}

// get copies the entry at an index to e, if it is the one.
func (r *lastRead) get(index uint64, e *raft.Log) (cuts int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.entry == nil || r.entry.Index != index {
		return r.cuts, false
	}
	*e = *r.entry
	return r.cuts, true
}

// put remembers an entry that was read after so many cuts, and may be gone if
// there was another since.
func (r *lastRead) put(cuts int, e raft.Log) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if cuts == r.cuts {
		r.entry = &e
	}
}

// cut forgets the entry, as a cut of the log begins and ends.
func (r *lastRead) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entry = nil
	r.cuts++
}
