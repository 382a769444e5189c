package fsm

import (
	"fmt"

	"github.com/trivetdb/trivet/resp"
)

// A container is a value made of parts: a list, a hash, a set and so on. Its
// parts are shared with frozen views and copied when they are first changed
// after a freeze; each part carries the epoch in which it was made or copied.
type container interface {
	// clone returns a container that may be changed while the old one stays as
	// it is. It costs little, whatever the size: parts are shared, and those
	// whose epoch is not the given one are copied before they change.
	clone(epoch uint64) container
	// size returns the number of elements. A key never holds an empty
	// container, save for a stream.
	size() int
	// bytes estimates what the elements take, see memory.go. It costs little,
	// whatever the size.
	bytes() int
	// encode writes the container. Equal contents are equal bytes, whatever
	// way led to them.
	encode(e *encoder)
	// check reports an invariant that does not hold, for tests.
	check() error
}

// A containerKind says how a container is made and what TYPE calls it.
type containerKind struct {
	name   string
	create func(epoch uint64) container
	// decode reads what encode wrote; it calls d.fail for what encode cannot
	// have written.
	decode func(d *stateReader, epoch uint64) container
}

// containerKinds has a row for each kind past kindClassic.
var containerKinds = map[kind]containerKind{
	kindList:   {"list", func(epoch uint64) container { return newDeque(epoch) }, decodeDeque},
	kindHash:   {"hash", func(epoch uint64) container { return newFields(epoch) }, decodeFields},
	kindSet:    {"set", func(epoch uint64) container { return newMembers(epoch) }, decodeMembers},
	kindZSet:   {"zset", func(epoch uint64) container { return newSortedSet(epoch) }, decodeSortedSet},
	kindStream: {"stream", func(epoch uint64) container { return newStream(epoch) }, decodeStream},

	kindGroupedStream: {"stream", nil, decodeGroupedStream},
}

// view returns the container of kind k at a key: zero where there is none. The
// error reply says that the key holds something else.
func view[C container](tx *Tx, key []byte, k kind) (c C, ok bool, fail resp.Value) {
	o := tx.get(key)
	switch {
	case o == nil:
		return c, false, resp.Nil
	case o.kind != k:
		return c, false, errWrongType
	}
	return o.val.(C), true, resp.Nil
}

// change returns the container of kind k at a key, to be changed; it makes one
// where there is none. The caller must leave an element in it, or call
// dropEmpty.
func change[C container](tx *Tx, key []byte, k kind) (c C, fail resp.Value) {
	o := tx.get(key)
	switch {
	case o == nil:
		o = &object{kind: k, val: containerKinds[k].create(tx.st.epoch)}
		o = tx.put(key, o)
	case o.kind != k:
		return c, errWrongType
	default:
		o = tx.edit(key, o)
	}
	return o.val.(C), resp.Nil
}

// dropEmpty removes the key where its container has no element left.
func (tx *Tx) dropEmpty(key []byte) {
	if o := tx.get(key); o != nil {
		if c, ok := o.val.(container); ok && c.size() == 0 {
			tx.remove(key)
			tx.notifyDeleted(key)
		}
	}
}

// checkContainer is the part of Check that looks into a value.
func checkContainer(o *object) error {
	if l, ok := o.val.(*longString); ok {
		if o.kind != kindString || o.str != "" {
			return fmt.Errorf("a long string beside something else")
		}
		return l.check()
	}
	k, ok := containerKinds[o.kind]
	if !ok {
		return nil
	}
	c, ok := o.val.(container)
	switch {
	case !ok:
		return fmt.Errorf("a %s without a value", k.name)
	case c.size() == 0 && k.name != "stream":
		return fmt.Errorf("an empty %s", k.name)
	}
	return c.check()
}
