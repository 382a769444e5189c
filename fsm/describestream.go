package fsm

import (
	"math"

	"github.com/trivetdb/trivet/fsm/rdb"
	"github.com/trivetdb/trivet/resp"
)

func rdbID(id streamID) rdb.ID { return rdb.ID{Ms: id.ms, Seq: id.seq} }

func idOf(id rdb.ID) streamID { return streamID{id.Ms, id.Seq} }

func describeStream(s *stream) *rdb.Stream {
	d := &rdb.Stream{Last: rdbID(s.last), MaxDeleted: rdbID(s.deleted), Added: s.added}
	s.each(streamID{}, maxStreamID, false, func(e *streamEntry) bool {
		d.Entries = append(d.Entries, rdb.Entry{ID: rdbID(e.id), Fields: e.fields})
		return true
	})
	s.groups.each("", func(name label, g *streamGroup) bool {
		d.Groups = append(d.Groups, describeGroup(name, g))
		return true
	})
	return d
}

func describeGroup(name label, g *streamGroup) rdb.Group {
	d := rdb.Group{Name: string(name), Last: rdbID(g.last), Read: g.read}
	places := make(map[label]int, g.consumers.n)
	g.consumers.each("", func(name label, c *streamConsumer) bool {
		places[name] = len(places)
		d.Consumers = append(d.Consumers, rdb.Consumer{Name: string(name), Seen: c.seen, Active: c.active})
		return true
	})
	g.pending.each(streamID{}, func(id streamID, p *delivery) bool {
		d.Pending = append(d.Pending, rdb.Pending{ID: rdbID(id), Delivered: p.at, Count: uint64(p.count), Consumer: places[p.to]})
		return true
	})
	return d
}

func buildStream(d *rdb.Stream, epoch uint64) (*object, resp.Value) {
	s := newStream(epoch)
	for _, e := range d.Entries {
		s.put(streamEntry{idOf(e.ID), e.Fields})
	}
	s.last, s.deleted, s.added = idOf(d.Last), idOf(d.MaxDeleted), d.Added
	for i := range d.Groups {
		if !s.buildGroup(&d.Groups[i]) {
			return nil, errDumpFormat
		}
	}
	return &object{kind: kindStream, val: s}, resp.Nil
}

// buildGroup adds a group, and reports whether its description makes sense.
func (s *stream) buildGroup(d *rdb.Group) bool {
	name := label(d.Name)
	if s.groups.get(name) != nil || d.Read < unknownRead {
		return false
	}
	g := streamGroup{last: idOf(d.Last), read: d.Read}
	for _, c := range d.Consumers {
		if !g.consumers.put(label(c.Name), streamConsumer{seen: c.Seen, active: c.Active}, s.epoch) {
			return false
		}
	}
	for _, p := range d.Pending {
		if p.Consumer < 0 || p.Consumer >= len(d.Consumers) || g.pending.get(idOf(p.ID)) != nil {
			return false
		}
		count := int64(min(p.Count, math.MaxInt64))
		g.pend(idOf(p.ID), delivery{label(d.Consumers[p.Consumer].Name), p.Delivered, count}, s.epoch)
	}
	s.putGroup(name, g)
	return true
}
