package fsm

// A crowd is the entries of one hash, where these are many. Chance does not bring
// them together, but the hash is known, and keys that share one are soon computed.
// They are kept by key, so that none costs more than others do.
type crowd[V any] struct {
	byKey ordered[label, entry[V]]
	order rankTree // the keys, to find one by its place
}

// crowded makes a crowd of a leaf, whose entries have one hash.
func (t *trie[V]) crowded() {
	t.crowd = &crowd[V]{}
	for _, e := range t.entries {
		t.crowd.put(e, t.epoch)
	}
	t.entries = nil
}

// scattered undoes crowded.
func (t *trie[V]) scattered() {
	t.crowd.byKey.each("", func(_ label, e *entry[V]) bool {
		t.entries = append(t.entries, *e)
		return true
	})
	t.crowd = nil
}

// put returns the weight of the entry in whose place e is, 0 where its key is new.
func (c *crowd[V]) put(e entry[V], epoch uint64) (old int) {
	if before := c.byKey.get(label(e.key)); before != nil {
		old, e.key = before.weight(), before.key
	} else {
		c.order.insert(scored{member: e.key}, epoch)
	}
	c.byKey.put(label(e.key), e, epoch)
	return old
}

// remove takes out a key, which must be there.
func (c *crowd[V]) remove(key string, epoch uint64) {
	c.byKey.remove(label(key), epoch)
	c.order.remove(scored{member: key}, epoch)
}

func (c *crowd[V]) at(place int) *entry[V] { return c.byKey.get(label(c.order.at(place).member)) }
