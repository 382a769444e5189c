package fsm

import (
	"errors"
	"fmt"

	"github.com/cespare/xxhash/v2"
)

// Check walks the whole state and reports every invariant that does not hold.
// It is for tests.
func (s *State) Check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for db := range s.dbs {
		n, due, bytes := 0, 0, 0
		k := &s.dbs[db]
		if k.rev > s.index {
			bad("db %d is of the future", db)
		}
		for at := range k.shards {
			sh := &k.shards[at]
			if err := sh.check(); err != nil {
				bad("db %d: shard %d: %w", db, at, err)
			}
			for _, o := range sh.sorted() {
				key := o.key
				n++
				bytes += keyOverhead + len(key) + recount(o)
				if got := o.bytes(); o.unsettled || got != recount(o) {
					bad("db %d: key %q takes %d bytes, and says %d", db, key, recount(o), got)
				}
				if shardOf(hashOf(key)) != at {
					bad("db %d: key %q is in shard %d", db, key, at)
				}
				if o.rev > s.index || o.epoch.number() > s.epoch || sh.epoch > s.freezes {
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
		if bytes != k.bytes {
			bad("db %d takes %d bytes, %d are counted", db, bytes, k.bytes)
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
	if len(s.unsettled) > 0 {
		bad("%d objects are unsettled", len(s.unsettled))
	}
	return errors.Join(errs...)
}

// check reports an invariant of the shard that does not hold.
func (sh *shard) check() error {
	if sh.parts == nil {
		return sh.bucket.check(sh)
	}
	n := 0
	for i := range sh.parts {
		t := &sh.parts[i]
		if err := t.check(sh); err != nil {
			return fmt.Errorf("part %d: %w", i, err)
		}
		if t.epoch > sh.epoch {
			return fmt.Errorf("part %d is of the future", i)
		}
		n += t.size
	}
	if n != sh.size || sh.slots != nil {
		return fmt.Errorf("%d keys in parts, size %d, %d slots", n, sh.size, len(sh.slots))
	}
	return nil
}

// check reports an invariant of a bucket of a shard that does not hold: every object is
// found, and what is empty ends no search too early.
func (t *bucket) check(sh *shard) error {
	n := 0
	var err error
	t.each(func(s slot) {
		n++
		hash := xxhash.Sum64String(s.o.key)
		if s.tag != hash|usedSlot || sh.get(hash, []byte(s.o.key)) != s.o {
			err = fmt.Errorf("key %q is not found", s.o.key)
		}
	})
	if err != nil {
		return err
	}
	if n != t.size || 4*n > 3*len(t.slots) || len(t.slots)&(len(t.slots)-1) != 0 {
		return fmt.Errorf("%d keys, size %d, %d slots", n, t.size, len(t.slots))
	}
	return nil
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
	if s, ok := o.val.(*stream); ok {
		bytes += s.inGroups // which its check sums up
	}
	return bytes
}

// number returns the epoch that a stamp was made of.
func (s stamp) number() uint64 { return uint64(s[0]) | uint64(s[1])<<16 | uint64(s[2])<<32 }
