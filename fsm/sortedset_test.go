package fsm

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// A plainSet is a sorted set as simple as can be.
type plainSet []scored

func (p plainSet) place(it scored) int {
	at := 0
	for at < len(p) && p[at].before(it) {
		at++
	}
	return at
}

func (p plainSet) without(member string) plainSet {
	return slices.DeleteFunc(slices.Clone(p), func(it scored) bool { return it.member == member })
}

func (p plainSet) with(it scored) plainSet {
	p = p.without(it.member)
	return slices.Insert(p, p.place(it), it)
}

// same reports how a sorted set differs from a plain one.
func (p plainSet) same(z *sortedSet) error {
	if err := z.check(); err != nil {
		return err
	}
	if got := z.items(freeTx(), 0, z.size()); !slices.Equal(got, p) {
		return fmt.Errorf("got %v, want %v", got, p)
	}
	return nil
}

// TestSortedSetAgainstPlain changes a sorted set at random. Views that were
// taken on the way must stay as they were.
func TestSortedSetAgainstPlain(t *testing.T) {
	for _, size := range []int{5, 60, 140, 3000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) { againstPlain(t, size) })
	}
}

func againstPlain(t *testing.T, size int) {
	g := newGenerator(t)
	type view struct {
		z *sortedSet
		p plainSet
	}
	var views []view
	z, p := newSortedSet(1), plainSet{}
	steps, batch, walk := 3000, max(1, size/30), 1+size/100
	for i := range steps {
		grow := 8 - 6*(i/(steps/4)%2) // by turns it grows and shrinks
		for range 1 + i%10/9*batch {
			member := fmt.Sprint("m", g.IntN(size))
			score, there := z.score(member)
			if g.IntN(10) < grow {
				score = float64(g.IntN(size/4+2)) - 3
				z.put(member, score)
				p = p.with(scored{score, member})
			} else if there {
				z.remove(scored{score, member})
				p = p.without(member)
			}
		}
		if g.IntN(20) == 0 {
			views = append(views, view{z, p})
			z = z.clone(z.epoch + 1).(*sortedSet)
		}
		if len(views) > 5 {
			views = views[1:]
		}
		if i%walk > 0 {
			continue
		}
		if err := p.same(z); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
		for _, v := range views {
			if err := v.p.same(v.z); err != nil {
				t.Fatalf("step %d: a view changed: %v", i, err)
			}
		}
	}
}

// TestRanks compares what finds places in the order with a plain set.
func TestRanks(t *testing.T) {
	g := newGenerator(t)
	for _, size := range []int{0, 1, 2, 63, 64, 65, 500, 5000} {
		z, p := newSortedSet(1), plainSet{}
		for i := range size {
			it := scored{float64(g.IntN(size)), fmt.Sprint(i)}
			z.put(it.member, it.score)
			p = append(p, it)
		}
		slices.SortFunc(p, byOrder)
		for i, it := range p {
			if z.order.at(i) != it || z.rank(it) != i {
				t.Fatalf("%d members: rank %d has %v, whose rank is %d", size, i, z.order.at(i), z.rank(it))
			}
		}
		for range 200 {
			from, to := g.IntN(size+1), g.IntN(size+1)
			var forth, back, want []scored
			z.order.each(from, to, false, func(it scored) { forth = append(forth, it) })
			z.order.each(from, to, true, func(it scored) { back = append(back, it) })
			if from < to {
				want = p[from:to]
			}
			slices.Reverse(back)
			if !slices.Equal(forth, want) || !slices.Equal(back, want) {
				t.Fatalf("%d members, %d to %d: forth %v, back %v, want %v", size, from, to, forth, back, want)
			}
			low := scoreBound{float64(g.IntN(size + 1)), g.IntN(2) == 0}
			high := scoreBound{float64(g.IntN(size + 1)), g.IntN(2) == 0}
			want = slices.DeleteFunc(slices.Clone(p), func(it scored) bool {
				return it.score < low.score || low.open && it.score == low.score ||
					it.score > high.score || high.open && it.score == high.score
			})
			from, to = z.scoreRange(low, high)
			if got := z.items(freeTx(), from, to); !slices.Equal(got, want) {
				t.Fatalf("%d members, %v to %v: got %v, want %v", size, low, high, got, want)
			}
		}
	}
}

