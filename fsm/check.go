package fsm

import (
	"errors"
	"fmt"
)

// Check walks the whole state and reports every invariant that does not hold.
// It is for tests.
func (s *State) Check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	expiring := 0
	for db := range s.dbs {
		n, due, bytes := 0, 0, 0
		for at, sh := range s.dbs[db].shards {
			if sh == nil {
				continue
			}
			for key, o := range sh.objects {
				n++
				bytes += keyOverhead + len(key) + recount(o)
				if got := o.bytes(); o.unsettled || got != recount(o) {
					bad("db %d: key %q takes %d bytes, and says %d", db, key, recount(o), got)
				}
				if shardOf(hashOf(key)) != at {
					bad("db %d: key %q is in shard %d", db, key, at)
				}
				if o.rev > s.index || o.epoch > s.epoch || sh.epoch > s.epoch || o.epoch > sh.epoch {
					bad("db %d: key %q is of the future", db, key)
				}
				if err := checkContainer(o); err != nil {
					bad("db %d: key %q: %w", db, key, err)
				}
				if (o.expireAt == 0) != (o.due == nil) {
					bad("db %d: key %q: its deadline is not kept", db, key)
				}
				if o.due != nil {
					due++
					if d := o.due; d.at != o.expireAt || d.key != key || d.db != db || s.due.heap[d.pos] != d {
						bad("db %d: key %q: its deadline is another's", db, key)
					}
				}
			}
		}
		if bytes != s.dbs[db].bytes {
			bad("db %d takes %d bytes, %d are counted", db, bytes, s.dbs[db].bytes)
		}
		if n != s.dbs[db].size {
			bad("db %d: %d keys, size %d", db, n, s.dbs[db].size)
		}
		if due != s.due.count[db] {
			bad("db %d: %d keys expire, count %d", db, due, s.due.count[db])
		}
		expiring += due
	}
	if len(s.unsettled) > 0 {
		bad("%d objects are unsettled", len(s.unsettled))
	}
	if expiring != len(s.due.heap) {
		bad("%d keys expire, %d deadlines", expiring, len(s.due.heap))
	}
	for i := 1; i < len(s.due.heap); i++ {
		if s.due.heap[i].before(s.due.heap[(i-1)/2]) {
			bad("deadline %d is out of order", i)
		}
	}
	return errors.Join(errs...)
}

// recount is object.bytes by a walk over the elements.
func recount(o *object) int {
	c, ok := o.val.(interface {
		container
		sizes(n int, f func(key, val int))
	})
	if !ok {
		return o.bytes()
	}
	bytes := 0
	if c.size() > 0 {
		c.sizes(c.size(), func(key, val int) { bytes += elementOverhead + key + val })
	}
	return bytes
}
