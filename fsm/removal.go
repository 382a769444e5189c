package fsm

import (
	"math"

	"github.com/cespare/xxhash/v2"
)

// maxGraves is how many keys that went are remembered. WATCH needs them for as
// long as it takes from it to EXEC.
const maxGraves = 1 << 14

// buryAtMost is how many keys of a database are remembered one by one that go all
// at once.
const buryAtMost = 1000

// graves remember which keys went of late, so that a WATCH on a key that is not
// there notices that it came and went meanwhile. They are equal on all nodes.
type graves struct {
	all   []grave // oldest first
	last  map[place]uint64
	floor uint64 // keys that went by this index may have been forgotten
}

type place struct {
	db  int
	key string
}

// A grave is a key that went at an index.
type grave struct {
	place
	index uint64
}

// bury remembers that a key went at an index.
func (s *State) bury(db int, key string, index uint64) {
	if len(s.graves.all) == maxGraves {
		s.replaceGraves(s.graves.newer())
	}
	p := place{db, key}
	s.undo.grave(p, s.graves.last[p])
	s.graves.add(p, index)
}

func (s *State) replaceGraves(next graves) {
	old := s.graves
	s.undo.other(func() { s.graves = old })
	s.graves = next
}

func (g *graves) add(p place, index uint64) {
	if g.last == nil {
		g.last = map[place]uint64{}
	}
	g.all = append(g.all, grave{p, index})
	g.last[p] = max(g.last[p], index)
}

// takeBack undoes the last add, of a key that went at an index before, 0 for
// never.
func (g *graves) takeBack(p place, index uint64) {
	g.all = g.all[:len(g.all)-1]
	if g.last[p] = index; index == 0 {
		delete(g.last, p)
	}
}

// newer returns the newer half.
func (g *graves) newer() graves {
	half := len(g.all) / 2
	left := graves{floor: g.floor, all: make([]grave, 0, maxGraves), last: make(map[place]uint64, maxGraves)}
	for _, old := range g.all[:half] {
		left.floor = max(left.floor, old.index)
	}
	for _, one := range g.all[half:] {
		left.add(one.place, one.index)
	}
	return left
}

// since reports whether the key went after index, or may have.
func (g *graves) since(db int, key string, index uint64) bool {
	return g.floor > index || g.last[place{db, key}] > index
}

// remove deletes key, which holds o.
func (s *State) remove(db int, key string, o *object) {
	s.bury(db, key, s.index)
	s.dbs[db].drop(s, key, o)
}

// expire deletes key, which is there and whose time has passed. It went for those
// who watch it when its time had passed, so what counts is its last change.
func (s *State) expire(db int, key string) {
	o := s.dbs[db].get([]byte(key))
	s.bury(db, key, o.rev)
	s.dbs[db].drop(s, key, o)
}

func (k *keyspace) drop(s *State, key string, o *object) {
	if o.due != nil {
		k.due.drop(o.due)
	}
	s.undo.object(k, o.key, o)
	name := []byte(key)
	hash := xxhash.Sum64(name)
	k.writable(s, hash).remove(hash, name)
	k.bytes -= keyOverhead + len(key) + o.bytes()
	k.size--
}

// clear deletes all keys of a database.
func (s *State) clear(db int) {
	s.settle()
	s.signal(Signal{DB: db, All: true})
	s.buryAll(db)
	old := s.dbs[db]
	s.undo.other(func() { s.dbs[db] = old })
	s.dbs[db] = keyspace{rev: old.rev}
}

// buryAll notes that all keys of a database go.
func (s *State) buryAll(db int) {
	if s.dbs[db].size > buryAtMost {
		s.replaceGraves(graves{floor: s.index})
		return
	}
	for o := range s.dbs[db].all() {
		s.bury(db, o.key, s.index)
	}
}

func (e *encoder) graves(g *graves) {
	if len(g.all) == 0 && g.floor == 0 {
		return
	}
	e.byte(gravesMark)
	e.uvarint(g.floor)
	e.uvarint(uint64(len(g.all)))
	for _, one := range g.all {
		e.byte(byte(one.db))
		e.string(one.key)
		e.uvarint(one.index)
	}
}

func (d *stateReader) graves(s *State) {
	again := s.graves.floor > 0 || s.graves.all != nil
	if s.graves.floor = d.uvarint(); again || s.graves.floor > min(s.index, math.MaxInt64) {
		d.fail("second list of keys that went, or one of another time")
	}
	n := d.uvarint()
	if n > maxGraves || n == 0 && s.graves.floor == 0 {
		d.fail("list of %d keys that went", n)
	}
	for ; n > 0 && d.err == nil; n-- {
		db, key, index := int(d.byte()), d.string(), d.uvarint()
		if db >= Databases || index == 0 || index > s.index {
			d.fail("key that went at another time")
			return
		}
		s.graves.add(place{db, key}, index)
	}
}
