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
	for db := range s.dbs {
		n, due := 0, 0
		k := &s.dbs[db]
		if k.rev > s.index {
			bad("db %d is of the future", db)
		}
		for at, sh := range k.shards {
			if sh == nil {
				continue
			}
			for key, o := range sh.objects {
				n++
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
					if d := o.due; d.at != o.expireAt || d.key != key || d.pos >= len(k.due) || k.due[d.pos] != d {
						bad("db %d: key %q: its deadline is another's", db, key)
					}
				}
			}
		}
		if n != k.size {
			bad("db %d: %d keys, size %d", db, n, k.size)
		}
		if due != len(k.due) {
			bad("db %d: %d keys expire, %d deadlines", db, due, len(k.due))
		}
		for i := 1; i < len(k.due); i++ {
			if k.due[i].before(k.due[(i-1)/2]) {
				bad("db %d: deadline %d is out of order", db, i)
			}
		}
	}
	return errors.Join(errs...)
}
