package fsm

import (
	"github.com/trivetdb/trivet/fsm/rdb"
	"github.com/trivetdb/trivet/resp"
)

// Between objects and the descriptions of package rdb.

// describe returns what an object holds.
func describe(o *object) (v rdb.Value, fail resp.Value) {
	switch c := o.val.(type) {
	case nil, *longString:
		v.Str = o.text().string()
	case *deque:
		v.Kind, v.Elems = rdb.List, make([]string, 0, c.n)
		c.each(0, func(_ int, s string) bool {
			v.Elems = append(v.Elems, s)
			return true
		})
	case *members:
		v.Kind, v.Elems = rdb.Set, make([]string, 0, c.size())
		c.all(func(member string) bool {
			v.Elems = append(v.Elems, member)
			return true
		})
	case *fields:
		v.Kind, v.Elems = rdb.Hash, make([]string, 0, 2*c.size())
		c.each(func(e *entry[string]) bool {
			v.Elems = append(v.Elems, e.key, e.val)
			return true
		})
	case *sortedSet:
		v.Kind = rdb.ZSet
		c.order.each(0, c.size(), false, func(it scored) {
			v.Elems = append(v.Elems, it.member)
			v.Scores = append(v.Scores, it.score)
		})
	case *stream:
		v.Kind, v.Stream = rdb.Streams, describeStream(c)
	default:
		return v, errDumpClassic
	}
	return v, resp.Nil
}

// build returns an object that holds what v describes. It may keep v's parts.
func build(v *rdb.Value, epoch uint64) (*object, resp.Value) {
	switch v.Kind {
	case rdb.String:
		return &object{str: v.Str}, resp.Nil
	case rdb.List:
		d := newDeque(epoch)
		for _, s := range v.Elems {
			d.pushBack(s)
		}
		return &object{kind: kindList, val: d}, resp.Nil
	case rdb.Set:
		return buildSet(v, epoch)
	case rdb.Hash:
		h := newFields(epoch)
		for i := 0; i < len(v.Elems); i += 2 {
			if !h.put(v.Elems[i], v.Elems[i+1]) {
				return nil, errDumpFormat
			}
		}
		return &object{kind: kindHash, val: h}, resp.Nil
	case rdb.ZSet:
		z := newSortedSet(epoch)
		for i, member := range v.Elems {
			if _, twice := z.score(member); twice {
				return nil, errDumpFormat
			}
			z.put(member, v.Scores[i])
		}
		return &object{kind: kindZSet, val: z}, resp.Nil
	}
	return buildStream(v.Stream, epoch)
}

// buildSet keeps the order of a small set unless all members are integers, as
// Redis does.
func buildSet(v *rdb.Value, epoch uint64) (*object, resp.Value) {
	m := newMembers(epoch)
	for _, member := range v.Elems {
		if _, ok := parseInt([]byte(member)); !ok || len(v.Elems) > maxInts {
			m.ints = false
			break
		}
	}
	for _, member := range v.Elems {
		if !m.add(member) {
			return nil, errDumpFormat
		}
	}
	return &object{kind: kindSet, val: m}, resp.Nil
}
