package fsm

import (
	"fmt"
	"slices"
	"sort"
)

// An ordered keeps values in the order of their keys: a B+ tree. Nodes of
// another epoch than that of a change are copied before it, so a copy of an
// ordered is a clone once the epoch has moved on. The zero ordered is empty.
type ordered[K sortable[K], V any] struct {
	root *orderedNode[K, V]
	n    int
}

// A sortable is a key that knows its order. Its zero value comes first.
type sortable[K any] interface {
	comparable
	less(K) bool
}

// A label is a name as a key.
type label string

func (l label) less(other label) bool { return l < other }

const (
	maxOrderedKeys = 64 // of a leaf
	maxOrderedKids = 32 // of an inner node
)

// An orderedNode is a leaf, which has a value for each key, or an inner node,
// which has a kid for each. No key below a kid is less than the kid's, nor any
// below the kids ahead of it as great.
type orderedNode[K sortable[K], V any] struct {
	epoch uint64
	keys  []K
	vals  []V
	kids  []*orderedNode[K, V]
}

// own returns n, or a copy of it that may be changed in this epoch.
func (n *orderedNode[K, V]) own(epoch uint64) *orderedNode[K, V] {
	if n.epoch == epoch {
		return n
	}
	return &orderedNode[K, V]{epoch, slices.Clone(n.keys), slices.Clone(n.vals), slices.Clone(n.kids)}
}

// place returns how many keys of a leaf are ahead of k.
func (n *orderedNode[K, V]) place(k K) int {
	return sort.Search(len(n.keys), func(i int) bool { return !n.keys[i].less(k) })
}

// branch returns the kid below which k is, or belongs.
func (n *orderedNode[K, V]) branch(k K) int {
	return max(0, sort.Search(len(n.keys), func(i int) bool { return k.less(n.keys[i]) })-1)
}

// get returns the value of a key, or nil. It must not be changed.
func (t *ordered[K, V]) get(k K) *V {
	n := t.root
	if n == nil {
		return nil
	}
	for n.kids != nil {
		n = n.kids[n.branch(k)]
	}
	if i := n.place(k); i < len(n.keys) && n.keys[i] == k {
		return &n.vals[i]
	}
	return nil
}

// edit returns the value of a key to be changed in place, or nil. It is good
// until a key is put or removed.
func (t *ordered[K, V]) edit(k K, epoch uint64) *V {
	if t.get(k) == nil {
		return nil
	}
	t.root = t.root.own(epoch)
	n := t.root
	for n.kids != nil {
		i := n.branch(k)
		n.kids[i] = n.kids[i].own(epoch)
		n = n.kids[i]
	}
	return &n.vals[n.place(k)]
}

// put sets the value of a key and reports whether the key is new.
func (t *ordered[K, V]) put(k K, v V, epoch uint64) bool {
	if t.root == nil {
		t.root = &orderedNode[K, V]{epoch: epoch}
	}
	left, right, added := t.root.put(k, v, epoch, true)
	if t.root = left; right != nil {
		t.root = &orderedNode[K, V]{
			epoch: epoch, keys: []K{left.keys[0], right.keys[0]}, kids: []*orderedNode[K, V]{left, right},
		}
	}
	if added {
		t.n++
	}
	return added
}

// put returns the node to put in the place of n, and one to follow it where n
// was full. Edge tells that nothing follows n in the tree: what grows at its end,
// as IDs do, leaves full nodes behind.
func (n *orderedNode[K, V]) put(k K, v V, epoch uint64, edge bool) (left, right *orderedNode[K, V], added bool) {
	n = n.own(epoch)
	if n.kids == nil {
		i := n.place(k)
		if i < len(n.keys) && n.keys[i] == k {
			n.vals[i] = v
			return n, nil, false
		}
		edge = edge && i == len(n.keys)
		n.keys, n.vals = slices.Insert(n.keys, i, k), slices.Insert(n.vals, i, v)
		if len(n.keys) > maxOrderedKeys {
			right = n.split(edge)
		}
		return n, right, true
	}
	i := n.branch(k)
	edge = edge && i == len(n.kids)-1
	if k.less(n.keys[i]) {
		n.keys[i] = k
	}
	kid, more, added := n.kids[i].put(k, v, epoch, edge)
	if n.kids[i] = kid; more != nil {
		n.keys, n.kids = slices.Insert(n.keys, i+1, more.keys[0]), slices.Insert(n.kids, i+1, more)
		if len(n.kids) > maxOrderedKids {
			right = n.split(edge)
		}
	}
	return n, right, added
}

// split takes the upper half of n away, or what came last.
func (n *orderedNode[K, V]) split(edge bool) *orderedNode[K, V] {
	at := len(n.keys) / 2
	if edge {
		at = len(n.keys) - 1
	}
	right := &orderedNode[K, V]{epoch: n.epoch, keys: slices.Clone(n.keys[at:])}
	n.keys = slices.Delete(n.keys, at, len(n.keys))
	if n.kids != nil {
		right.kids = slices.Clone(n.kids[at:])
		n.kids = slices.Delete(n.kids, at, len(n.kids))
	} else {
		right.vals = slices.Clone(n.vals[at:])
		n.vals = slices.Delete(n.vals, at, len(n.vals))
	}
	return right
}

