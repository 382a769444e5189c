package fsm

import (
	"slices"

	"github.com/cespare/xxhash/v2"
)

// Keys are spread over shards by the top bits of their hash. A freeze shares
// all shards with the frozen view; the first write to a shard after that
// copies it. The hash is the same on every node and every version: SCAN's
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

func shardOf(hash uint64) int { return int(hash >> (hashBits - shardBits)) }

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
// are never changed: see keyspace.edit.
type object struct {
	str       string // kindString, kindInteger
	val       any    // other kinds: resp.Value for kindClassic, else a container
	rev       uint64 // the index of the entry that changed it last
	expireAt  int64  // milliseconds since 1970, 0 for never
	due       *deadline
	epoch     uint32
	kind      kind
	unsettled bool // the keyspace's bytes do not count all of it
}

// clone returns an object that may be changed while o stays as it is.
func (o *object) clone(epoch uint32) *object {
	clone := *o
	clone.epoch, clone.unsettled = epoch, false
	if c, ok := o.val.(container); ok {
		clone.val = c.clone(epoch)
	}
	return &clone
}

type shard struct {
	objects map[string]*object
	epoch   uint32
}

// A keyspace is one database.
type keyspace struct {
	shards []*shard // nil while there was no key yet
	size   int
	bytes  int // what keys and objects take, see memory.go
	due    deadlines
	rev    uint64 // the index of the entry that swapped it with another one last
}

func (k *keyspace) len() int { return k.size }

func (k *keyspace) get(key string) *object {
	if k.shards == nil {
		return nil
	}
	if sh := k.shards[shardOf(hashOf(key))]; sh != nil {
		return sh.objects[key]
	}
	return nil
}

// writable returns the shard of key, no longer shared with a frozen view.
func (k *keyspace) writable(s *State, key string) *shard {
	if k.shards == nil {
		k.shards = make([]*shard, shards)
	}
	at := shardOf(hashOf(key))
	sh := k.shards[at]
	switch {
	case sh == nil:
		sh = &shard{objects: map[string]*object{}, epoch: s.epoch}
		k.shards[at] = sh
	case sh.epoch != s.epoch:
		objects := make(map[string]*object, len(sh.objects)+1)
		for key, o := range sh.objects {
			objects[key] = o
		}
		sh = &shard{objects: objects, epoch: s.epoch}
		k.shards[at] = sh
	}
	return sh
}

// put makes key hold o, which must be new; o.expireAt is entered among the
// deadlines. It reports whether there was no such key.
func (k *keyspace) put(s *State, key string, o *object) bool {
	sh := k.writable(s, key)
	old := sh.objects[key]
	if old == nil {
		k.size++
		k.bytes += keyOverhead + len(key)
	} else {
		k.bytes -= old.bytes()
		if old.due != nil {
			k.due.drop(old.due)
		}
	}
	o.epoch, o.rev, o.due = s.epoch, s.index, nil
	if o.kind <= kindClassic {
		k.bytes += o.bytes()
	} else {
		s.unsettle(k, o, 0) // it may be filled now
	}
	if o.expireAt != 0 {
		o.due = k.due.add(o.expireAt, key)
	}
	sh.objects[key] = o
	return old == nil
}

// edit returns the object of key, ready to be changed in place, or nil.
func (k *keyspace) edit(s *State, key string) *object {
	if k.get(key) == nil {
		return nil
	}
	sh := k.writable(s, key)
	o := sh.objects[key]
	if o.epoch != s.epoch {
		o = o.clone(s.epoch)
		sh.objects[key] = o
	}
	o.rev = s.index
	if !o.unsettled {
		s.unsettle(k, o, o.bytes())
	}
	return o
}

// sorted returns the keys of the shard in byte order.
func (sh *shard) sorted() []string {
	keys := make([]string, 0, len(sh.objects))
	for key := range sh.objects {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
