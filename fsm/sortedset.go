package fsm

import (
	"fmt"
	"math"
)

// A sortedSet is the container of the sorted set commands: its members in the
// order of their scores, and the score of each.
type sortedSet struct {
	epoch uint32
	order rankTree
	index scoreIndex
}

func newSortedSet(epoch uint32) container { return &sortedSet{epoch: epoch} }

func (z *sortedSet) clone(epoch uint32) container {
	return &sortedSet{epoch: epoch, order: z.order, index: z.index}
}

func (z *sortedSet) size() int {
	if z.index.root == nil {
		return 0
	}
	return z.index.root.n
}

// score returns the score of a member.
func (z *sortedSet) score(member string) (score float64, ok bool) {
	if e := z.index.find(member); e != nil {
		return e.score, true
	}
	return 0, false
}

// put gives a member a score.
func (z *sortedSet) put(member string, score float64) {
	if e := z.index.find(member); e != nil {
		member = e.member // so that it is kept once
		z.order.remove(scored{e.score, member}, z.epoch)
	}
	z.add(scored{score, member})
}

// add adds a member that is not in the order.
func (z *sortedSet) add(it scored) {
	z.order.insert(it, z.epoch)
	z.index.put(it.member, it.score, z.epoch)
}

// remove takes away an item, which must be there.
func (z *sortedSet) remove(it scored) {
	z.order.remove(it, z.epoch)
	z.index.remove(it.member, z.epoch)
}

// rank returns the rank of an item, which must be there.
func (z *sortedSet) rank(it scored) int {
	return z.order.count(func(other scored) bool { return other.before(it) })
}

// encode writes n(v) { score(8) member(s) } in order.
func (z *sortedSet) encode(e *encoder) {
	e.uvarint(uint64(z.size()))
	z.order.each(0, z.size(), false, func(it scored) {
		e.fixed64(math.Float64bits(it.score))
		e.string(it.member)
	})
}

func decodeSortedSet(d *stateReader, epoch uint32) container {
	z := &sortedSet{epoch: epoch}
	last := scored{}
	n := d.uvarint()
	if n == 0 {
		d.fail("empty sorted set")
	}
	for i := range n {
		it := scored{math.Float64frombits(d.fixed64()), d.string()}
		if d.err != nil {
			break
		}
		_, twice := z.score(it.member)
		if twice || math.IsNaN(it.score) || i > 0 && !last.before(it) {
			d.fail("sorted set out of order")
			break
		}
		z.add(it)
		last = it
	}
	return z
}

func (z *sortedSet) check() error {
	if err := z.order.check(z.epoch); err != nil {
		return err
	}
	if err := z.index.check(z.epoch); err != nil {
		return err
	}
	if n := z.order.len(); n != z.size() {
		return fmt.Errorf("%d members in order, %d with a score", n, z.size())
	}
	var err error
	z.order.each(0, z.size(), false, func(it scored) {
		score, ok := z.score(it.member)
		if !ok || math.Float64bits(score) != math.Float64bits(it.score) {
			err = fmt.Errorf("member %q is at score %v, its score is %v", it.member, it.score, score)
		}
	})
	return err
}

// check reports what is wrong with the tree, for tests.
func (t *rankTree) check(epoch uint32) error {
	if t.root == nil {
		return nil
	}
	if len(t.root.kids) == 1 {
		return fmt.Errorf("a root of one kid")
	}
	_, err := t.root.check(epoch)
	if err != nil {
		return err
	}
	var last *scored
	t.each(0, t.len(), false, func(it scored) {
		if last != nil && !last.before(it) || math.IsNaN(it.score) {
			err = fmt.Errorf("member %q is out of order", it.member)
		}
		last = &it
	})
	return err
}

// check returns the height of the node.
func (n *rankNode) check(epoch uint32) (height int, err error) {
	have, most := n.width()
	switch {
	case n.epoch > epoch:
		return 0, fmt.Errorf("a node of the future")
	case have == 0 || have > most || n.kids != nil && n.items != nil:
		return 0, fmt.Errorf("a node of %d items and %d kids", len(n.items), len(n.kids))
	}
	for i, k := range n.kids {
		h, err := k.node.check(epoch)
		if err != nil {
			return 0, err
		}
		if is := kidOf(k.node); is != k {
			return 0, fmt.Errorf("a node from %v of %d items is taken for one from %v of %d", is.low, is.n, k.low, k.n)
		}
		if i == 0 {
			height = h
			continue
		}
		left, _ := n.kids[i-1].node.width()
		right, most := k.node.width()
		if h != height || left+right <= most/2 {
			return 0, fmt.Errorf("neighbours of heights %d and %d, widths %d and %d", height, h, left, right)
		}
	}
	return height + 1, nil
}

// check reports what is wrong with the index, for tests.
func (x *scoreIndex) check(epoch uint32) error {
	if x.root == nil {
		return nil
	}
	if err := x.root.check(0, topShift, epoch); err != nil {
		return err
	}
	var last *indexed
	var err error
	x.root.each(0, topShift, func(e *indexed) bool {
		switch {
		case e.hash != hashOf(e.member):
			err = fmt.Errorf("member %q has another hash", e.member)
		case last != nil && (e.hash < last.hash || e.hash == last.hash && e.member <= last.member):
			err = fmt.Errorf("member %q is out of order in the index", e.member)
		}
		last = e
		return err == nil
	})
	return err
}

// check looks at a node below which hashes start with prefix.
func (n *indexNode) check(prefix uint64, shift int, epoch uint32) error {
	total := len(n.entries)
	for i, kid := range n.kids {
		if kid == nil {
			continue
		}
		if err := kid.check(prefix|uint64(i)<<shift, shift-indexBits, epoch); err != nil {
			return err
		}
		total += kid.n
	}
	switch {
	case n.epoch > epoch:
		return fmt.Errorf("an index node of the future")
	case total != n.n || n.n == 0 || n.kids != nil && (n.entries != nil || n.n <= joinBucket):
		return fmt.Errorf("an index node of %d counts %d", total, n.n)
	case n.kids == nil && n.n > maxBucket && shift >= 0:
		return fmt.Errorf("a bucket of %d", n.n)
	}
	for _, e := range n.entries {
		if (e.hash^prefix)>>(shift+indexBits) != 0 {
			return fmt.Errorf("member %q is in another's bucket", e.member)
		}
	}
	return nil
}
