package fsm

import (
	"math"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

var errAutoClaimCount = resp.Err("ERR COUNT must be > 0")

// claimAttempts is how many pending entries XAUTOCLAIM looks at for each that it
// may claim.
const claimAttempts = 10

func errClaimNumber(what, name string) resp.Value {
	return resp.Err("ERR Invalid " + what + " argument for " + name)
}

// A claiming is what XCLAIM and XAUTOCLAIM do with each entry.
type claiming struct {
	s       *stream
	g       *streamGroup
	to      label
	now, at int64 // at is the time of delivery to be noted
	minIdle int64
	retries int64 // the number of deliveries to be noted; negative to count
	justID  bool
	force   bool
	found   []resp.Value
	room    room
}

// begin finds the group again, to be changed, and the consumer.
func (c *claiming) begin(tx *Tx, args [][]byte) {
	tx.charge(consumerLook + cost.Made(len(args[2])+len(args[3])))
	c.s, c.g = tx.editGroup(args[1], args[2])
	c.to = label(args[3])
	tx.see(c.s, c.g, c.to, args[1])
	c.found, c.room = []resp.Value{}, tx.room(3)
}

// claimWork is the steps of claiming an entry, or of finding that it cannot be.
const claimWork = 3 * cost.Insert

// claim makes an entry the consumer's own, if it is idle for long enough. Gone
// says that the entry was pending, but has been deleted: it is forgotten.
func (c *claiming) claim(id streamID) (gone bool) {
	c.room.tx.charge(claimWork)
	e := c.s.entry(id)
	if e == nil {
		return c.g.forget(c.s, id)
	}
	d := delivery{at: c.now, count: 1}
	if old := c.g.pending.get(id); old != nil {
		if d = *old; c.minIdle > 0 && c.now-d.at < c.minIdle {
			return false
		}
	} else if !c.force {
		return false
	}
	d.to, d.at = c.to, c.at
	switch {
	case c.retries >= 0:
		d.count = c.retries
	case !c.justID:
		d.again()
	}
	c.g.assign(c.s, id, d)
	c.g.consumers.edit(c.to, c.s.epoch).active = c.now
	if c.justID {
		c.room.take(1, idText)
		c.found = append(c.found, resp.Str(id.String()))
	} else {
		c.found = append(c.found, e.reply(&c.room))
	}
	return false
}

// parseXClaim parses what follows XCLAIM's consumer: min-idle id ... options.
func parseXClaim(args [][]byte, now int64) (c claiming, ids []streamID, last streamID, fail resp.Value) {
	var ok bool
	if c.minIdle, ok = parseInt(args[0]); !ok {
		return c, nil, last, errClaimNumber("min-idle-time", "XCLAIM")
	}
	rest := args[1:]
	for ; len(rest) > 0; rest = rest[1:] {
		id, ok := parseStreamID(rest[0], 0)
		if !ok {
			break
		}
		ids = append(ids, id)
	}
	c.at, c.now, c.retries = now, now, -1
	for len(rest) > 0 {
		n, fail := c.option(rest, &last)
		if fail.IsError() {
			return c, nil, last, fail
		}
		rest = rest[n:]
	}
	if c.at < 0 || c.at > now {
		c.at = now
	}
	return c, ids, last, resp.Nil
}

// option reads one of XCLAIM's, and returns how many arguments it took.
func (c *claiming) option(args [][]byte, last *streamID) (n int, fail resp.Value) {
	more, ok := len(args) > 1, true
	switch {
	case equalFold(args[0], "FORCE"):
		c.force = true
		return 1, resp.Nil
	case equalFold(args[0], "JUSTID"):
		c.justID = true
		return 1, resp.Nil
	case more && equalFold(args[0], "IDLE"):
		if n, ok := parseInt(args[1]); !ok {
			return 0, errClaimNumber("IDLE option", "XCLAIM")
		} else {
			c.at = c.now - n
		}
	case more && equalFold(args[0], "TIME"):
		if c.at, ok = parseInt(args[1]); !ok {
			return 0, errClaimNumber("TIME option", "XCLAIM")
		}
	case more && equalFold(args[0], "RETRYCOUNT"):
		if c.retries, ok = parseInt(args[1]); !ok {
			return 0, errClaimNumber("RETRYCOUNT option", "XCLAIM")
		}
	case more && equalFold(args[0], "LASTID"):
		if *last, ok = parseStreamID(args[1], 0); !ok {
			return 0, errStreamID
		}
	default:
		return 0, resp.Err("ERR Unrecognized XCLAIM option '" + string(args[0]) + "'")
	}
	return 2, resp.Nil
}

func xclaim(tx *Tx, args [][]byte) resp.Value {
	tx.missing(args[1])
	if _, _, fail := tx.pendingAt(args[1], args[2]); fail.IsError() {
		return fail
	}
	tx.chargeEach(args[4:], cost.Element)
	c, ids, last, fail := parseXClaim(args[4:], tx.now)
	if fail.IsError() {
		return fail
	}
	c.begin(tx, args)
	if c.g.last.less(last) {
		c.g.last = last
	}
	for _, id := range ids {
		c.claim(id)
	}
	return resp.List(c.found...)
}

// xautoClaimOptions are what XAUTOCLAIM takes after its consumer.
type xautoClaimOptions struct {
	minIdle, count int64
	from           streamID
	justID         bool
}

// parseXAutoClaim parses: min-idle start [COUNT count] [JUSTID].
func parseXAutoClaim(args [][]byte) (opt xautoClaimOptions, fail resp.Value) {
	var ok bool
	opt.count = 100
	if opt.minIdle, ok = parseInt(args[0]); !ok {
		return opt, errClaimNumber("min-idle-time", "XAUTOCLAIM")
	}
	if opt.from, fail = parseIDEnd(args[1], false); fail.IsError() {
		return opt, fail
	}
	for rest := args[2:]; len(rest) > 0; {
		switch {
		case len(rest) > 1 && equalFold(rest[0], "COUNT"):
			if opt.count, ok = parseInt(rest[1]); !ok || opt.count < 1 || opt.count > math.MaxInt64/16 {
				return opt, errAutoClaimCount
			}
			rest = rest[2:]
		case equalFold(rest[0], "JUSTID"):
			opt.justID = true
			rest = rest[1:]
		default:
			return opt, errSyntax
		}
	}
	return opt, resp.Nil
}

func xautoClaim(tx *Tx, args [][]byte) resp.Value {
	tx.missing(args[1])
	opt, fail := parseXAutoClaim(args[4:])
	if fail.IsError() {
		return fail
	}
	if _, _, fail := tx.pendingAt(args[1], args[2]); fail.IsError() {
		return fail
	}
	c := claiming{now: tx.now, at: tx.now, minIdle: opt.minIdle, retries: -1, justID: opt.justID}
	c.begin(tx, args)
	deleted := []resp.Value{}
	next, left := opt.from, true
	for tries := opt.count * claimAttempts; tries > 0 && int64(len(c.found)+len(deleted)) < opt.count; tries-- {
		tx.charge(cost.Lookup)
		id, _, ok := c.g.pending.seek(next)
		if !ok {
			left = false
			break
		}
		if c.claim(id) {
			c.room.take(1, idText)
			deleted = append(deleted, resp.Str(id.String()))
		}
		if next, left = id.next(); !left {
			break
		}
	}
	cursor := streamID{}
	if left {
		cursor, _, _ = c.g.pending.seek(next)
	}
	return resp.List(resp.Str(cursor.String()), resp.List(c.found...), resp.List(deleted...))
}
