package fsm

import (
	"iter"

	"github.com/cespare/xxhash/v2"
)

// Keys are spread over shards by the top bits of their hash. A freeze shares
// all shards with the frozen view; the first write to a shard, or to a part of a
// large one, copies that. The hash is the same on every node and every version: SCAN's
// cursors and the encoding depend on it.
const (
	shardBits = 12
	shards    = 1 << shardBits
	// hashBits is what a cursor can tell apart; it keeps cursors below 2^53,
	// past which JavaScript's numbers are not exact.
	hashBits = 48
)

// hashOf returns the place of a key in the order of SCAN.
func hashOf(key string) uint64 { return xxhash.Sum64String(key) >> (64 - hashBits) }

// shardOf returns the shard of a key by its place.
func shardOf(place uint64) int { return int(place >> (hashBits - shardBits)) }

type kind uint8

const (
	kindString  kind = iota
	kindInteger      // a string that a classic client stored as an integer
	kindClassic      // a value of the classic dialect: null, array, dictionary
	kindList         // from here on containers, see containerKinds
	kindHash
	kindSet
	kindZSet
	kindStream
	kindGroupedStream // a stream with consumer groups, in the encoding only
)

// An object is what a key holds. Objects that are shared with a frozen view
// are never changed: see keyspace.own.
type object struct {
	key       string // where it lies
	str       string // kindString, kindInteger
	val       any    // other kinds: resp.Value for kindClassic, else a container
	rev       uint64 // the index of the entry that changed it last
	expireAt  int64  // milliseconds since 1970, 0 for never
	due       *deadline
	epoch     stamp // in which it was made or cloned
	kind      kind
	unsettled bool // the keyspace's bytes do not count all of it
}

// A stamp is an epoch in 48 bits, which fit beside an object's kind: there is an
// object for each key. At 100,000 epochs a second they last for 90 years.
type stamp [3]uint16

func stampOf(epoch uint64) stamp {
	return stamp{uint16(epoch), uint16(epoch >> 16), uint16(epoch >> 32)}
}

// clone returns an object that may be changed while o stays as it is.
func (o *object) clone(epoch uint64) *object {
	clone := *o
	clone.epoch, clone.unsettled = stampOf(epoch), false
	if c, ok := o.val.(container); ok {
		clone.val = c.clone(epoch)
	}
	return &clone
}

// A keyspace is one database.
type keyspace struct {
	shards []shard // nil while there was no key yet
	size   int
	bytes  int // what keys and objects take, see memory.go
	due    deadlines
	rev    uint64 // the index of the entry that swapped it with another one last
}

func (k *keyspace) len() int { return k.size }

// all goes over the objects in the defined order: by shard, in it by key. The keys
// may be removed meanwhile.
func (k *keyspace) all() iter.Seq[*object] {
	return func(yield func(*object) bool) {
		for at := range k.shards {
			for _, o := range k.shards[at].sorted() {
				if !yield(o) {
					return
				}
			}
		}
	}
}

// get returns the object of key, or nil.
func (k *keyspace) get(key []byte) *object {
	if k.shards == nil {
		return nil
	}
	hash := xxhash.Sum64(key)
	return k.shards[hash>>(64-shardBits)].get(hash, key)
}

// writable returns the shard of the hash of a key, no longer shared with a frozen
// view.
func (k *keyspace) writable(s *State, hash uint64) *shard {
	if k.shards == nil {
		k.shards = make([]shard, shards)
	}
	sh := &k.shards[hash>>(64-shardBits)]
	sh.own(hash, s.freezes)
	return sh
}

// put makes key hold a copy of o, and returns that and whether there was no such
// key. The copy's deadline is entered among the others. What the key held must
// not be used afterwards: a plain object is overwritten where that can be.
func (k *keyspace) put(s *State, key []byte, o *object) (kept *object, added bool) {
	s.undo.writes++
	hash := xxhash.Sum64(key)
	sh := k.writable(s, hash)
	kept = sh.get(hash, key)
	added = kept == nil
	if added {
		k.size++
		k.bytes += keyOverhead + len(key)
	} else {
		k.bytes -= kept.bytes()
		if kept.due != nil {
			k.due.drop(kept.due)
		}
	}
	var name string
	if added {
		name = string(key)
	} else {
		name = kept.key
	}
	epoch := stampOf(s.epoch)
	switch {
	case added || kept.unsettled || kept.kind > kindClassic || o.kind > kindClassic || kept.epoch.number() < s.viewed:
		s.undo.object(k, name, kept)
		kept = &object{key: name}
		sh.set(hash, key, kept)
	case kept.epoch != epoch:
		s.undo.contents(k, kept)
	}
	*kept = *o
	kept.key = name
	kept.epoch, kept.rev, kept.due, kept.unsettled = epoch, s.index, nil, false
	if kept.kind <= kindClassic {
		k.bytes += kept.bytes()
	} else {
		s.unsettle(k, kept, 0) // it may be filled now
	}
	if kept.expireAt != 0 {
		kept.due = k.due.add(kept.expireAt, name)
	}
	return kept, added
}

// refill gives an object that a key holds the contents that it had before.
func (k *keyspace) refill(o *object, was object) {
	if o.due != nil {
		k.due.drop(o.due)
	}
	*o = was
	if o.due = nil; o.expireAt != 0 {
		o.due = k.due.add(o.expireAt, o.key)
	}
}

// restore makes key hold an object that it held before, or nothing. What the
// database counts is left alone.
func (k *keyspace) restore(s *State, key string, old *object) {
	name := []byte(key)
	hash := xxhash.Sum64(name)
	sh := k.writable(s, hash)
	now := sh.get(hash, name)
	if now != nil && now.due != nil {
		k.due.drop(now.due)
	}
	switch {
	case old != nil:
		sh.set(hash, name, old)
		old.due = nil // a frozen view does not look at it
		if old.expireAt != 0 {
			old.due = k.due.add(old.expireAt, old.key)
		}
	case now != nil:
		sh.remove(hash, name)
	}
}

// own returns o, which key holds, ready to be changed in place. An object of the
// present epoch is in a shard that no frozen view shares, and neither is it shared.
func (k *keyspace) own(s *State, key []byte, o *object) *object {
	s.undo.writes++
	if o.epoch != stampOf(s.epoch) {
		s.undo.object(k, o.key, o)
		o = o.clone(s.epoch)
		hash := xxhash.Sum64(key)
		k.writable(s, hash).set(hash, key, o)
	}
	o.rev = s.index
	if !o.unsettled {
		s.unsettle(k, o, o.bytes())
	}
	return o
}
