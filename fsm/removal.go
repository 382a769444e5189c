package fsm

import "math"

// A WATCH on a key that is not there must notice that the key came and went
// meanwhile. So a shard notes when it last lost a key: as the index of the entry
// that deleted it, or, where its time had passed, as the one that changed it last.
// Readers may see the time pass before the entry that removes the key.

// remove deletes key and reports whether it was there.
func (k *keyspace) remove(s *State, key string) bool {
	o := k.get(key)
	if o == nil {
		return false
	}
	k.drop(s, key, o, s.index)
	return true
}

// expire deletes key, which is there and whose time has passed.
func (k *keyspace) expire(s *State, key string) {
	o := k.get(key)
	k.drop(s, key, o, o.rev)
}

func (k *keyspace) drop(s *State, key string, o *object, gone uint64) {
	if o.due != nil {
		k.due.drop(o.due)
	}
	sh := k.writable(s, key)
	delete(sh.objects, key)
	sh.gone = max(sh.gone, gone)
	k.bytes -= keyOverhead + len(key) + o.bytes()
	k.size--
}

// absence returns when a key like this one went last, for a key that is not
// there or whose time has passed.
func (k *keyspace) absence(key string) uint64 {
	if k.shards == nil {
		return k.rev
	}
	sh := k.shards[shardOf(hashOf(key))]
	if sh == nil {
		return k.rev
	}
	gone := max(sh.gone, k.rev)
	if o := sh.objects[key]; o != nil {
		gone = max(gone, o.rev)
	}
	return gone
}

// clear deletes all keys of a database.
func (s *State) clear(db int) {
	s.settle()
	s.signal(Signal{DB: db, All: true})
	was := &s.dbs[db]
	k := keyspace{rev: was.rev}
	for at, sh := range was.shards {
		if sh == nil {
			continue
		}
		if k.shards == nil {
			k.shards = make([]*shard, shards)
		}
		k.shards[at] = &shard{objects: map[string]*object{}, epoch: s.epoch, gone: sh.gone}
		if len(sh.objects) > 0 {
			k.shards[at].gone = s.index
		}
	}
	*was = k
}

// gone writes when the shards lost keys.
func (e *encoder) gone(dbs *[Databases]keyspace) {
	any := false
	for db := range dbs {
		n := 0
		for _, sh := range dbs[db].shards {
			if sh != nil && sh.gone > 0 {
				n++
			}
		}
		if n == 0 {
			continue
		}
		if !any {
			e.byte(goneMark)
			any = true
		}
		e.byte(byte(db + 1))
		e.uvarint(uint64(n))
		for at, sh := range dbs[db].shards {
			if sh != nil && sh.gone > 0 {
				e.uvarint(uint64(at))
				e.uvarint(sh.gone)
			}
		}
	}
	if any {
		e.byte(0)
	}
}

func (d *stateReader) gone(s *State) {
	before := -1
	for {
		db := int(d.byte()) - 1
		if db < 0 || d.err != nil {
			break
		}
		if db <= before || db >= Databases || s.dbs[db].shards != nil {
			d.fail("database %d that lost keys", db)
			return
		}
		before = db
		d.goneShards(s, &s.dbs[db])
	}
	if before < 0 {
		d.fail("list of no lost keys")
	}
}

func (d *stateReader) goneShards(s *State, k *keyspace) {
	k.shards = make([]*shard, shards)
	n, before := d.uvarint(), -1
	if n == 0 {
		d.fail("list of no shards that lost keys")
	}
	for ; n > 0 && d.err == nil; n-- {
		at, gone := d.uvarint(), d.uvarint()
		if at >= shards || int(at) <= before || gone == 0 || gone > min(s.index, math.MaxInt64) {
			d.fail("shard that lost keys")
			return
		}
		before = int(at)
		k.shards[at] = &shard{objects: map[string]*object{}, epoch: s.epoch, gone: gone}
	}
}
