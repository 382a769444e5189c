package fsm

import (
	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

var xinfoCommands = []Command{
	{Spec{"XINFO", -2, Local | Container, Keys{}, "stream", "Commands that tell about streams.", "5.0.0"}, noSubcommand},
	{Spec{"XINFO|STREAM", -3, Read, Keys{2, 2, 1}, "stream", "Describe a stream.", "5.0.0"}, xinfoStream},
	{Spec{"XINFO|GROUPS", 3, Read, Keys{2, 2, 1}, "stream", "Describe a stream's consumer groups.", "5.0.0"}, xinfoGroups},
	{Spec{"XINFO|CONSUMERS", 4, Read, Keys{2, 2, 1}, "stream", "Describe the consumers of a group.", "5.0.0"}, xinfoConsumers},
	{Spec{"XINFO|HELP", 2, Read | Loading | Stale, Keys{}, "stream", "Describe the subcommands.", "5.0.0"}, help(xinfoHelpText)},
}

// What Redis's radix tree would have, as far as the number of entries tells.
const redisNode = 100

// xinfoStream describes a stream. The tree that it tells of is the one that
// Redis would need for as many small entries.
func xinfoStream(tx *Tx, args [][]byte) resp.Value {
	s, ok, fail := tx.stream(args[2])
	switch {
	case fail.IsError():
		return fail
	case !ok:
		return errNoSuchKey
	}
	full, count, fail := parseXInfo(args[1], args[3:])
	if fail.IsError() {
		return fail
	}
	room := tx.room(20)
	var first, last resp.Value
	var firstID streamID
	if s.n > 0 {
		firstID, first, last = s.edge(false).id, s.edge(false).reply(&room), s.edge(true).reply(&room)
	}
	nodes := int64((s.n + redisNode - 1) / redisNode)
	info := []resp.Value{
		resp.Str("length"), resp.Int(int64(s.n)),
		resp.Str("radix-tree-keys"), resp.Int(nodes),
		resp.Str("radix-tree-nodes"), resp.Int(nodes + 1),
		resp.Str("last-generated-id"), resp.Str(s.last.String()),
		resp.Str("max-deleted-entry-id"), resp.Str(s.deleted.String()),
		resp.Str("entries-added"), resp.Int(int64(s.added)),
		resp.Str("recorded-first-entry-id"), resp.Str(firstID.String()),
	}
	if full {
		entries := resp.List(s.between(&room, streamID{}, maxStreamID, count, false)...)
		info = append(info, resp.Str("entries"), entries, resp.Str("groups"), s.fullGroups(&room, count))
	} else {
		info = append(info, resp.Str("groups"), resp.Int(int64(s.groups.n)), resp.Str("first-entry"), first, resp.Str("last-entry"), last)
	}
	return resp.Dict(info...)
}

// parseXInfo parses: [FULL [COUNT count]]. A negative count means all.
func parseXInfo(name []byte, args [][]byte) (full bool, count int64, fail resp.Value) {
	switch {
	case len(args) == 0:
		return false, 0, resp.Nil
	case len(args) != 1 && len(args) != 3, !equalFold(args[0], "FULL"):
		return false, 0, errSubcommandArgs("XINFO", name)
	case len(args) == 1:
		return true, 10, resp.Nil
	case !equalFold(args[1], "COUNT"):
		return false, 0, errSubcommandArgs("XINFO", name)
	}
	count, ok := parseInt(args[2])
	switch {
	case !ok:
		return false, 0, errNotInteger
	case count == 0:
		return true, -1, resp.Nil
	case count < 0:
		count = 10
	}
	return true, count, resp.Nil
}

// lagOf returns how far behind a group is, and how many entries it has got, null
// where that is not known.
func (s *stream) lagOf(g *streamGroup) (read, lag resp.Value) {
	if g.read != unknownRead {
		read = resp.Int(g.read)
	}
	if n, ok := g.lag(s); ok {
		lag = resp.Int(n)
	}
	return read, lag
}

// fullGroups describes the groups with up to count of what is pending; negative
// means all.
func (s *stream) fullGroups(r *room, count int64) resp.Value {
	reply := resp.List()
	s.groups.each("", func(name label, g *streamGroup) bool {
		r.take(15, len(name)+2*idText)
		pending := resp.List()
		g.pending.each(streamID{}, func(id streamID, d *delivery) bool {
			if int64(len(pending.Elems)) == count {
				return false
			}
			r.take(5, idText+len(d.to))
			pending.Elems = append(pending.Elems, resp.List(resp.Str(id.String()), resp.Str(string(d.to)), resp.Int(d.at), resp.Int(d.count)))
			return true
		})
		consumers := resp.List()
		g.consumers.each("", func(name label, c *streamConsumer) bool {
			consumers.Elems = append(consumers.Elems, g.fullConsumer(r, name, c, count))
			return true
		})
		read, lag := s.lagOf(g)
		reply.Elems = append(reply.Elems, resp.Dict(
			resp.Str("name"), resp.Str(string(name)),
			resp.Str("last-delivered-id"), resp.Str(g.last.String()),
			resp.Str("entries-read"), read,
			resp.Str("lag"), lag,
			resp.Str("pel-count"), resp.Int(int64(g.pending.n)),
			resp.Str("pending"), pending,
			resp.Str("consumers"), consumers,
		))
		return true
	})
	return reply
}

func (g *streamGroup) fullConsumer(r *room, name label, c *streamConsumer, count int64) resp.Value {
	r.take(11, len(name))
	pending := resp.List()
	c.pending.each(streamID{}, func(id streamID, _ *struct{}) bool {
		if int64(len(pending.Elems)) == count {
			return false
		}
		r.tx.charge(cost.Lookup)
		r.take(4, idText)
		d := g.pending.get(id)
		pending.Elems = append(pending.Elems, resp.List(resp.Str(id.String()), resp.Int(d.at), resp.Int(d.count)))
		return true
	})
	return resp.Dict(
		resp.Str("name"), resp.Str(string(name)),
		resp.Str("seen-time"), resp.Int(c.seen),
		resp.Str("active-time"), resp.Int(c.active),
		resp.Str("pel-count"), resp.Int(int64(c.pending.n)),
		resp.Str("pending"), pending,
	)
}

func xinfoGroups(tx *Tx, args [][]byte) resp.Value {
	s, ok, fail := tx.stream(args[2])
	switch {
	case fail.IsError():
		return fail
	case !ok:
		return errNoSuchKey
	}
	room := tx.room(1)
	reply := resp.List()
	s.groups.each("", func(name label, g *streamGroup) bool {
		room.take(13, len(name)+idText)
		read, lag := s.lagOf(g)
		reply.Elems = append(reply.Elems, resp.Dict(
			resp.Str("name"), resp.Str(string(name)),
			resp.Str("consumers"), resp.Int(int64(g.consumers.n)),
			resp.Str("pending"), resp.Int(int64(g.pending.n)),
			resp.Str("last-delivered-id"), resp.Str(g.last.String()),
			resp.Str("entries-read"), read,
			resp.Str("lag"), lag,
		))
		return true
	})
	return reply
}

func xinfoConsumers(tx *Tx, args [][]byte) resp.Value {
	s, ok, fail := tx.stream(args[2])
	switch {
	case fail.IsError():
		return fail
	case !ok:
		return errNoSuchKey
	}
	tx.charge(consumerLook + cost.Read(len(args[3])))
	g := s.group(args[3])
	if g == nil {
		return errNoGroupOf(args[2], args[3])
	}
	room := tx.room(1)
	reply := resp.List()
	g.consumers.each("", func(name label, c *streamConsumer) bool {
		room.take(9, len(name))
		inactive := int64(-1)
		if c.active >= 0 {
			inactive = max(0, tx.now-c.active)
		}
		reply.Elems = append(reply.Elems, resp.Dict(
			resp.Str("name"), resp.Str(string(name)),
			resp.Str("pending"), resp.Int(int64(c.pending.n)),
			resp.Str("idle"), resp.Int(max(0, tx.now-c.seen)),
			resp.Str("inactive"), resp.Int(inactive),
		))
		return true
	})
	return reply
}

const xinfoHelpText = `XINFO <subcommand> <key>. Subcommands are:
STREAM: describe the stream; FULL [COUNT <count>] lists its first entries and its groups too.
GROUPS: describe the stream's consumer groups.
CONSUMERS <group>: describe the group's consumers.
HELP: this text.`