// remove deletes a key and reports whether it was there.
func (t *ordered[K, V]) remove(k K, epoch uint64) bool {
	if t.get(k) == nil {
		return false
	}
	t.n--
	t.root = t.root.remove(k, epoch)
	for len(t.root.kids) == 1 {
		t.root = t.root.kids[0]
	}
	if len(t.root.keys) == 0 {
		t.root = nil
	}
	return true
}

func (n *orderedNode[K, V]) remove(k K, epoch uint64) *orderedNode[K, V] {
	n = n.own(epoch)
	if n.kids == nil {
		i := n.place(k)
		n.keys, n.vals = slices.Delete(n.keys, i, i+1), slices.Delete(n.vals, i, i+1)
		return n
	}
	i := n.branch(k)
	n.kids[i] = n.kids[i].remove(k, epoch)
	if len(n.kids[i].keys) == 0 {
		n.keys, n.kids = slices.Delete(n.keys, i, i+1), slices.Delete(n.kids, i, i+1)
	}
	if !n.merge(i-1, epoch) {
		n.merge(i, epoch)
	}
	return n
}

// merge makes one of kids i and i+1, where they are small.
func (n *orderedNode[K, V]) merge(i int, epoch uint64) bool {
	if i < 0 || i+1 >= len(n.kids) {
		return false
	}
	most := maxOrderedKeys
	if n.kids[i].kids != nil {
		most = maxOrderedKids
	}
	if len(n.kids[i].keys)+len(n.kids[i+1].keys) > most/2 {
		return false
	}
	left, right := n.kids[i].own(epoch), n.kids[i+1]
	left.keys = append(left.keys, right.keys...)
	left.vals = append(left.vals, right.vals...)
	left.kids = append(left.kids, right.kids...)
	n.kids[i] = left
	n.keys, n.kids = slices.Delete(n.keys, i+1, i+2), slices.Delete(n.kids, i+1, i+2)
	return true
}

// each calls f in order with the keys that are not less than from, until it
// returns false. The values must not be changed.
func (t *ordered[K, V]) each(from K, f func(k K, v *V) bool) {
	if t.root != nil {
		t.root.each(from, f)
	}
}

func (n *orderedNode[K, V]) each(from K, f func(k K, v *V) bool) bool {
	if n.kids == nil {
		for i := n.place(from); i < len(n.keys); i++ {
			if !f(n.keys[i], &n.vals[i]) {
				return false
			}
		}
		return true
	}
	for _, kid := range n.kids[n.branch(from):] {
		if !kid.each(from, f) {
			return false
		}
	}
	return true
}

// seek returns the first key that is not less than from, if there is one.
func (t *ordered[K, V]) seek(from K) (k K, v *V, ok bool) {
	t.each(from, func(key K, val *V) bool {
		k, v, ok = key, val, true
		return false
	})
	return k, v, ok
}

// greatest returns the last key; there must be one.
func (t *ordered[K, V]) greatest() K {
	n := t.root
	for n.kids != nil {
		n = n.kids[len(n.kids)-1]
	}
	return n.keys[len(n.keys)-1]
}

// check reports an invariant that does not hold.
func (t *ordered[K, V]) check(epoch uint64) error {
	n := 0
	var before K
	wrong := false
	var zero K
	t.each(zero, func(k K, _ *V) bool {
		wrong = wrong || n > 0 && !before.less(k)
		before = k
		n++
		return true
	})
	switch {
	case wrong:
		return fmt.Errorf("a tree is out of order")
	case n != t.n:
		return fmt.Errorf("a tree counts %d keys, and has %d", t.n, n)
	case t.root == nil:
		return nil
	case t.root.epoch > epoch:
		return fmt.Errorf("a tree is newer than its owner")
	}
	return t.root.check()
}

func (n *orderedNode[K, V]) check() error {
	if len(n.keys) == 0 || n.kids == nil && len(n.vals) != len(n.keys) || n.kids != nil && len(n.kids) != len(n.keys) {
		return fmt.Errorf("a node has %d keys, %d values and %d kids", len(n.keys), len(n.vals), len(n.kids))
	}
	if n.kids == nil && len(n.keys) > maxOrderedKeys || len(n.kids) > maxOrderedKids {
		return fmt.Errorf("a node has %d keys", len(n.keys))
	}
	for i, kid := range n.kids {
		if kid.epoch > n.epoch || kid.keys[0].less(n.keys[i]) {
			return fmt.Errorf("a node is newer than the one above, or under the wrong one")
		}
		if err := kid.check(); err != nil {
			return err
		}
	}
	return nil
}
