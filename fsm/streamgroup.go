package fsm

import (
	"fmt"
	"math"

	"github.com/trivetdb/trivet/fsm/cost"
)

// A streamGroup is a consumer group: how far its consumers have been given a
// stream, and which entries they have not acknowledged. What is pending lies in
// the group by ID, and as IDs alone with each consumer.
type streamGroup struct {
	last      streamID // entries up to it were given out
	read      int64    // how many those are, of all ever added; -1 where it is not known
	pending   ordered[streamID, delivery]
	consumers ordered[label, streamConsumer]
}

// A delivery is an entry that a consumer has not acknowledged. The entry itself
// may have been deleted.
type delivery struct {
	to    label
	at    int64 // milliseconds since 1970
	count int64
}

// A streamConsumer is one of a group's consumers.
type streamConsumer struct {
	seen    int64 // when it asked for something
	active  int64 // when it got something, -1 for never
	pending ordered[streamID, struct{}]
}

// consumerLook is the steps of finding a group and a consumer by their names.
const consumerLook = 4 * cost.Lookup

// unknownRead is the value of read where it is not known.
const unknownRead = -1

// group returns a group to look at, or nil.
func (s *stream) group(name []byte) *streamGroup { return s.groups.get(label(name)) }

// consumer returns a consumer of a group, and makes it where there is none.
func (g *streamGroup) consumer(s *stream, name label, now int64) (c *streamConsumer, made bool) {
	if g.consumers.get(name) == nil {
		made = g.consumers.put(name, streamConsumer{seen: now, active: -1}, s.epoch)
		s.inGroups += elementOverhead
	}
	return g.consumers.edit(name, s.epoch), made
}

// see notes that a consumer, new or not, asks for something of the stream at key.
func (tx *Tx) see(s *stream, g *streamGroup, name label, key []byte) {
	c, made := g.consumer(s, name, tx.now)
	c.seen = tx.now
	if made {
		tx.notify(notifyStream, "xgroup-createconsumer", key)
	}
}

// assign makes an entry of s pending with a consumer, which must be there.
func (g *streamGroup) assign(s *stream, id streamID, d delivery) {
	if g.pend(id, d, s.epoch) {
		s.inGroups += 2 * elementOverhead
	}
}

// pend is assign, for a group that is no stream's yet. It reports whether the entry
// was not pending.
func (g *streamGroup) pend(id streamID, d delivery, epoch uint64) bool {
	old := g.pending.get(id)
	if old != nil && old.to != d.to {
		g.consumers.edit(old.to, epoch).pending.remove(id, epoch)
	}
	if old == nil || old.to != d.to {
		g.consumers.edit(d.to, epoch).pending.put(id, struct{}{}, epoch)
	}
	return g.pending.put(id, d, epoch)
}

// forget makes an entry no longer pending, and reports whether it was.
func (g *streamGroup) forget(s *stream, id streamID) bool {
	d := g.pending.get(id)
	if d == nil {
		return false
	}
	s.inGroups -= 2 * elementOverhead
	g.consumers.edit(d.to, s.epoch).pending.remove(id, s.epoch)
	return g.pending.remove(id, s.epoch)
}

// again counts one more delivery.
func (d *delivery) again() {
	if d.count < math.MaxInt64 {
		d.count++
	}
}

// dismiss removes a consumer, and returns how many entries it had pending.
func (g *streamGroup) dismiss(s *stream, name label) int {
	c := g.consumers.get(name)
	if c == nil {
		return 0
	}
	c.pending.each(streamID{}, func(id streamID, _ *struct{}) bool {
		return g.pending.remove(id, s.epoch)
	})
	n := c.pending.n
	s.inGroups -= (1 + 2*n) * elementOverhead
	g.consumers.remove(name, s.epoch)
	return n
}

// first returns the ID of the first entry, 0-0 where there is none.
func (s *stream) first() streamID {
	if s.n == 0 {
		return streamID{}
	}
	return s.edge(false).id
}

