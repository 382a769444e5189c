package fsm

import (
	"slices"
	"strings"
)

// A shard holds objects by key: a table with open addressing and linear probing.
// Go's map would need twice the memory and twice the cache lines. Its order
// follows from what was done to it, so it must not show: see sorted.
type shard struct {
	slots []slot // as many as a power of two, a quarter of them empty; nil for none
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
	usedSlot = 1 << 63
)

// find returns the slot of a key, or of the empty one in which a search for it
// ends. There must be slots. Key is not copied.
func (sh *shard) find(hash uint64, key []byte) int {
	mask := len(sh.slots) - 1
	tag := hash | usedSlot
	for i := int(tag) & mask; ; i = (i + 1) & mask {
		if s := &sh.slots[i]; s.tag == 0 || s.tag == tag && s.o.key == string(key) {
			return i
		}
	}
}

// get returns the object of a key, or nil.
func (sh *shard) get(hash uint64, key []byte) *object {
	if sh.slots == nil {
		return nil
	}
	return sh.slots[sh.find(hash, key)].o
}

// set puts an object under its key.
func (sh *shard) set(hash uint64, key []byte, o *object) {
	if 4*(sh.size+1) > 3*len(sh.slots) {
		sh.resize(max(minSlots, 2*len(sh.slots)))
	}
	s := &sh.slots[sh.find(hash, key)]
	if s.tag == 0 {
		sh.size++
	}
	*s = slot{hash | usedSlot, o}
}

// remove takes out a key, which must be there, and moves up those that were put
// past it.
func (sh *shard) remove(hash uint64, key []byte) {
	mask := len(sh.slots) - 1
	hole := sh.find(hash, key)
	for i := (hole + 1) & mask; sh.slots[i].tag != 0; i = (i + 1) & mask {
		if home := int(sh.slots[i].tag) & mask; (i-home)&mask >= (i-hole)&mask {
			sh.slots[hole] = sh.slots[i]
			hole = i
		}
	}
	sh.slots[hole] = slot{}
	sh.size--
	if len(sh.slots) > minSlots && 8*sh.size < len(sh.slots) {
		sh.resize(len(sh.slots) / 2)
	}
}

// resize moves all to as many slots as given.
func (sh *shard) resize(n int) {
	old := sh.slots
	sh.slots = make([]slot, n)
	for _, s := range old {
		if s.tag == 0 {
			continue
		}
		i := int(s.tag) & (n - 1)
		for sh.slots[i].tag != 0 {
			i = (i + 1) & (n - 1)
		}
		sh.slots[i] = s
	}
}

// all calls f with each object, in no order that may show.
func (sh *shard) all(f func(*object)) {
	for _, s := range sh.slots {
		if s.o != nil {
			f(s.o)
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
