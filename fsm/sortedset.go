package fsm

import (
	"fmt"
	"math"
)

// A sortedSet is the container of the sorted set commands: its members in the
// order of their scores, and the score of each.
type sortedSet struct {
	epoch  uint64
	order  rankTree
	scores *trie[float64]
	taken  int // bytes, see memory.go
}

func newSortedSet(epoch uint64) *sortedSet {
	return &sortedSet{epoch: epoch, scores: &trie[float64]{epoch: epoch}}
}

func (z *sortedSet) clone(epoch uint64) container {
	return &sortedSet{epoch: epoch, order: z.order, scores: z.scores, taken: z.taken}
}

func (z *sortedSet) size() int { return z.scores.n }

func (z *sortedSet) bytes() int { return z.taken }

// score returns the score of a member.
func (z *sortedSet) score(member string) (score float64, ok bool) {
	if e := z.scores.get(hashOf(member), member); e != nil {
		return e.val, true
	}
	return 0, false
}

// put gives a member a score.
func (z *sortedSet) put(member string, score float64) {
	hash := hashOf(member)
	if e := z.scores.get(hash, member); e != nil {
		member = e.key // so that it is kept once
		z.order.remove(scored{e.val, member}, z.epoch)
		z.taken -= elementOverhead + len(member)
	}
	z.insert(scored{score, member}, hash)
}

// insert adds an item that is not in the order. Zeros lose their sign, as in
// Redis's small sorted sets: no order tells them apart.
func (z *sortedSet) insert(it scored, hash uint64) {
	it.score += 0 // makes 0 of -0
	z.taken += elementOverhead + len(it.member)
	z.order.insert(it, z.epoch)
	z.scores, _ = z.scores.put(z.epoch, hashBits, entry[float64]{it.score, it.member, hash})
}

// remove takes away an item, which must be there.
func (z *sortedSet) remove(it scored) {
	z.taken -= elementOverhead + len(it.member)
	z.order.remove(it, z.epoch)
	z.scores = z.scores.remove(z.epoch, hashBits, hashOf(it.member), it.member)
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

func decodeSortedSet(d *stateReader, epoch uint64) container {
	z := newSortedSet(epoch)
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
		if twice || wrongScore(it.score) || i > 0 && !last.before(it) {
			d.fail("sorted set out of order")
			break
		}
		z.insert(it, hashOf(it.member))
		last = it
	}
	return z
}

// wrongScore reports whether a score is never kept: NaN, or -0.
func wrongScore(score float64) bool {
	return math.IsNaN(score) || score == 0 && math.Signbit(score)
}

func (z *sortedSet) check() error {
	if err := z.order.check(z.epoch); err != nil {
		return err
	}
	if err := z.scores.check(hashBits); err != nil {
		return err
	}
	if z.scores.epoch > z.epoch {
		return fmt.Errorf("scores of the future")
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
func (t *rankTree) check(epoch uint64) error {
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
		if last != nil && !last.before(it) || wrongScore(it.score) {
			err = fmt.Errorf("member %q is out of order", it.member)
		}
		last = &it
	})
	return err
}

// check returns the height of the node.
func (n *rankNode) check(epoch uint64) (height int, err error) {
	have, most := n.width()
	switch {
	case n.epoch > epoch: // of the node above
		return 0, fmt.Errorf("a node of the future")
	case have == 0 || have > most || n.kids != nil && n.items != nil:
		return 0, fmt.Errorf("a node of %d items and %d kids", len(n.items), len(n.kids))
	}
	for i, k := range n.kids {
		h, err := k.node.check(n.epoch)
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
