package fsm

import (
	"fmt"
	"slices"
	"strings"

	"github.com/trivetdb/trivet/fsm/cost"
)

// A dict maps strings to values; hashes and sets are made of it. A small one is
// a slice in the order in which keys came. A large one is a trie in the order
// of the keys' hashes, and stays one. Which of the two it is, is a part of the
// value and of its encoding, as it shows in the order of replies; all else
// depends on the entries only.
type dict[V any] struct {
	small []entry[V]
	root  *trie[V] // of a large dict, else nil
	epoch uint64
	taken int // bytes, see memory.go
}

type entry[V any] struct {
	val  V
	key  string
	hash uint64 // in a trie only
}

// maxSmall is how many entries a small dict has at most, as in Redis.
const maxSmall = 128

func (d *dict[V]) bytes() int { return d.taken }

// weight is what an entry takes: its key, and its value where that is a string.
func (e *entry[V]) weight() int {
	n := elementOverhead + len(e.key)
	if s, ok := any(&e.val).(*string); ok {
		n += len(*s)
	}
	return n
}

func (d *dict[V]) size() int {
	if d.root != nil {
		return d.root.n
	}
	return len(d.small)
}

// copy returns a dict that may be changed while d stays as it is.
func (d *dict[V]) copy(epoch uint64) dict[V] {
	return dict[V]{small: slices.Clone(d.small), root: d.root, epoch: epoch, taken: d.taken}
}

// search returns the steps of looking for a key of so many bytes. A small dict
// compares it with the keys that are as long.
func (d *dict[V]) search(n int) int {
	return cost.Lookup + cost.Read(n) + cost.Read(min(cost.Times(len(d.small), n), d.taken)/8)
}

// longKeys is from how many bytes of arguments on it counts that a small dict
// compares each with all that it has.
const longKeys = 512

// comparing returns the steps that it takes a small dict, which may grow, to compare
// every step-th of the arguments with its keys. The arguments have n bytes.
func (d *dict[V]) comparing(args [][]byte, step, n int) int {
	if d.root != nil || n <= longKeys {
		return 0
	}
	compared := 0
	for i := 0; i < len(args); i += step {
		compared += min(maxSmall*len(args[i]), d.taken+n)
	}
	return cost.Read(compared / 8)
}

func (d *dict[V]) index(key string) int {
	for i := range d.small {
		if d.small[i].key == key {
			return i
		}
	}
	return -1
}

func (d *dict[V]) get(key string) (v V, ok bool) {
	var e *entry[V]
	if d.root != nil {
		e = d.root.get(hashOf(key), key)
	} else if i := d.index(key); i >= 0 {
		e = &d.small[i]
	}
	if e == nil {
		return v, false
	}
	return e.val, true
}

// put sets the value of key and reports whether key is new.
func (d *dict[V]) put(key string, v V) bool {
	e := entry[V]{val: v, key: key}
	d.taken += e.weight()
	if d.root == nil {
		if i := d.index(key); i >= 0 {
			d.taken -= d.small[i].weight()
			d.small[i].val = v
			return false
		}
		if len(d.small) < maxSmall {
			d.small = append(d.small, e)
			return true
		}
		d.spread()
	}
	e.hash = hashOf(key)
	old := 0
	d.root, old = d.root.put(d.epoch, hashBits, e)
	d.taken -= old
	return old == 0
}

// spread makes d a large dict.
func (d *dict[V]) spread() {
	small := d.small
	d.small, d.root = nil, &trie[V]{epoch: d.epoch}
	for _, e := range small {
		e.hash = hashOf(e.key)
		d.root, _ = d.root.put(d.epoch, hashBits, e)
	}
}

// remove deletes key and reports whether it was there.
func (d *dict[V]) remove(key string) bool {
	if d.root == nil {
		i := d.index(key)
		if i >= 0 {
			d.taken -= d.small[i].weight()
			d.small = slices.Delete(d.small, i, i+1)
		}
		return i >= 0
	}
	hash := hashOf(key)
	e := d.root.get(hash, key)
	if e == nil {
		return false
	}
	d.taken -= e.weight()
	d.root = d.root.remove(d.epoch, hashBits, hash, key)
	return true
}

