package fsm

import (
	"fmt"
	"math"
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

// unknownRead is the value of read where it is not known.
const unknownRead = -1

// group returns a group to look at, or nil.
func (s *stream) group(name []byte) *streamGroup { return s.groups.get(label(name)) }

// consumer returns a consumer of a group, and makes it where there is none.
func (g *streamGroup) consumer(name label, now int64, epoch uint64) (c *streamConsumer, made bool) {
	if g.consumers.get(name) == nil {
		made = g.consumers.put(name, streamConsumer{seen: now, active: -1}, epoch)
	}
	return g.consumers.edit(name, epoch), made
}

// see notes that a consumer, new or not, asks for something of the stream at key.
func (tx *Tx) see(g *streamGroup, name label, key []byte, epoch uint64) {
	c, made := g.consumer(name, tx.now, epoch)
	c.seen = tx.now
	if made {
		tx.notify(notifyStream, "xgroup-createconsumer", key)
	}
}

// assign makes an entry pending with a consumer, which must be there.
func (g *streamGroup) assign(id streamID, d delivery, epoch uint64) {
	old := g.pending.get(id)
	if old != nil && old.to != d.to {
		g.consumers.edit(old.to, epoch).pending.remove(id, epoch)
	}
	if old == nil || old.to != d.to {
		g.consumers.edit(d.to, epoch).pending.put(id, struct{}{}, epoch)
	}
	g.pending.put(id, d, epoch)
}

// forget makes an entry no longer pending, and reports whether it was.
func (g *streamGroup) forget(id streamID, epoch uint64) bool {
	d := g.pending.get(id)
	if d == nil {
		return false
	}
	g.consumers.edit(d.to, epoch).pending.remove(id, epoch)
	return g.pending.remove(id, epoch)
}

// again counts one more delivery.
func (d *delivery) again() {
	if d.count < math.MaxInt64 {
		d.count++
	}
}

// dismiss removes a consumer, and returns how many entries it had pending.
func (g *streamGroup) dismiss(name label, epoch uint64) int {
	c := g.consumers.get(name)
	if c == nil {
		return 0
	}
	c.pending.each(streamID{}, func(id streamID, _ *struct{}) bool {
		return g.pending.remove(id, epoch)
	})
	n := c.pending.n
	g.consumers.remove(name, epoch)
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

// bytes estimates the memory that a stream's groups take.
func (s *stream) groupBytes() int {
	n := 0
	s.groups.each("", func(name label, g *streamGroup) bool {
		n += len(name) + (1+g.consumers.n+2*g.pending.n)*elementOverhead
		return true
	})
	return n
}

// checkGroups is the part of check for groups.
func (s *stream) checkGroups() error {
	err := s.groups.check(s.epoch)
	s.groups.each("", func(name label, g *streamGroup) bool {
		if err == nil {
			if err = g.check(s.epoch); err != nil {
				err = fmt.Errorf("group %q: %w", name, err)
			}
		}
		return err == nil
	})
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
