package rdb

import (
	"encoding/binary"
	"fmt"
	"strconv"
)

// Flags of an entry in a stream's listpack.
const (
	entryDeleted    = 1
	entrySameFields = 2 // as the master entry has
)

func (d *decoder) streamID() ID {
	ms := d.length()
	return ID{ms, d.length()}
}

// rawID reads an ID as it stands in keys: big-endian, so that bytes are in order.
func (d *decoder) rawID() ID { return parseRawID(d.full(make([]byte, 16))) }

func parseRawID(b []byte) ID {
	return ID{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
}

func (d *decoder) stream(typ byte) *Stream {
	s := &Stream{}
	d.each(func() { d.streamNode(s) })
	if n := d.length(); n != uint64(len(s.Entries)) {
		d.fail("stream of %d entries, not %d", len(s.Entries), n)
	}
	s.Last = d.streamID()
	s.Added = uint64(len(s.Entries))
	if typ >= typeStreams2 {
		d.streamID() // the first entry's
		s.MaxDeleted, s.Added = d.streamID(), d.length()
	}
	if n := len(s.Entries); n > 0 && s.Last.Less(s.Entries[n-1].ID) {
		d.fail("stream whose last ID is not the last")
	}
	if s.Added < uint64(len(s.Entries)) {
		d.fail("stream of %d entries ever", s.Added)
	}
	d.each(func() { s.Groups = append(s.Groups, d.group(s, typ)) })
	return s
}

// streamNode reads an ID and a listpack of entries, whose IDs count from that.
func (d *decoder) streamNode(s *Stream) {
	key := d.blob()
	if len(key) != 16 {
		d.fail("stream node with a key of %d bytes", len(key))
	}
	elems := d.unpack(&listpack, nil)
	if d.err != nil {
		return
	}
	r := nodeReader{elems: elems}
	if r.entries(s, parseRawID(key)); r.bad || len(r.elems) > 0 {
		d.fail("stream node that does not end where it should")
	}
}

// A nodeReader reads the elements of a stream's listpack.
type nodeReader struct {
	elems []string
	bad   bool
}

func (r *nodeReader) take(n int64) []string {
	if n < 0 || n > int64(len(r.elems)) {
		r.bad, r.elems = true, nil
		return nil
	}
	elems := r.elems[:n]
	r.elems = r.elems[n:]
	return elems
}

func (r *nodeReader) int() int64 {
	elems := r.take(1)
	if elems == nil {
		return 0
	}
	n, err := strconv.ParseInt(elems[0], 10, 64)
	r.bad = r.bad || err != nil
	return n
}

// entries reads the master entry, which tells how many entries there are and the
// fields that most of them have, and the entries.
func (r *nodeReader) entries(s *Stream, master ID) {
	count, deleted := r.int(), r.int()
	fields := r.take(r.int())
	r.int() // ends the master entry
	if count < 0 || deleted < 0 || count > int64(len(r.elems)) || deleted > int64(len(r.elems)) {
		r.bad = true
	}
	live := int64(0)
	for seen := int64(0); seen < count+deleted && !r.bad; seen++ {
		e, gone := r.entry(master, fields)
		if gone || r.bad {
			continue
		}
		live++
		before := ID{}
		if n := len(s.Entries); n > 0 {
			before = s.Entries[n-1].ID
		}
		r.bad = !before.Less(e.ID)
		s.Entries = append(s.Entries, e)
	}
	r.bad = r.bad || live != count
}

func (r *nodeReader) entry(master ID, fields []string) (e Entry, deleted bool) {
	flags := r.int()
	e.ID = ID{master.Ms + uint64(r.int()), master.Seq + uint64(r.int())}
	parts := int64(3)
	if flags&entrySameFields != 0 {
		values := r.take(int64(len(fields)))
		parts += int64(len(values))
		for i, v := range values {
			e.Fields = append(e.Fields, fields[i], v)
		}
	} else {
		n := r.int()
		if n < 0 || n > int64(len(r.elems)) {
			r.bad = true
			return e, false
		}
		e.Fields = r.take(2 * n)
		parts += 1 + 2*n
	}
	if back := r.int(); back != parts || len(e.Fields) == 0 {
		r.bad = true
	}
	return e, flags&entryDeleted != 0
}

func (d *decoder) group(s *Stream, typ byte) Group {
	g := Group{Name: d.string(), Last: d.streamID()}
	g.Read = s.estimate(g.Last)
	if typ >= typeStreams2 {
		g.Read = int64(d.length())
	}
	at := map[ID]int{}
	d.each(func() {
		p := Pending{ID: d.rawID(), Delivered: int64(d.fixed64()), Count: d.length(), Consumer: -1}
		if n := len(g.Pending); n > 0 && !g.Pending[n-1].ID.Less(p.ID) {
			d.fail("group %q whose pending entries are out of order", g.Name)
		}
		at[p.ID] = len(g.Pending)
		g.Pending = append(g.Pending, p)
	})
	d.each(func() { d.consumer(&g, at, typ) })
	for _, p := range g.Pending {
		if p.Consumer < 0 {
			d.fail("group %q with a pending entry of no consumer", g.Name)
		}
	}
	return g
}

// estimate returns how many entries a group has read, as Redis 7.0 guesses it for
// a stream of an older version, of which no entry is known to be deleted.
func (s *Stream) estimate(last ID) int64 {
	n := len(s.Entries)
	switch {
	case n == 0:
		return 0
	case last == s.Last:
		return int64(n)
	case last.Less(s.Entries[0].ID):
		return 0
	case last == s.Entries[0].ID:
		return 1
	}
	return UnknownRead
}

// consumer reads a consumer and the IDs of its pending entries, which are among
// those of the group.
func (d *decoder) consumer(g *Group, at map[ID]int, typ byte) {
	c := Consumer{Name: d.string(), Seen: int64(d.fixed64())}
	c.Active = c.Seen
	if typ >= typeStreams3 {
		c.Active = int64(d.fixed64())
	}
	d.each(func() {
		id := d.rawID()
		i, ok := at[id]
		if d.err == nil && (!ok || g.Pending[i].Consumer >= 0) {
			d.err = fmt.Errorf("consumer %q with a pending entry that is not the group's, or another's: %w", c.Name, ErrFormat)
		}
		if d.err == nil {
			g.Pending[i].Consumer = len(g.Consumers)
		}
	})
	g.Consumers = append(g.Consumers, c)
}
