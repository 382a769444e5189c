package fsm

import (
	"maps"
	"slices"

	"github.com/trivetdb/trivet/fsm/acl"
)

// A Frozen is the state at one index. It stays as it is while Apply goes on.
type Frozen struct {
	index     uint64
	now       int64
	dbs       [Databases]keyspace
	origins   map[uint64]origin
	scripts   scripts
	functions functions
	settings  *Settings
	users     *acl.Users
	loading   *loading
	graves    graves
	level     uint64
	skipped   []uint64
}

// Freeze returns a view of the state as it is now. It copies the shards'
// addresses only; Apply copies a shard at its first write after this.
func (s *State) Freeze() *Frozen {
	s.stretch.end(s)
	f := &Frozen{
		index: s.index, now: s.now, origins: maps.Clone(s.origins), scripts: s.scripts.clone(),
		functions: s.functions, settings: s.settings, users: s.users, loading: s.loading.clone(),
		level: s.level, skipped: s.skipped,
		graves: graves{floor: s.graves.floor, all: slices.Clone(s.graves.all)},
	}
	for db := range s.dbs {
		k := &s.dbs[db]
		f.dbs[db].size, f.dbs[db].rev = k.size, k.rev
		if k.shards != nil {
			f.dbs[db].shards = slices.Clone(k.shards)
		}
	}
	s.epoch++
	s.viewed = s.epoch
	s.freezes++
	return f
}

// Keys returns the number of keys of all databases, due ones included.
func (f *Frozen) Keys() (n int) {
	for db := range f.dbs {
		n += f.dbs[db].size
	}
	return n
}

// Index returns the index of the log entry applied last.
func (f *Frozen) Index() uint64 { return f.index }
