package fsm

import (
	"slices"
	"sort"
)

// A scoreIndex finds the score of a member: a trie over the members' hashes,
// whose order is that of ZSCAN. Nodes of another epoch than that of a change are
// copied before it.
type scoreIndex struct{ root *indexNode }

const (
	indexBits  = 4 // of the hash that a branch looks at
	maxBucket  = 32
	joinBucket = maxBucket / 2 // a branch with no more becomes a bucket
)

// An indexNode is a bucket, which has entries in order, or a branch, which has
// kids, nil ones too.
type indexNode struct {
	epoch   uint32
	n       int // entries here or below
	entries []indexed
	kids    []*indexNode
}

type indexed struct {
	hash   uint64 // hashOf(member)
	score  float64
	member string
}

// own returns n, or a copy of it that may be changed in this epoch.
func (n *indexNode) own(epoch uint32) *indexNode {
	switch {
	case n == nil:
		return &indexNode{epoch: epoch}
	case n.epoch == epoch:
		return n
	}
	return &indexNode{epoch, n.n, slices.Clone(n.entries), slices.Clone(n.kids)}
}

// place returns where in a bucket an entry is, or belongs.
func (n *indexNode) place(hash uint64, member string) (at int, found bool) {
	at = sort.Search(len(n.entries), func(i int) bool {
		e := &n.entries[i]
		return e.hash > hash || e.hash == hash && e.member >= member
	})
	return at, at < len(n.entries) && n.entries[at].hash == hash && n.entries[at].member == member
}

// The shift of a branch puts the bits that it looks at lowest. That of a bucket
// below the last branches is negative.
const topShift = hashBits - indexBits

func branchOf(hash uint64, shift int) int { return int(hash >> shift & (1<<indexBits - 1)) }

// find returns the entry of a member, or nil. It must not be changed.
func (x *scoreIndex) find(member string) *indexed {
	hash := hashOf(member)
	n := x.root
	for shift := topShift; n != nil && n.kids != nil; shift -= indexBits {
		n = n.kids[branchOf(hash, shift)]
	}
	if n == nil {
		return nil
	}
	at, ok := n.place(hash, member)
	if !ok {
		return nil
	}
	return &n.entries[at]
}

// put gives a member a score.
func (x *scoreIndex) put(member string, score float64, epoch uint32) {
	x.root = x.root.put(indexed{hashOf(member), score, member}, topShift, epoch)
}

func (n *indexNode) put(e indexed, shift int, epoch uint32) *indexNode {
	n = n.own(epoch)
	if n.kids != nil {
		kid := &n.kids[branchOf(e.hash, shift)]
		old := 0
		if *kid != nil {
			old = (*kid).n
		}
		*kid = (*kid).put(e, shift-indexBits, epoch)
		n.n += (*kid).n - old
		return n
	}
	at, found := n.place(e.hash, e.member)
	if found {
		n.entries[at].score = e.score
		return n
	}
	n.entries = slices.Insert(n.entries, at, e)
	n.n++
	if n.n > maxBucket && shift >= 0 {
		n.split(shift, epoch)
	}
	return n
}

// split makes a branch of a bucket.
func (n *indexNode) split(shift int, epoch uint32) {
	n.kids = make([]*indexNode, 1<<indexBits)
	for len(n.entries) > 0 {
		to, same := branchOf(n.entries[0].hash, shift), 1
		for same < len(n.entries) && branchOf(n.entries[same].hash, shift) == to {
			same++
		}
		n.kids[to] = &indexNode{epoch: epoch, n: same, entries: slices.Clone(n.entries[:same])}
		n.entries = n.entries[same:]
	}
	n.entries = nil
}

// remove takes away a member, which must be there.
func (x *scoreIndex) remove(member string, epoch uint32) {
	x.root = x.root.remove(hashOf(member), member, topShift, epoch)
}

func (n *indexNode) remove(hash uint64, member string, shift int, epoch uint32) *indexNode {
	if n.n == 1 {
		return nil
	}
	n = n.own(epoch)
	n.n--
	if n.kids == nil {
		at, _ := n.place(hash, member)
		n.entries = slices.Delete(n.entries, at, at+1)
		return n
	}
	kid := &n.kids[branchOf(hash, shift)]
	*kid = (*kid).remove(hash, member, shift-indexBits, epoch)
	if n.n <= joinBucket {
		entries := make([]indexed, 0, n.n)
		n.each(0, topShift, func(e *indexed) bool {
			entries = append(entries, *e)
			return true
		})
		n.entries, n.kids = entries, nil
	}
	return n
}

// each calls do for the entries from a hash on, in order, until it says no.
func (n *indexNode) each(from uint64, shift int, do func(*indexed) bool) bool {
	if n == nil {
		return true
	}
	for i := range n.entries {
		if n.entries[i].hash >= from && !do(&n.entries[i]) {
			return false
		}
	}
	if n.kids == nil {
		return true
	}
	first := branchOf(from, shift)
	for i, kid := range n.kids[first:] {
		if i > 0 {
			from = 0
		}
		if !kid.each(from, shift-indexBits, do) {
			return false
		}
	}
	return true
}

// page returns at least count entries from a hash on, while there are as many,
// and the hash that follows them, 0 at the end. Entries of one hash stay
// together.
func (x *scoreIndex) page(from uint64, count int) (found []*indexed, next uint64) {
	if from >= 1<<hashBits {
		return nil, 0
	}
	x.root.each(from, topShift, func(e *indexed) bool {
		if len(found) >= count && e.hash != found[len(found)-1].hash {
			next = e.hash
			return false
		}
		found = append(found, e)
		return true
	})
	return found, next
}
