package fsm

import (
	"slices"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

// sets returns the sets at keys, nil for one that does not exist.
func (tx *Tx) sets(keys [][]byte) ([]*members, resp.Value) {
	sets := make([]*members, 0, len(keys))
	for _, key := range keys {
		m, _, fail := tx.set(key)
		if fail.IsError() {
			return nil, fail
		}
		sets = append(sets, m)
	}
	return sets, resp.Nil
}

// An operation makes a new set out of several, which may be nil.
type operation func(tx *Tx, epoch uint64, sets []*members) *members

// intersection calls f with the members that all sets have, until it returns
// false. The order is that of the smallest set.
func (tx *Tx) intersection(sets []*members, f func(member string) bool) {
	if slices.Contains(sets, nil) {
		return
	}
	tx.charge(cost.Sort(len(sets), 0))
	sets = slices.Clone(sets)
	slices.SortStableFunc(sets, func(a, b *members) int { return a.size() - b.size() })
	sets[0].all(func(member string) bool {
		tx.charge(cost.Element)
		for _, other := range sets[1:] {
			tx.charge(other.search(len(member)))
			if !other.has(member) {
				return true
			}
		}
		return f(member)
	})
}

func intersect(tx *Tx, epoch uint64, sets []*members) *members {
	out := newMembers(epoch)
	tx.intersection(sets, func(member string) bool {
		tx.charge(cost.Insert)
		out.add(member)
		return true
	})
	return out
}

func union(tx *Tx, epoch uint64, sets []*members) *members {
	out := newMembers(epoch)
	for _, m := range sets {
		if m != nil {
			tx.charge(cost.Times(m.size(), cost.Insert) + cost.Read(m.text()))
			m.all(func(member string) bool {
				out.add(member)
				return true
			})
		}
	}
	return out
}

func difference(tx *Tx, epoch uint64, sets []*members) *members {
	out := newMembers(epoch)
	if sets[0] == nil {
		return out
	}
	sets[0].all(func(member string) bool {
		for _, other := range sets[1:] {
			tx.charge(cost.Element)
			if other == nil {
				continue
			}
			tx.charge(other.search(len(member)))
			if other.has(member) {
				return true
			}
		}
		tx.charge(cost.Insert + cost.Read(len(member)))
		out.add(member)
		return true
	})
	return out
}

// answer is the reply of SINTER, SUNION and SDIFF.
func answer(tx *Tx, args [][]byte, op operation) resp.Value {
	sets, fail := tx.sets(args[1:])
	if fail.IsError() {
		return fail
	}
	return op(tx, 0, sets).reply(tx)
}

func sinter(tx *Tx, args [][]byte) resp.Value { return answer(tx, args, intersect) }
func sunion(tx *Tx, args [][]byte) resp.Value { return answer(tx, args, union) }
func sdiff(tx *Tx, args [][]byte) resp.Value  { return answer(tx, args, difference) }

// keep makes a key hold what answer would show.
func keep(tx *Tx, event string, args [][]byte, op operation) resp.Value {
	tx.missing(args[2:]...)
	sets, fail := tx.sets(args[2:])
	if fail.IsError() {
		return fail
	}
	m := op(tx, tx.st.epoch, sets)
	if m.size() == 0 {
		if tx.remove(args[1]) {
			tx.notifyDeleted(args[1])
		}
		return resp.Int(0)
	}
	tx.put(args[1], &object{kind: kindSet, val: m})
	tx.notify(notifySet, event, args[1])
	return resp.Int(int64(m.size()))
}

func sinterStore(tx *Tx, args [][]byte) resp.Value { return keep(tx, "sinterstore", args, intersect) }
func sunionStore(tx *Tx, args [][]byte) resp.Value { return keep(tx, "sunionstore", args, union) }
func sdiffStore(tx *Tx, args [][]byte) resp.Value  { return keep(tx, "sdiffstore", args, difference) }

func sinterCard(tx *Tx, args [][]byte) resp.Value {
	n, fail := numberOfKeys(args[1])
	switch {
	case fail.IsError():
		return fail
	case n > int64(len(args)-2):
		return errManyKeys
	}
	limit := int64(0)
	for rest := args[2+n:]; len(rest) > 0; rest = rest[2:] {
		if len(rest) == 1 || !equalFold(rest[0], "LIMIT") {
			return errSyntax
		}
		if limit, fail = positive(rest[1], errLimit); fail.IsError() {
			return fail
		}
	}
	sets, fail := tx.sets(args[2 : 2+n])
	if fail.IsError() {
		return fail
	}
	count := int64(0)
	tx.intersection(sets, func(string) bool {
		count++
		return count != limit
	})
	return resp.Int(count)
}
