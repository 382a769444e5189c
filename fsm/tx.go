package fsm

import (
	"github.com/trivetdb/trivet/fsm/acl"
	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

// A Tx is what a command sees: the state, its database, the time and chance.
// Only writes may call the methods that change something.
type Tx struct {
	st     *State
	db     int
	now    int64 // milliseconds since 1970
	write  bool
	skip   bool   // leave out the rest of the group
	script bool   // a script calls
	woken  bool   // the next command is a blocking one that has waited
	typed  []bool // which arguments are values in canonical encoding; nil for none
	chance *chance

	user   *acl.User // whose permissions a script needs; nil for one who may do everything
	origin uint64    // of the batch that is applied

	admitted bool // what may grow the data runs, however much there is

	fault error // what the command found that this node cannot go on after

	meter   cost.Meter // what the command may still do
	replied int        // bytes of replies that the group has already

	reads  bool        // the command is of a Read row: a key that it misses is told of
	told   *[]Message  // where a read's notifications go; nil for nowhere
	looked *Lookups    // of a read; may be nil
	seed   uint64      // of a read
	stop   func() bool // of a read; see Request
	light  int         // of a read; see Request
}

func (tx *Tx) keys() *keyspace { return &tx.st.dbs[tx.db] }

// get returns the object at key, or nil where there is none or it is due.
func (tx *Tx) get(key []byte) *object {
	o := tx.peek(key)
	if o == nil && tx.reads {
		tx.miss(key)
	}
	return o
}

// peek is get for a command that only looks for keys, or at how they are kept.
func (tx *Tx) peek(key []byte) *object {
	tx.charge(cost.Lookup + cost.Read(len(key)))
	o := tx.keys().get(key)
	if o == nil || o.expireAt == 0 || o.expireAt > tx.now {
		tx.looked.count(o != nil)
		return o
	}
	tx.looked.count(false)
	if tx.write {
		tx.gone(key, o)
		tx.st.expire(tx.db, string(key))
		tx.st.expired++
		tx.st.notifyExpired(tx.db, string(key))
	}
	return nil
}

// put makes key hold a copy of o, which it returns.
func (tx *Tx) put(key []byte, o *object) *object {
	if tx.st.listens {
		tx.gone(key, tx.keys().get(key))
	}
	kept, added := tx.keys().put(tx.st, key, o)
	if added {
		tx.notify(notifyNew, "new", key)
	}
	tx.signal(key, kept)
	return kept
}

// edit returns o, which get has found at key, ready to be changed.
func (tx *Tx) edit(key []byte, o *object) *object {
	tx.signal(key, o)
	return tx.keys().own(tx.st, key, o)
}

// remove deletes key and reports whether it was there.
func (tx *Tx) remove(key []byte) bool {
	o := tx.get(key)
	if o == nil {
		return false
	}
	tx.gone(key, o)
	tx.st.remove(tx.db, string(key), o)
	return true
}

// expire sets the deadline of the object at key, which must exist; 0 takes it
// away.
func (tx *Tx) expire(key []byte, at int64) {
	k := tx.keys()
	o := k.own(tx.st, key, k.get(key))
	if o.due != nil {
		k.due.drop(o.due)
		o.due = nil
	}
	o.expireAt = at
	if at != 0 {
		o.due = k.due.add(at, string(key))
	}
}

// random draws a number below n.
func (tx *Tx) random(n int) int {
	if tx.chance == nil {
		tx.chance = newChance(tx.seed)
	}
	return tx.chance.below(n)
}

// value returns the object that argument i of a Typed command stands for.
func (tx *Tx) value(args [][]byte, i int) (*object, resp.Value) {
	tx.charge(cost.Made(len(args[i])))
	if tx.typed == nil || !tx.typed[i] {
		return &object{str: string(args[i])}, resp.Nil
	}
	lim := resp.NoLimits
	lim.Depth = resp.DefaultLimits.Depth // no door lets through what is deeper; recursion is bounded by it
	v, rest, err := resp.ParseValue(args[i], lim)
	switch {
	case err != nil || len(rest) > 0:
		return nil, errSyntax
	case v.Kind == resp.Integer:
		return &object{kind: kindInteger, str: itoa(v.Int)}, resp.Nil
	case v.Kind == resp.Bulk, v.Kind == resp.BigNumber:
		return &object{str: v.Str}, resp.Nil
	}
	values, _ := weigh(v)
	tx.charge(cost.Times(values, cost.Lookup))
	return &object{kind: kindClassic, val: v}, resp.Nil
}

// chance is a deterministic source of numbers, splitmix64.
type chance struct{ state uint64 }

func newChance(seed uint64) *chance { return &chance{seed} }

func (c *chance) next() uint64 {
	c.state += 0x9e3779b97f4a7c15
	z := c.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func (c *chance) below(n int) int { return int(c.next() % uint64(n)) }
