package fsm

import (
	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

// XREAD and XREADGROUP. The state knows no waiting: a row answers what there is,
// and null where there is nothing, whatever BLOCK says. When to try again is for
// the node to say, see Wait.
var xreadCommands = []Command{
	{Spec{"XREAD", -4, Read | Blocking | MovableKeys, Keys{}, "stream", "List the entries of several streams past an ID of each; wait for some.", "5.0.0"}, xread},
	{Spec{"XREADGROUP", -7, Write | Blocking | MovableKeys, Keys{}, "stream", "Give a consumer entries that its group has not got, or those it has pending; wait for some.", "5.0.0"}, xreadGroup},
	{Spec{"TX|LAST", 2, Read | Internal | Alias, Keys{1, 1, 1}, "stream", "Get the last ID of a stream.", "5.0.0"}, txLast},
}

// About XREAD and XREADGROUP.
var (
	errReadGroup      = resp.Err("ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.")
	errReadNoAck      = resp.Err("ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.")
	errReadNew        = resp.Err("ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.")
	errReadUnbalanced = resp.Err("ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified.")
	errReadTimeout    = resp.Err("ERR timeout is not an integer or out of range")
	errReadLast       = resp.Err("ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set.")
	errReadGroupless  = resp.Err("ERR Missing GROUP option for XREADGROUP")
)

func errReadNoGroup(key, group []byte) resp.Value {
	return resp.Err("NOGROUP No such key '" + string(key) + "' or consumer group '" + string(group) + "' in XREADGROUP with GROUP option")
}

// xreadOptions are what XREAD and XREADGROUP take.
type xreadOptions struct {
	count     int64 // negative for all
	block     int64 // milliseconds to wait, 0 for ever, negative for not at all
	ofGroup   bool  // XREADGROUP
	noAck     bool
	group     []byte
	consumer  label
	keys, ids [][]byte
}

// parseXRead parses: XREAD|XREADGROUP [GROUP group consumer] [COUNT count]
// [BLOCK milliseconds] [NOACK] STREAMS key ... id ...
func parseXRead(args [][]byte) (opt xreadOptions, fail resp.Value) {
	grouped := false
	opt.ofGroup = equalFold(args[0], "XREADGROUP")
	opt.count, opt.block = -1, -1
	for rest := args[1:]; len(rest) > 0; {
		n := 2
		switch more := len(rest) > 1; {
		case more && equalFold(rest[0], "BLOCK"):
			opt.block, fail = parseReadTimeout(rest[1])
		case more && equalFold(rest[0], "COUNT"):
			count, ok := parseInt(rest[1])
			if !ok {
				return opt, errNotInteger
			}
			if opt.count = count; count <= 0 {
				opt.count = -1
			}
		case more && equalFold(rest[0], "STREAMS"):
			n := len(rest) / 2
			switch {
			case len(rest)%2 == 0:
				return opt, errReadUnbalanced
			case opt.ofGroup && !grouped:
				return opt, errReadGroupless
			}
			opt.keys, opt.ids = rest[1:1+n], rest[1+n:]
			return opt, resp.Nil
		case len(rest) > 2 && equalFold(rest[0], "GROUP"):
			if !opt.ofGroup {
				return opt, errReadGroup
			}
			opt.group, opt.consumer = rest[1], label(rest[2])
			grouped, n = true, 3
		case equalFold(rest[0], "NOACK"):
			if !opt.ofGroup {
				return opt, errReadNoAck
			}
			opt.noAck = true
			n = 1
		default:
			return opt, errSyntax
		}
		if fail.IsError() {
			return opt, fail
		}
		rest = rest[n:]
	}
	return opt, errSyntax
}

func parseReadTimeout(arg []byte) (ms int64, fail resp.Value) {
	switch ms, ok := parseInt(arg); {
	case !ok:
		return 0, errReadTimeout
	case ms < 0:
		return 0, errTimeoutNegative
	default:
		return ms, resp.Nil
	}
}

// A reading is one of the streams of an XREAD or XREADGROUP.
type reading struct {
	key   []byte
	s     *stream // nil where there is none
	after streamID
	fresh bool // XREADGROUP's >
}

// readings finds the streams and reads the IDs.
func (opt *xreadOptions) readings(tx *Tx) (rs []reading, fail resp.Value) {
	for i, key := range opt.keys {
		tx.missing(key)
		s, ok, fail := tx.stream(key)
		r := reading{key: key}
		if ok {
			r.s = s
		}
		switch id := string(opt.ids[i]); {
		case fail.IsError():
			return nil, fail
		case opt.ofGroup && (!ok || s.group(opt.group) == nil):
			return nil, errReadNoGroup(key, opt.group)
		case id == "$" && opt.ofGroup:
			return nil, errReadLast
		case id == "$": // past all that there is
			r.s = nil
		case id == ">" && !opt.ofGroup:
			return nil, errReadNew
		case id == ">":
			r.fresh = true
		default:
			if r.after, ok = parseStreamID(opt.ids[i], 0); !ok {
				return nil, errStreamID
			}
			r.fresh = opt.ofGroup && r.after == maxStreamID
		}
		rs = append(rs, r)
	}
	return rs, resp.Nil
}

func xread(tx *Tx, args [][]byte) resp.Value {
	opt, fail := parseXRead(args)
	if fail.IsError() {
		return fail
	}
	streams, fail := opt.readings(tx)
	if fail.IsError() {
		return fail
	}
	room := tx.room(1)
	var found []resp.Value
	for _, r := range streams {
		from, ok := r.after.next()
		if r.s == nil || !ok {
			continue
		}
		if entries := r.s.between(&room, from, maxStreamID, opt.count, false); len(entries) > 0 {
			room.take(2, len(r.key))
			found = append(found, resp.Str(string(r.key)), resp.List(entries...))
		}
	}
	return tableOrNull(found)
}

// tableOrNull answers what was found in each stream.
func tableOrNull(found []resp.Value) resp.Value {
	if found == nil {
		return resp.Value{Kind: resp.NullArray}
	}
	return resp.Table(found...)
}

func txLast(tx *Tx, args [][]byte) resp.Value {
	id := streamID{}
	if s, ok, _ := tx.stream(args[1]); ok {
		id = s.last
	}
	return resp.Str(id.String())
}

func xreadGroup(tx *Tx, args [][]byte) resp.Value {
	tx.woken = false // who has waited hears of what is wrong, too
	opt, fail := parseXRead(args)
	if fail.IsError() {
		return fail
	}
	streams, fail := opt.readings(tx)
	if fail.IsError() {
		return fail
	}
	room := tx.room(1)
	var found []resp.Value
	for _, r := range streams {
		tx.charge(consumerLook + cost.Read(len(opt.group)+len(opt.consumer)))
		room.take(2, len(r.key))
		s, g := tx.editGroup(r.key, opt.group)
		tx.see(s, g, opt.consumer, r.key)
		var entries []resp.Value
		if r.fresh {
			if entries = s.give(g, &opt, tx.now, &room); entries == nil {
				continue
			}
		} else {
			entries = s.history(g, &opt, r.after, tx.now, &room)
		}
		found = append(found, resp.Str(string(r.key)), resp.List(entries...))
	}
	return tableOrNull(found)
}

// editGroup returns a group that is there, to be changed. That gives nobody
// anything to wake up for.
func (tx *Tx) editGroup(key, group []byte) (*stream, *streamGroup) {
	k := tx.keys()
	s := k.own(tx.st, key, k.get(key)).val.(*stream)
	return s, s.groups.edit(label(group), s.epoch)
}

// give gives a consumer the entries that its group has not got.
func (s *stream) give(g *streamGroup, opt *xreadOptions, now int64, r *room) []resp.Value {
	from, ok := g.last.next()
	if !ok {
		return nil
	}
	var found []resp.Value
	s.each(from, maxStreamID, false, func(e *streamEntry) bool {
		g.pass(s, e.id)
		if !opt.noAck {
			r.tx.charge(2 * cost.Insert)
			g.assign(s, e.id, delivery{opt.consumer, now, 1})
		}
		found = append(found, e.reply(r))
		return int64(len(found)) != opt.count
	})
	if found != nil && !opt.noAck {
		g.consumers.edit(opt.consumer, s.epoch).active = now
	}
	return found
}

// history gives a consumer again what it has pending past an ID. Of an entry
// that was deleted there is the ID alone.
func (s *stream) history(g *streamGroup, opt *xreadOptions, after streamID, now int64, r *room) []resp.Value {
	found := []resp.Value{}
	from, ok := after.next()
	if !ok {
		return found
	}
	g.consumers.get(opt.consumer).pending.each(from, func(id streamID, _ *struct{}) bool {
		r.tx.charge(3 * cost.Lookup)
		if e := s.entry(id); e != nil {
			d := g.pending.edit(id, s.epoch)
			d.at = now
			d.again()
			found = append(found, e.reply(r))
		} else {
			r.take(3, idText)
			found = append(found, resp.List(resp.Str(id.String()), resp.Value{Kind: resp.NullArray}))
		}
		return int64(len(found)) != opt.count
	})
	return found
}

// keysAfterStreams returns the positions of the keys of XREAD and XREADGROUP: the
// first half of what follows the word STREAMS.
func keysAfterStreams(args [][]byte) []int {
	for i := 1; i < len(args); i++ {
		switch {
		case equalFold(args[i], "BLOCK"), equalFold(args[i], "COUNT"):
			i++
			continue
		case equalFold(args[i], "GROUP"):
			i += 2
			continue
		case !equalFold(args[i], "STREAMS"):
			continue
		}
		var keys []int
		if n := len(args) - i - 1; n%2 == 0 {
			for k := range n / 2 {
				keys = append(keys, i+1+k)
			}
		}
		return keys
	}
	return nil
}