// at returns the entry at a place in the order of each.
func (d *dict[V]) at(place int) *entry[V] {
	if d.root != nil {
		return d.root.at(place)
	}
	return &d.small[place]
}

// each calls f with all entries in the defined order, until it returns false.
func (d *dict[V]) each(f func(e *entry[V]) bool) {
	if d.root != nil {
		d.root.each(0, hashBits, f)
		return
	}
	for i := range d.small {
		if !f(&d.small[i]) {
			return
		}
	}
}

// page calls f with a page of entries as HSCAN and SSCAN have them, and returns
// the cursor that follows. A small dict is one page. One of a large dict is at
// least count entries whose hashes are cursor or more; entries of one hash stay
// together. An entry that stays is seen, and one that is there when a dict
// becomes large is seen too, since a small dict has no second page.
func (d *dict[V]) page(cursor uint64, count int, f func(e *entry[V])) (next uint64) {
	if d.root == nil {
		for i := range d.small {
			f(&d.small[i])
		}
		return 0
	}
	if cursor >= 1<<hashBits {
		return 0
	}
	last := uint64(0)
	d.root.each(cursor, hashBits, func(e *entry[V]) bool {
		if count <= 0 && e.hash != last {
			next = e.hash
			return false
		}
		count--
		last = e.hash
		f(e)
		return true
	})
	return next
}

// The forms of a dict in its encoding.
const (
	formSmall = iota
	formInts  // of a set only
	formLarge
)

// encodeDict writes form, number and entries, in order; value writes one value.
func (d *dict[V]) encodeDict(e *encoder, form byte, value func(V)) {
	e.byte(form)
	e.uvarint(uint64(d.size()))
	d.each(func(en *entry[V]) bool {
		e.string(en.key)
		value(en.val)
		return true
	})
}

func (d *dict[V]) form() byte {
	if d.root != nil {
		return formLarge
	}
	return formSmall
}

// decodeDict reads what encodeDict wrote, but for the form, into an empty dict.
func (d *dict[V]) decodeDict(r *stateReader, form byte, limit int, value func() V) {
	n := r.uvarint()
	if n == 0 || form != formLarge && n > uint64(limit) {
		r.fail("dictionary of %d entries", n)
	}
	if form == formLarge {
		d.root = &trie[V]{epoch: d.epoch}
	}
	var last entry[V]
	for i := n; i > 0 && r.err == nil; i-- {
		en := entry[V]{key: r.string(), val: value()}
		switch {
		case form == formLarge:
			en.hash = hashOf(en.key)
			if i < n && !last.before(en.hash, en.key) {
				r.fail("dictionary out of order")
				return
			}
			d.root, _ = d.root.put(d.epoch, hashBits, en)
		case d.index(en.key) >= 0:
			r.fail("dictionary key that comes twice")
			return
		default:
			d.small = append(d.small, en)
		}
		d.taken += en.weight()
		last = en
	}
}

// check reports an invariant that does not hold; a small dict may have limit
// entries.
func (d *dict[V]) check(limit int) error {
	if d.root == nil {
		if len(d.small) > limit {
			return fmt.Errorf("a small dictionary has %d entries", len(d.small))
		}
		keys := make([]string, 0, len(d.small))
		for _, e := range d.small {
			keys = append(keys, e.key)
		}
		slices.Sort(keys)
		if len(slices.Compact(keys)) < len(d.small) {
			return fmt.Errorf("a dictionary has a key twice")
		}
		return nil
	}
	if len(d.small) > 0 {
		return fmt.Errorf("a large dictionary has small entries")
	}
	if d.root.epoch > d.epoch {
		return fmt.Errorf("a trie is newer than its dictionary")
	}
	if err := d.root.check(hashBits); err != nil {
		return err
	}
	var last *entry[V]
	var err error
	d.each(func(e *entry[V]) bool {
		switch {
		case e.hash != hashOf(e.key):
			err = fmt.Errorf("key %q has a wrong hash", e.key)
		case last != nil && !last.before(e.hash, e.key):
			err = fmt.Errorf("key %q is out of order", e.key)
		}
		last = e
		return err == nil
	})
	return err
}

// before reports whether e comes ahead of a key in a trie.
func (e *entry[V]) before(hash uint64, key string) bool {
	return e.hash < hash || e.hash == hash && strings.Compare(e.key, key) < 0
}
