package fsm

import (
	"fmt"
	"slices"

	"github.com/trivetdb/trivet/fsm/cost"
)

// members are a set. As in Redis, one that has held but integers, and not too
// many, is in the order of their values; another small one is in the order in
// which its members came; a large one in that of their hashes.
type members struct {
	dict[struct{}]
	ints bool // only integers so far, in small by value
}

// maxInts is how many members a set of integers has at most before it becomes
// a large one.
const maxInts = 512

func newMembers(epoch uint64) *members {
	return &members{dict: dict[struct{}]{epoch: epoch}, ints: true}
}

func (m *members) clone(epoch uint64) container {
	return &members{dict: m.copy(epoch), ints: m.ints}
}

// findInt returns the place of n among the integers, and whether it is there.
func (m *members) findInt(n int64) (int, bool) {
	return slices.BinarySearchFunc(m.small, n, func(e entry[struct{}], n int64) int {
		switch v, _ := parseInt([]byte(e.key)); {
		case v < n:
			return -1
		case v > n:
			return 1
		}
		return 0
	})
}

func (m *members) has(member string) bool {
	if m.ints {
		n, ok := parseInt([]byte(member))
		if ok {
			_, ok = m.findInt(n)
		}
		return ok
	}
	_, ok := m.get(member)
	return ok
}

// add reports whether member is new.
func (m *members) add(member string) bool {
	if !m.ints {
		return m.put(member, struct{}{})
	}
	n, ok := parseInt([]byte(member))
	if !ok {
		m.ints = false
		if len(m.small) >= maxSmall {
			m.spread()
		}
		return m.put(member, struct{}{})
	}
	i, found := m.findInt(n)
	if found {
		return false
	}
	m.small = slices.Insert(m.small, i, entry[struct{}]{key: member})
	m.taken += m.small[i].weight()
	if len(m.small) > maxInts {
		m.ints = false
		m.spread()
	}
	return true
}

func (m *members) remove(member string) bool {
	if !m.ints {
		return m.dict.remove(member)
	}
	n, ok := parseInt([]byte(member))
	if !ok {
		return false
	}
	i, ok := m.findInt(n)
	if ok {
		m.taken -= m.small[i].weight()
		m.small = slices.Delete(m.small, i, i+1)
	}
	return ok
}

// search returns the steps of looking for a member of so many bytes.
func (m *members) search(n int) int {
	if m.ints {
		return cost.Lookup
	}
	return m.dict.search(n)
}

// text returns the number of bytes of all members.
func (m *members) text() int { return m.taken - m.size()*elementOverhead }

// all calls f with the members in order, until it returns false.
func (m *members) all(f func(member string) bool) {
	m.each(func(e *entry[struct{}]) bool { return f(e.key) })
}

func (m *members) encode(e *encoder) {
	form := m.form()
	if m.ints {
		form = formInts
	}
	m.encodeDict(e, form, func(struct{}) {})
}

func decodeMembers(r *stateReader, epoch uint64) container {
	m := newMembers(epoch)
	form, limit := r.byte(), maxSmall
	switch form {
	case formInts:
		limit = maxInts
	case formSmall, formLarge:
		m.ints = false
	default:
		r.fail("set of form %d", form)
	}
	m.decodeDict(r, form, limit, func() (none struct{}) { return none })
	if m.ints && r.err == nil && m.check() != nil {
		r.fail("set of integers that is damaged")
	}
	return m
}

func (m *members) check() error {
	if !m.ints {
		return m.dict.check(maxSmall)
	}
	var last int64
	for i, e := range m.small {
		n, ok := parseInt([]byte(e.key))
		switch {
		case !ok:
			return fmt.Errorf("%q is no integer", e.key)
		case i > 0 && n <= last:
			return fmt.Errorf("%q is out of order", e.key)
		}
		last = n
	}
	return m.dict.check(maxInts)
}
