package fsm

// A stream with groups has a kind of its own in the encoding, so that a version
// that knows of none stops at it. After the stream comes
//
//	n(v) { name(s) last(v v) read+1(v) consumers pending }    groups by name
//	consumers: n(v) { name(s) seen(8) active(8) }             by name
//	pending:   n(v) { id(v v) consumer(v) at(8) count(v) }    by ID
//
// with a consumer by its place among those of the group.

func (s *stream) encodeGroups(e *encoder) {
	e.uvarint(uint64(s.groups.n))
	s.groups.each("", func(name label, g *streamGroup) bool {
		e.string(string(name))
		e.streamID(g.last)
		e.uvarint(uint64(g.read) + 1)
		g.encode(e)
		return true
	})
}

func (g *streamGroup) encode(e *encoder) {
	places := make(map[label]uint64, g.consumers.n)
	e.uvarint(uint64(g.consumers.n))
	g.consumers.each("", func(name label, c *streamConsumer) bool {
		places[name] = uint64(len(places))
		e.string(string(name))
		e.fixed64(uint64(c.seen))
		e.fixed64(uint64(c.active))
		return true
	})
	e.uvarint(uint64(g.pending.n))
	g.pending.each(streamID{}, func(id streamID, d *delivery) bool {
		e.streamID(id)
		e.uvarint(places[d.to])
		e.fixed64(uint64(d.at))
		e.uvarint(uint64(d.count))
		return true
	})
}

func decodeGroupedStream(d *stateReader, epoch uint64) container {
	s := decodeStream(d, epoch).(*stream)
	n := d.uvarint()
	if n == 0 {
		d.fail("stream that has no group after all")
	}
	before := label("")
	for i := n; i > 0 && d.err == nil; i-- {
		name, g := label(d.string()), streamGroup{last: d.streamID()}
		g.read = int64(d.uvarint() - 1)
		if i < n && !before.less(name) || g.read < unknownRead {
			d.fail("stream whose groups are not in order")
		}
		g.decode(d, epoch)
		s.putGroup(name, g)
		before = name
	}
	return s
}

func (g *streamGroup) decode(d *stateReader, epoch uint64) {
	var names []label
	for n := d.uvarint(); n > 0 && d.err == nil; n-- {
		name, c := label(d.string()), streamConsumer{seen: int64(d.fixed64()), active: int64(d.fixed64())}
		if len(names) > 0 && !names[len(names)-1].less(name) {
			d.fail("stream whose consumers are not in order")
		}
		names = append(names, name)
		g.consumers.put(name, c, epoch)
	}
	before := streamID{}
	n := d.uvarint()
	for i := n; i > 0 && d.err == nil; i-- {
		id, to := d.streamID(), d.uvarint()
		at, count := int64(d.fixed64()), int64(d.uvarint())
		if i < n && !before.less(id) || to >= uint64(len(names)) || count < 0 {
			d.fail("stream whose pending entries are not in order")
			return
		}
		g.pend(id, delivery{names[to], at, count}, epoch)
		before = id
	}
}
