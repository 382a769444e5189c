package fsm

import (
	"slices"
	"sort"
)

// A scored is a member of a sorted set with its score.
type scored struct {
	score  float64
	member string
}

// before is the order of a sorted set.
func (a scored) before(b scored) bool {
	if a.score != b.score {
		return a.score < b.score
	}
	return a.member < b.member
}

// byOrder sorts items of different members.
func byOrder(a, b scored) int {
	if a.before(b) {
		return -1
	}
	return 1
}

// A rankTree keeps scored members in order and knows their ranks: a B+ tree
// whose inner nodes count what is below them. Nodes of another epoch than that
// of a change are copied before it.
type rankTree struct{ root *rankNode }

const (
	maxItems = 64 // of a leaf
	maxKids  = 32 // of an inner node
)

// A rankNode is a leaf, which has items, or an inner node, which has kids.
// Neighbours below one parent together are more than half a node.
type rankNode struct {
	epoch uint64
	items []scored
	kids  []rankKid
}

type rankKid struct {
	node *rankNode
	low  scored // the first item below
	n    int    // how many items are below
}

func kidOf(n *rankNode) rankKid {
	if n.kids == nil {
		return rankKid{n, n.items[0], len(n.items)}
	}
	k := rankKid{node: n, low: n.kids[0].low}
	for i := range n.kids {
		k.n += n.kids[i].n
	}
	return k
}

func (n *rankNode) low() scored {
	if n.kids == nil {
		return n.items[0]
	}
	return n.kids[0].low
}

// width is what a node is measured by.
func (n *rankNode) width() (have, most int) {
	if n.kids == nil {
		return len(n.items), maxItems
	}
	return len(n.kids), maxKids
}

// own returns n, or a copy of it that may be changed in this epoch.
func (n *rankNode) own(epoch uint64) *rankNode {
	if n.epoch == epoch {
		return n
	}
	c := &rankNode{epoch: epoch}
	if n.kids == nil {
		c.items = append(make([]scored, 0, min(2*len(n.items), maxItems)), n.items...)
	} else {
		c.kids = append(make([]rankKid, 0, min(2*len(n.kids), maxKids+1)), n.kids...)
	}
	return c
}

// place returns where in a leaf it is, or belongs.
func (n *rankNode) place(it scored) int {
	return sort.Search(len(n.items), func(i int) bool { return !n.items[i].before(it) })
}

// branch returns the kid below which it is, or belongs.
func (n *rankNode) branch(it scored) int {
	return max(0, sort.Search(len(n.kids), func(i int) bool { return it.before(n.kids[i].low) })-1)
}

// insert adds it, which must not be there.
func (t *rankTree) insert(it scored, epoch uint64) {
	if t.root == nil {
		t.root = &rankNode{epoch: epoch}
	}
	left, right := t.root.insert(it, epoch, true)
	if right != nil {
		left = &rankNode{epoch: epoch, kids: []rankKid{kidOf(left), kidOf(right)}}
	}
	t.root = left
}

// insert returns the node to put in the place of n, and one to follow it where
// n was full. Edge tells that nothing follows n in the tree: what grows at its
// end, as times do, leaves full nodes behind.
func (n *rankNode) insert(it scored, epoch uint64, edge bool) (left, right *rankNode) {
	n = n.own(epoch)
	if n.kids == nil {
		return n.insertItem(it, edge)
	}
	i := n.branch(it)
	last := i == len(n.kids)-1
	kid, more := n.kids[i].node.insert(it, epoch, edge && last)
	if more == nil {
		n.kids[i] = rankKid{kid, kid.low(), n.kids[i].n + 1}
		return n, nil
	}
	n.kids[i] = kidOf(kid)
	n.kids = slices.Insert(n.kids, i+1, kidOf(more))
	if len(n.kids) <= maxKids {
		return n, nil
	}
	at := maxKids / 2
	if edge && last {
		at = maxKids
	}
	right = &rankNode{epoch: epoch, kids: append(make([]rankKid, 0, maxKids+1), n.kids[at:]...)}
	n.kids = slices.Delete(n.kids, at, len(n.kids))
	return n, right
}