// holesPast reports whether entries past id may have been deleted one by one, so
// that numbers of entries do not tell how many were passed over.
func (s *stream) holesPast(id streamID) bool {
	return s.n > 0 && s.deleted != (streamID{}) && !s.deleted.less(s.first()) && !s.deleted.less(id)
}

// ordinal returns how many entries there ever were up to id, or unknownRead.
func (s *stream) ordinal(id streamID) int64 {
	first := s.first()
	switch {
	case s.added == 0:
		return 0
	case s.n == 0 && !s.last.less(id), id == s.last:
		return int64(s.added)
	case s.last.less(id):
		return unknownRead
	case s.deleted != (streamID{}) && !s.deleted.less(first):
		return unknownRead
	case id.less(first):
		return int64(s.added) - int64(s.n)
	case id == first:
		return int64(s.added) - int64(s.n) + 1
	}
	return unknownRead
}

// pass notes that the group was given an entry past its last one.
func (g *streamGroup) pass(s *stream, id streamID) {
	switch {
	case !g.last.less(id):
		return
	case g.read != unknownRead && !s.holesPast(id):
		if g.read < math.MaxInt64 {
			g.read++
		}
	case s.added > 0:
		g.read = s.ordinal(id)
	}
	g.last = id
}

// lag returns how many entries the group was not given yet, if that is known.
func (g *streamGroup) lag(s *stream) (n int64, ok bool) {
	read := g.read
	if s.added == 0 {
		return 0, true
	}
	if read == unknownRead || s.holesPast(g.last) {
		read = s.ordinal(g.last)
	}
	return int64(s.added) - read, read != unknownRead
}

// bytes estimates the memory that a group of a name takes.
func (g *streamGroup) bytes(name label) int {
	return len(name) + (1+g.consumers.n+2*g.pending.n)*elementOverhead
}

// putGroup adds a group, which has a new name.
func (s *stream) putGroup(name label, g streamGroup) {
	s.groups.put(name, g, s.epoch)
	s.inGroups += g.bytes(name)
}

// dropGroup removes a group, which must be there. What it has goes with it, at no
// cost.
func (s *stream) dropGroup(name label) {
	s.inGroups -= s.groups.get(name).bytes(name)
	s.groups.remove(name, s.epoch)
}

// checkGroups is the part of check for groups.
func (s *stream) checkGroups() error {
	err := s.groups.check(s.epoch)
	sum := 0
	s.groups.each("", func(name label, g *streamGroup) bool {
		sum += g.bytes(name)
		if err == nil {
			if err = g.check(s.epoch); err != nil {
				err = fmt.Errorf("group %q: %w", name, err)
			}
		}
		return err == nil
	})
	if err == nil && sum != s.inGroups {
		err = fmt.Errorf("groups of %d bytes count for %d", sum, s.inGroups)
	}
	return err
}

func (g *streamGroup) check(epoch uint64) error {
	if g.read < unknownRead {
		return fmt.Errorf("%d entries were read", g.read)
	}
	if err := g.pending.check(epoch); err != nil {
		return err
	}
	if err := g.consumers.check(epoch); err != nil {
		return err
	}
	n := 0
	var err error
	g.consumers.each("", func(name label, c *streamConsumer) bool {
		n += c.pending.n
		if err = c.pending.check(epoch); err != nil {
			return false
		}
		c.pending.each(streamID{}, func(id streamID, _ *struct{}) bool {
			if d := g.pending.get(id); d == nil || d.to != name || d.count < 0 {
				err = fmt.Errorf("entry %v is not pending with consumer %q alone", id, name)
			}
			return err == nil
		})
		return err == nil
	})
	if err == nil && n != g.pending.n {
		err = fmt.Errorf("%d entries are pending with consumers, %d in all", n, g.pending.n)
	}
	return err
}
