package fsm

import (
	"maps"
	"slices"
	"strings"
)

// A shard holds objects by key. One that has many keys keeps them in parts, by the
// bits of their hash that follow the shard's, so that little is copied at a write
// after a freeze.
type shard struct {
	bucket
	parts *[parts]bucket // of a shard that is split, whose own bucket has no slots
}

const (
	partBits = 4
	parts    = 1 << partBits
	// splitSize is how many keys a shard has before it is split.
	splitSize = 256
)

// A bucket is a table with open addressing and linear probing. Go's map would need
// twice the memory and twice the cache lines. Its order follows from what was done
// to it, so it must not show: see shard.sorted.
type bucket struct {
	slots []slot // as many as a power of two, a quarter of them empty; nil for none
	// far are the slots of those that found no slot near the one that their hash names, nil
	// for none. Chance does not bring so many keys together, but their hash is known, and
	// keys that share one are soon computed.
	far   map[string]slot
	size  int
	epoch uint32
}

// A slot is empty where tag is 0.
type slot struct {
	tag uint64
	o   *object
}

const (
	minSlots = 8
	maxProbe = 256 // slots that a search looks at
	usedSlot = 1 << 63
)

// of returns the bucket of a key by its hash.
func (sh *shard) of(hash uint64) *bucket {
	if sh.parts == nil {
		return &sh.bucket
	}
	return &sh.parts[hash>>(64-shardBits-partBits)%parts]
}

// own makes what a write to a key changes the epoch's, so that it is shared with no
// frozen view.
func (sh *shard) own(hash uint64, epoch uint32) {
	if sh.parts == nil {
		sh.bucket.own(epoch)
		return
	}
	if sh.epoch != epoch {
		parts := *sh.parts
		sh.parts, sh.epoch = &parts, epoch
	}
	sh.of(hash).own(epoch)
}

// get returns the object of a key, or nil.
func (sh *shard) get(hash uint64, key []byte) *object { return sh.of(hash).get(hash, key) }

// set puts an object under its key.
func (sh *shard) set(hash uint64, key []byte, o *object) {
	if sh.parts == nil && sh.size >= splitSize {
		sh.split()
	}
	if t := sh.of(hash); t.set(hash, key, o) && sh.parts != nil {
		sh.size++
	}
}

// remove takes out a key, which must be there.
func (sh *shard) remove(hash uint64, key []byte) {
	sh.of(hash).remove(hash, key)
	if sh.parts == nil {
		return
	}
	if sh.size--; sh.size < splitSize/4 {
		sh.join()
	}
}

// split spreads the objects over parts.
func (sh *shard) split() {
	whole := sh.bucket
	sh.slots, sh.far, sh.parts = nil, nil, new([parts]bucket)
	for i := range sh.parts {
		sh.parts[i].epoch = sh.epoch
	}
	whole.each(func(s slot) { sh.of(s.tag).set(s.tag, []byte(s.o.key), s.o) })
}

// join undoes a split.
func (sh *shard) join() {
	whole := bucket{epoch: sh.epoch}
	for i := range sh.parts {
		sh.parts[i].each(func(s slot) { whole.set(s.tag, []byte(s.o.key), s.o) })
	}
	sh.bucket, sh.parts = whole, nil
}

// all calls f with each object, in no order that may show.
func (sh *shard) all(f func(*object)) {
	sh.bucket.all(f)
	if sh.parts != nil {
		for i := range sh.parts {
			sh.parts[i].all(f)
		}
	}
}

// sorted returns the objects in the byte order of their keys.
func (sh *shard) sorted() []*object {
	list := make([]*object, 0, sh.size)
	sh.all(func(o *object) { list = append(list, o) })
	slices.SortFunc(list, func(a, b *object) int { return strings.Compare(a.key, b.key) })
	return list
}

// own copies the bucket where it is of another epoch.
func (t *bucket) own(epoch uint32) {
	if t.epoch != epoch {
		t.slots, t.far, t.epoch = slices.Clone(t.slots), maps.Clone(t.far), epoch
	}
}

// find returns the slot of a key, or of the empty one in which a search for it
// ends, or -1 where there is neither. There must be slots. Key is not copied.
func (t *bucket) find(hash uint64, key []byte) int {
	mask := len(t.slots) - 1
	tag := hash | usedSlot
	for n, i := 0, int(tag)&mask; n < maxProbe; n, i = n+1, (i+1)&mask {
		if s := &t.slots[i]; s.tag == 0 || s.tag == tag && s.o.key == string(key) {
			return i
		}
	}
	return -1
}

// get returns the object of a key, or nil.
func (t *bucket) get(hash uint64, key []byte) *object {
	if t.slots == nil {
		return nil
	}
	if i := t.find(hash, key); i >= 0 && t.slots[i].o != nil {
		return t.slots[i].o
	}
	if t.far == nil {
		return nil
	}
	return t.far[string(key)].o
}

// set puts an object under its key, and reports whether there was none.
func (t *bucket) set(hash uint64, key []byte, o *object) (added bool) {
	if s, ok := t.far[string(key)]; ok {
		t.far[string(key)] = slot{s.tag, o}
		return false
	}
	if 4*(t.size+1) > 3*len(t.slots) {
		t.resize(max(minSlots, 2*len(t.slots)))
	}
	i := t.find(hash, key)
	if i < 0 {
		t.put(slot{hash | usedSlot, o})
		t.size++
		return true
	}
	s := &t.slots[i]
	if added = s.tag == 0; added {
		t.size++
	}
	*s = slot{hash | usedSlot, o}
	return added
}

// put puts an object, whose key is not there, into a slot, or far from it.
func (t *bucket) put(s slot) {
	mask := len(t.slots) - 1
	for n, i := 0, int(s.tag)&mask; n < maxProbe; n, i = n+1, (i+1)&mask {
		if t.slots[i].tag == 0 {
			t.slots[i] = s
			return
		}
	}
	if t.far == nil {
		t.far = map[string]slot{}
	}
	t.far[s.o.key] = s
}

// remove takes out a key, which must be there, and moves up those that were put
// past it.
func (t *bucket) remove(hash uint64, key []byte) {
	mask := len(t.slots) - 1
	hole := t.find(hash, key)
	t.size--
	if hole < 0 || t.slots[hole].tag == 0 {
		if delete(t.far, string(key)); len(t.far) == 0 {
			t.far = nil
		}
		return
	}
	// None is farther from its home than a search goes.
	for i := (hole + 1) & mask; t.slots[i].tag != 0 && (i-hole)&mask < maxProbe; i = (i + 1) & mask {
		if home := int(t.slots[i].tag) & mask; (i-home)&mask >= (i-hole)&mask {
			t.slots[hole] = t.slots[i]
			hole = i
		}
	}
	t.slots[hole] = slot{}
	if len(t.slots) > minSlots && 8*t.size < len(t.slots) {
		t.resize(len(t.slots) / 2)
	}
}

// resize moves all to as many slots as given.
func (t *bucket) resize(n int) {
	old := t.slots
	t.slots = make([]slot, n)
	for _, s := range old {
		if s.tag != 0 {
			t.put(s)
		}
	}
}

// all calls f with each object, in no order that may show.
func (t *bucket) all(f func(*object)) { t.each(func(s slot) { f(s.o) }) }

// each is all, with the hashes.
func (t *bucket) each(f func(slot)) {
	for _, s := range t.slots {
		if s.o != nil {
			f(s)
		}
	}
	for _, s := range t.far {
		f(s)
	}
}