// Equal contents are equal bytes, and ranges are the same, whatever the way.
func TestSortedSetForgetsItsPast(t *testing.T) {
	g := newGenerator(t)
	for _, size := range []int{1, 64, 65, 1000, 4000} {
		var sets []*sortedSet
		for range 3 {
			z := newSortedSet(1)
			for _, i := range g.Perm(2 * size) {
				z.put(fmt.Sprint(i), float64(g.IntN(10)))
				if g.IntN(10) == 0 {
					z = z.clone(z.epoch + 1).(*sortedSet)
				}
			}
			for _, i := range g.Perm(2 * size) {
				score, _ := z.score(fmt.Sprint(i))
				if i >= size {
					z.remove(scored{score, fmt.Sprint(i)})
				} else {
					z.put(fmt.Sprint(i), float64(i*7%10))
				}
			}
			sets = append(sets, z)
		}
		for i, z := range sets[1:] {
			if !bytes.Equal(bytesOfContainer(sets[0]), bytesOfContainer(z)) {
				t.Fatalf("size %d: set %d has other bytes", size, i+1)
			}
			for range 50 { // the scores differ, so these are of no use but to compare
				low, high := lexBound{member: fmt.Sprint(g.IntN(size))}, lexBound{member: fmt.Sprint(g.IntN(size))}
				from, to := sets[0].lexRange(low, high)
				if f, u := z.lexRange(low, high); f != from || u != to {
					t.Fatalf("size %d: set %d has the range %d to %d, not %d to %d", size, i+1, f, u, from, to)
				}
			}
		}
	}
}

// What grows at its end, as the times of delayed jobs do, fills its leaves.
func TestFullLeaves(t *testing.T) {
	z := newSortedSet(1)
	const n = 64 * 500
	for i := range n {
		z.put(fmt.Sprint(i), float64(i))
	}
	if err := z.check(); err != nil {
		t.Fatal(err)
	}
	leaves := 0
	var count func(*rankNode)
	count = func(n *rankNode) {
		if n.kids == nil {
			leaves++
		}
		for _, k := range n.kids {
			count(k.node)
		}
	}
	count(z.order.root)
	if leaves != n/maxItems {
		t.Errorf("%d leaves", leaves)
	}
}

// A write after a freeze copies a few nodes, however large the set.
func TestFirstWriteCopiesLittle(t *testing.T) {
	z := newSortedSet(1)
	for i := range 100_000 {
		z.put(fmt.Sprint(i), float64(i*7919%100_000))
	}
	for i := range 100 {
		z = z.clone(z.epoch + 1).(*sortedSet)
		z.put(fmt.Sprint(i), float64(i*999))
		if n := newRankNodes(z.order.root, z.epoch) + newTries(z.scores, z.epoch); n > 20 {
			t.Fatalf("a write after a freeze made %d nodes", n)
		}
	}
}

// newRankNodes counts the nodes of an epoch.
func newRankNodes(n *rankNode, epoch uint64) (made int) {
	if n.epoch == epoch {
		made++
	}
	for _, k := range n.kids {
		made += newRankNodes(k.node, epoch)
	}
	return made
}

func newTries(n *trie[float64], epoch uint64) (made int) {
	if n.epoch == epoch {
		made++
	}
	if n.kids != nil {
		for _, kid := range n.kids {
			if kid != nil {
				made += newTries(kid, epoch)
			}
		}
	}
	return made
}

func TestDecodeDamagedSortedSet(t *testing.T) {
	encode := func(items ...scored) []byte {
		var b bytes.Buffer
		e := newEncoder(&b)
		e.uvarint(uint64(len(items)))
		for _, it := range items {
			e.fixed64(math.Float64bits(it.score))
			e.string(it.member)
		}
		e.w.Flush()
		return b.Bytes()
	}
	for name, data := range map[string][]byte{
		"empty":            encode(),
		"unsorted":         encode(scored{2, "a"}, scored{1, "b"}),
		"unsorted members": encode(scored{1, "b"}, scored{1, "a"}),
		"twice":            encode(scored{1, "a"}, scored{1, "a"}),
		"two scores":       encode(scored{1, "a"}, scored{2, "a"}),
		"NaN":              encode(scored{math.NaN(), "a"}),
		"minus zero":       encode(scored{math.Copysign(0, -1), "a"}),
		"short":            encode(scored{1, "a"})[:5],
		"many":             append([]byte{0xff, 0xff, 0xff, 0xff, 0x0f}, encode(scored{1, "a"})[1:]...),
	} {
		r := readerOf(data)
		decodeSortedSet(r, 1)
		if r.err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	items := []scored{{math.Inf(-1), "x"}, {0, ""}, {5e-324, "b"}, {math.Pi, "\xff\x00"}, {math.Inf(1), strings.Repeat("l", 1000)}}
	r := readerOf(encode(items...))
	z := decodeSortedSet(r, 1).(*sortedSet)
	if err := plainSet(items).same(z); r.err != nil || err != nil {
		t.Errorf("%v, %v", r.err, err)
	}
	if !bytes.Equal(bytesOfContainer(z), encode(items...)) {
		t.Error("the bytes differ")
	}
}
