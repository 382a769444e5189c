package fsm

// A stream is encoded as the number of its entries, its last ID, the greatest
// deleted one and the number of entries ever added; then come the entries.

func (e *encoder) streamID(id streamID) {
	e.uvarint(id.ms)
	e.uvarint(id.seq)
}

func (d *stateReader) streamID() streamID {
	ms := d.uvarint()
	return streamID{ms, d.uvarint()}
}

func (s *stream) encode(e *encoder) {
	e.uvarint(uint64(s.n))
	e.streamID(s.last)
	e.streamID(s.deleted)
	e.uvarint(s.added)
	s.each(streamID{}, maxStreamID, false, func(entry *streamEntry) bool {
		e.streamID(entry.id)
		e.uvarint(uint64(len(entry.fields)))
		for _, f := range entry.fields {
			e.string(f)
		}
		return true
	})
}

func decodeStream(d *stateReader, epoch uint64) container {
	s := newStream(epoch)
	n := d.uvarint()
	s.last, s.deleted, s.added = d.streamID(), d.streamID(), d.uvarint()
	if s.added < n {
		d.fail("stream with wrong counts")
	}
	before := streamID{}
	for ; n > 0 && d.err == nil; n-- {
		e := streamEntry{id: d.streamID()}
		fields := d.uvarint()
		if !before.less(e.id) || s.last.less(e.id) || fields == 0 || fields%2 != 0 {
			d.fail("stream whose entries are not in order")
		}
		for ; fields > 0 && d.err == nil; fields-- {
			e.fields = append(e.fields, d.string())
		}
		if d.err == nil {
			s.put(e)
			before = e.id
		}
	}
	return s
}
