package fsm

import (
	"github.com/trivetdb/trivet/fsm/acl"
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
	woken  bool   // the next command is a blocking one that has waited
	typed  []bool // which arguments are values in canonical encoding; nil for none
	seed   uint64 // of a read
	chance *chance
	user   *acl.User // whose permissions a script needs; nil for one who may do everything
	origin uint64    // of the batch that is applied
}

func (tx *Tx) keys() *keyspace { return &tx.st.dbs[tx.db] }

// get returns the object at key, or nil where there is none or it is due.
func (tx *Tx) get(key []byte) *object {
	o := tx.keys().get(string(key))
	if o == nil || o.expireAt == 0 || o.expireAt > tx.now {
		return o
	}
	if tx.write {
		tx.keys().remove(tx.st, string(key))
		tx.st.expired++
	}
	return nil
}

// put makes key hold a new object.
func (tx *Tx) put(key []byte, o *object) {
	tx.keys().put(tx.st, tx.db, string(key), o)
	tx.signal(key, o)
}

// edit returns the object at key ready to be changed, or nil.
func (tx *Tx) edit(key []byte) *object {
	o := tx.get(key)
	if o == nil {
		return nil
	}
	tx.signal(key, o)
	return tx.keys().edit(tx.st, string(key))
}

// remove deletes key and reports whether it was there.
func (tx *Tx) remove(key []byte) bool {
	return tx.get(key) != nil && tx.keys().remove(tx.st, string(key))
}

// expire sets the deadline of the object at key, which must exist; 0 takes it
// away.
func (tx *Tx) expire(key []byte, at int64) {
	o := tx.keys().edit(tx.st, string(key))
	if o.due != nil {
		tx.st.due.remove(o.due)
		o.due = nil
	}
	o.expireAt = at
	if at != 0 {
		o.due = tx.st.due.add(at, tx.db, string(key))
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
	if tx.typed == nil || !tx.typed[i] {
		return &object{str: string(args[i])}, resp.Nil
	}
	v, rest, err := resp.ParseValue(args[i], resp.NoLimits)
	switch {
	case err != nil || len(rest) > 0:
		return nil, errSyntax
	case v.Kind == resp.Integer:
		return &object{kind: kindInteger, str: itoa(v.Int)}, resp.Nil
	case v.Kind == resp.Bulk:
		return &object{str: v.Str}, resp.Nil
	}
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