func (n *rankNode) insertItem(it scored, edge bool) (left, right *rankNode) {
	i := n.place(it)
	if len(n.items) < maxItems {
		n.items = slices.Insert(n.items, i, it)
		return n, nil
	}
	at := maxItems / 2
	if edge && i == maxItems {
		at = maxItems
	}
	right = &rankNode{epoch: n.epoch, items: append(make([]scored, 0, maxItems), n.items[at:]...)}
	n.items = slices.Delete(n.items, at, maxItems)
	if i < at {
		n.items = slices.Insert(n.items, i, it)
	} else {
		right.items = slices.Insert(right.items, i-at, it)
	}
	return n, right
}

// remove takes away it, which must be there.
func (t *rankTree) remove(it scored, epoch uint64) {
	t.root = t.root.remove(it, epoch)
	for len(t.root.kids) == 1 {
		t.root = t.root.kids[0].node
	}
	if t.root.kids == nil && len(t.root.items) == 0 {
		t.root = nil
	}
}

func (n *rankNode) remove(it scored, epoch uint64) *rankNode {
	n = n.own(epoch)
	if n.kids == nil {
		i := n.place(it)
		n.items = slices.Delete(n.items, i, i+1)
		return n
	}
	i := n.branch(it)
	kid := n.kids[i].node.remove(it, epoch)
	if have, _ := kid.width(); have == 0 {
		n.kids = slices.Delete(n.kids, i, i+1)
	} else {
		n.kids[i] = rankKid{kid, kid.low(), n.kids[i].n - 1}
	}
	if !n.merge(i-1, epoch) {
		n.merge(i, epoch)
	}
	return n
}

// merge makes one of kids i and i+1, where they are small.
func (n *rankNode) merge(i int, epoch uint64) bool {
	if i < 0 || i+1 >= len(n.kids) {
		return false
	}
	a, most := n.kids[i].node.width()
	b, _ := n.kids[i+1].node.width()
	if a+b > most/2 {
		return false
	}
	left, right := n.kids[i].node.own(epoch), n.kids[i+1].node
	left.items = append(left.items, right.items...)
	left.kids = append(left.kids, right.kids...)
	n.kids[i] = rankKid{left, n.kids[i].low, n.kids[i].n + n.kids[i+1].n}
	n.kids = slices.Delete(n.kids, i+1, i+2)
	return true
}

// len returns the number of items.
func (t *rankTree) len() int {
	switch {
	case t.root == nil:
		return 0
	case t.root.kids == nil:
		return len(t.root.items)
	}
	return kidOf(t.root).n
}

// count returns how many items lie before a place in the order. It must be true
// for a number of items at the start, and false for all others.
func (t *rankTree) count(before func(scored) bool) int {
	n, rank := t.root, 0
	if n == nil {
		return 0
	}
	for n.kids != nil {
		i := max(0, sort.Search(len(n.kids), func(i int) bool { return !before(n.kids[i].low) })-1)
		for _, k := range n.kids[:i] {
			rank += k.n
		}
		n = n.kids[i].node
	}
	return rank + sort.Search(len(n.items), func(i int) bool { return !before(n.items[i]) })
}

// at returns the item of a rank, which must be there.
func (t *rankTree) at(rank int) scored {
	n := t.root
	for n.kids != nil {
		i := 0
		for rank >= n.kids[i].n {
			rank -= n.kids[i].n
			i++
		}
		n = n.kids[i].node
	}
	return n.items[rank]
}

// each calls do for the items of the ranks from to to, the last not included,
// forth or back.
func (t *rankTree) each(from, to int, back bool, do func(scored)) {
	if t.root != nil && from < to {
		t.root.each(from, to, back, do)
	}
}

func (n *rankNode) each(from, to int, back bool, do func(scored)) {
	if n.kids == nil {
		items := n.items[max(from, 0):min(to, len(n.items))]
		for i := range items {
			if back {
				i = len(items) - 1 - i
			}
			do(items[i])
		}
		return
	}
	if !back {
		for _, k := range n.kids {
			if from < k.n && to > 0 {
				k.node.each(from, to, back, do)
			}
			from, to = from-k.n, to-k.n
		}
		return
	}
	first := kidOf(n).n
	for i := len(n.kids) - 1; i >= 0; i-- {
		k := n.kids[i]
		first -= k.n
		if from < first+k.n && to > first {
			k.node.each(from-first, to-first, back, do)
		}
	}
}
