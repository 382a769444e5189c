package fsm

import (
	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

// The commands about entries that consumers have not acknowledged.
var pendingCommands = []Command{
	{Spec{"XACK", -4, Write | Fast, Keys{1, 1, 1}, "stream", "Acknowledge entries that a group's consumers have pending.", "5.0.0"}, xack},
	{Spec{"XPENDING", -3, Read, Keys{1, 1, 1}, "stream", "List what a group's consumers have pending.", "5.0.0"}, xpending},
	{Spec{"XCLAIM", -6, Write | Fast, Keys{1, 1, 1}, "stream", "Make entries that others have pending a consumer's own.", "5.0.0"}, xclaim},
	{Spec{"XAUTOCLAIM", -6, Write | Fast, Keys{1, 1, 1}, "stream", "Make the entries that others have pending for long a consumer's own.", "6.2.0"}, xautoClaim},
}

func errNoGroup(key, group []byte) resp.Value {
	return resp.Err("NOGROUP No such key '" + string(key) + "' or consumer group '" + string(group) + "'")
}

// pendingAt finds a stream and one of its groups.
func (tx *Tx) pendingAt(key, group []byte) (s *stream, g *streamGroup, fail resp.Value) {
	s, ok, fail := tx.stream(key)
	if fail.IsError() {
		return nil, nil, fail
	}
	if ok {
		g = s.group(group)
	}
	if g == nil {
		return nil, nil, errNoGroup(key, group)
	}
	return s, g, resp.Nil
}

func xack(tx *Tx, args [][]byte) resp.Value {
	tx.missing(args[1])
	s, ok, fail := tx.stream(args[1])
	if !ok {
		return orZero(fail)
	}
	g := s.group(args[2])
	if g == nil {
		return resp.Int(0)
	}
	tx.chargeEach(args[3:], 2*cost.Lookup+cost.Insert)
	found := false
	ids := make([]streamID, 0, len(args)-3)
	for _, arg := range args[3:] {
		id, ok := parseStreamID(arg, 0)
		if !ok {
			return errStreamID
		}
		found = found || g.pending.get(id) != nil
		ids = append(ids, id)
	}
	if !found {
		return resp.Int(0)
	}
	s, g = tx.editGroup(args[1], args[2])
	n := int64(0)
	for _, id := range ids {
		if g.forget(s, id) {
			n++
		}
	}
	return resp.Int(n)
}

// xpendingOptions are what XPENDING takes after its group.
type xpendingOptions struct {
	minIdle  int64
	from, to streamID
	count    int64
	one      bool // of a consumer alone
	consumer label
}

// parseXPending parses: [IDLE min] start end count [consumer].
func parseXPending(args [][]byte) (opt xpendingOptions, fail resp.Value) {
	var ok bool
	if len(args) < 3 || len(args) > 6 {
		return opt, errSyntax
	}
	if equalFold(args[0], "IDLE") {
		if opt.minIdle, ok = parseInt(args[1]); !ok {
			return opt, errNotInteger
		}
		if args = args[2:]; len(args) < 3 {
			return opt, errSyntax
		}
	}
	if opt.count, ok = parseInt(args[2]); !ok {
		return opt, errNotInteger
	}
	if opt.from, fail = parseIDEnd(args[0], false); fail.IsError() {
		return opt, fail
	}
	if opt.to, fail = parseIDEnd(args[1], true); fail.IsError() {
		return opt, fail
	}
	if len(args) > 3 {
		opt.one, opt.consumer = true, label(args[3])
	}
	return opt, resp.Nil
}

func xpending(tx *Tx, args [][]byte) resp.Value {
	var opt xpendingOptions
	if len(args) > 3 {
		var fail resp.Value
		if opt, fail = parseXPending(args[3:]); fail.IsError() {
			return fail
		}
	}
	_, g, fail := tx.pendingAt(args[1], args[2])
	switch {
	case fail.IsError():
		return fail
	case len(args) == 3:
		return g.summary(tx)
	}
	tx.charge(consumerLook + cost.Made(len(opt.consumer)))
	room := tx.room(1)
	found := []resp.Value{}
	look := func(id streamID, d *delivery) bool {
		if opt.to.less(id) || int64(len(found)) >= opt.count {
			return false
		}
		tx.charge(cost.Element)
		if opt.minIdle == 0 || tx.now-d.at >= opt.minIdle {
			room.take(5, idText+len(d.to))
			found = append(found, resp.List(resp.Str(id.String()), resp.Str(string(d.to)), resp.Int(max(0, tx.now-d.at)), resp.Int(d.count)))
		}
		return true
	}
	if !opt.one {
		g.pending.each(opt.from, look)
	} else if c := g.consumers.get(opt.consumer); c != nil {
		c.pending.each(opt.from, func(id streamID, _ *struct{}) bool {
			tx.charge(cost.Lookup)
			return look(id, g.pending.get(id))
		})
	}
	return resp.List(found...)
}

// summary answers XPENDING without a range.
func (g *streamGroup) summary(tx *Tx) resp.Value {
	if g.pending.n == 0 {
		return resp.List(resp.Int(0), resp.Nil, resp.Nil, resp.Value{Kind: resp.NullArray})
	}
	first, _, _ := g.pending.seek(streamID{})
	room := tx.room(5)
	var consumers []resp.Value
	g.consumers.each("", func(name label, c *streamConsumer) bool {
		tx.charge(cost.Element)
		if c.pending.n > 0 {
			room.take(3, len(name)+idText)
			consumers = append(consumers, resp.Strs(string(name), itoa(int64(c.pending.n))))
		}
		return true
	})
	return resp.List(resp.Int(int64(g.pending.n)), resp.Str(first.String()), resp.Str(g.pending.greatest().String()), resp.List(consumers...))
}
