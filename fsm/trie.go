package fsm

import (
	"fmt"
	"slices"
)

// A trie keeps entries by hash, then key. An inner node has a child for each
// value of the next bits of the hash, a leaf a few entries in order. Nodes are
// shared with frozen views and copied on the way down to a change, so a clone
// is the root's address.
type trie[V any] struct {
	kids    *[fan]*trie[V] // of an inner node, else nil
	entries []entry[V]     // of a leaf
	crowd   *crowd[V]      // instead of entries, where many have one hash
	n       int            // entries below
	epoch   uint64
}

const (
	fanBits = 4
	fan     = 1 << fanBits
	maxLeaf = 48          // a leaf with more becomes an inner node
	minNode = maxLeaf / 2 // an inner node with fewer becomes a leaf
)

// own returns t if it is of this epoch, else a copy.
func (t *trie[V]) own(epoch uint64) *trie[V] {
	if t.epoch == epoch {
		return t
	}
	c := &trie[V]{n: t.n, epoch: epoch}
	if t.kids != nil {
		kids := *t.kids
		c.kids = &kids
	} else if t.crowd != nil {
		crowd := *t.crowd
		c.crowd = &crowd
	} else {
		c.entries = slices.Clone(t.entries)
	}
	return c
}

// kid returns which child a hash belongs to, below a node that has used all
// but shift bits of it.
func kid(hash uint64, shift int) uint64 { return hash >> (shift - fanBits) & (fan - 1) }

// find returns the place of a key in a leaf, and whether it is there.
func (t *trie[V]) find(hash uint64, key string) (int, bool) {
	low, high := 0, len(t.entries)
	for low < high {
		mid := (low + high) / 2
		if t.entries[mid].before(hash, key) {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low, low < len(t.entries) && t.entries[low].hash == hash && t.entries[low].key == key
}

func (t *trie[V]) get(hash uint64, key string) *entry[V] {
	for shift := hashBits; t != nil && t.kids != nil; shift -= fanBits {
		t = t.kids[kid(hash, shift)]
	}
	if t == nil {
		return nil
	}
	if t.crowd != nil {
		return t.crowd.byKey.get(label(key))
	}
	if i, ok := t.find(hash, key); ok {
		return &t.entries[i]
	}
	return nil
}

// put returns the node with e in it, and the weight of the entry in whose place
// it is, 0 where its key is new. Shift is how many bits of the hash the nodes
// above have not used.
func (t *trie[V]) put(epoch uint64, shift int, e entry[V]) (node *trie[V], old int) {
	t = t.own(epoch)
	if t.crowd != nil {
		if old = t.crowd.put(e, epoch); old == 0 {
			t.n++
		}
		return t, old
	}
	if t.kids == nil {
		i, found := t.find(e.hash, e.key)
		if found {
			old = t.entries[i].weight()
			t.entries[i].val = e.val
			return t, old
		}
		t.entries = slices.Insert(t.entries, i, e)
		t.n++
		if t.n > maxLeaf && shift > 0 {
			t.split(shift)
		} else if t.n > maxLeaf {
			t.crowded()
		}
		return t, 0
	}
	child := &t.kids[kid(e.hash, shift)]
	if *child == nil {
		*child = &trie[V]{epoch: epoch}
	}
	*child, old = (*child).put(epoch, shift-fanBits, e)
	if old == 0 {
		t.n++
	}
	return t, old
}

// split makes an inner node of a leaf.
func (t *trie[V]) split(shift int) {
	entries := t.entries
	t.entries, t.kids = nil, new([fan]*trie[V])
	for len(entries) > 0 {
		at, n := kid(entries[0].hash, shift), 1
		for n < len(entries) && kid(entries[n].hash, shift) == at {
			n++
		}
		child := &trie[V]{entries: slices.Clone(entries[:n]), n: n, epoch: t.epoch}
		if n > maxLeaf && shift > fanBits {
			child.split(shift - fanBits)
		}
		t.kids[at] = child
		entries = entries[n:]
	}
}

// remove returns the node without the key, which must be there.
func (t *trie[V]) remove(epoch uint64, shift int, hash uint64, key string) *trie[V] {
	t = t.own(epoch)
	t.n--
	if t.crowd != nil {
		if t.crowd.remove(key, epoch); t.n < minNode {
			t.scattered()
		}
		return t
	}
	if t.kids == nil {
		i, _ := t.find(hash, key)
		t.entries = slices.Delete(t.entries, i, i+1)
		return t
	}
	child := &t.kids[kid(hash, shift)]
	*child = (*child).remove(epoch, shift-fanBits, hash, key)
	if (*child).n == 0 {
		*child = nil
	}
	if t.n < minNode {
		entries := make([]entry[V], 0, t.n)
		t.each(0, shift, func(e *entry[V]) bool {
			entries = append(entries, *e)
			return true
		})
		t.entries, t.kids = entries, nil
	}
	return t
}

// at returns the entry at a place in the order of each.
func (t *trie[V]) at(place int) *entry[V] {
	for t.kids != nil {
		for _, child := range t.kids {
			if child == nil {
				continue
			}
			if place < child.n {
				t = child
				break
			}
			place -= child.n
		}
	}
	if t.crowd != nil {
		return t.crowd.at(place)
	}
	return &t.entries[place]
}

// each calls f in order with the entries whose hashes, as far as the nodes
// above have not used them, are from or more. It returns false once f does.
func (t *trie[V]) each(from uint64, shift int, f func(e *entry[V]) bool) bool {
	if t.crowd != nil {
		done := true
		t.crowd.byKey.each("", func(_ label, e *entry[V]) bool {
			done = f(e)
			return done
		})
		return done
	}
	if t.kids == nil {
		rest := uint64(1)<<shift - 1
		for i := range t.entries {
			if t.entries[i].hash&rest >= from && !f(&t.entries[i]) {
				return false
			}
		}
		return true
	}
	shift -= fanBits
	first := from >> shift
	for at := first; at < fan; at++ {
		low := uint64(0)
		if at == first {
			low = from & (1<<shift - 1)
		}
		if child := t.kids[at]; child != nil && !child.each(low, shift, f) {
			return false
		}
	}
	return true
}

func (t *trie[V]) check(shift int) error {
	if t.crowd != nil {
		if shift != 0 || t.kids != nil || t.entries != nil || t.n < minNode || t.crowd.order.len() != t.n || t.crowd.byKey.n != t.n {
			return fmt.Errorf("a crowd of %d entries has %d", t.n, t.crowd.byKey.n)
		}
		return t.crowd.byKey.check(t.epoch)
	}
	if t.kids == nil {
		if t.n != len(t.entries) || t.n > maxLeaf+1 || t.n > maxLeaf && shift > 0 { // a split may leave one more
			return fmt.Errorf("a leaf counts %d entries, and has %d", t.n, len(t.entries))
		}
		return nil
	}
	n := 0
	for at, child := range t.kids {
		if child == nil {
			continue
		}
		if child.n == 0 || child.epoch > t.epoch {
			return fmt.Errorf("a node is empty or newer than the one above")
		}
		wrong := false
		child.each(0, shift-fanBits, func(e *entry[V]) bool {
			wrong = wrong || child.kids == nil && kid(e.hash, shift) != uint64(at)
			return child.kids == nil
		})
		if wrong {
			return fmt.Errorf("an entry is under the wrong node")
		}
		n += child.n
		if err := child.check(shift - fanBits); err != nil {
			return err
		}
	}
	if n != t.n || n < minNode {
		return fmt.Errorf("a node counts %d entries, and has %d", t.n, n)
	}
	return nil
}
