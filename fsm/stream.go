package fsm

import (
	"math"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

var streamCommands = []Command{
	{Spec{"XADD", -5, Write | DenyOOM | Fast, Keys{1, 1, 1}, "stream", "Append an entry to a stream.", "5.0.0"}, xadd},
	{Spec{"XLEN", 2, Read | Fast, Keys{1, 1, 1}, "stream", "Count the entries of a stream.", "5.0.0"}, xlen},
	{Spec{"XRANGE", -4, Read, Keys{1, 1, 1}, "stream", "List the entries of a stream within a range of IDs.", "5.0.0"}, xrange},
	{Spec{"XREVRANGE", -4, Read, Keys{1, 1, 1}, "stream", "List the entries of a stream within a range of IDs, the last first.", "5.0.0"}, xrange},
	{Spec{"XDEL", -3, Write | Fast, Keys{1, 1, 1}, "stream", "Remove entries from a stream.", "5.0.0"}, xdel},
	{Spec{"XTRIM", -4, Write, Keys{1, 1, 1}, "stream", "Remove the oldest entries of a stream.", "5.0.0"}, xtrim},
	{Spec{"XSETID", -3, Write | DenyOOM | Fast, Keys{1, 1, 1}, "stream", "Set the last ID of a stream.", "5.0.0"}, xsetid},
}

// About streams.
var (
	errStreamID       = resp.Err("ERR Invalid stream ID specified as stream command argument")
	errStreamZero     = resp.Err("ERR The ID specified in XADD must be greater than 0-0")
	errStreamOrder    = resp.Err("ERR The ID specified in XADD is equal or smaller than the target stream top item")
	errStreamFull     = resp.Err("ERR The stream has exhausted the last possible ID, unable to add more items")
	errStreamStart    = resp.Err("ERR invalid start ID for the interval")
	errStreamEnd      = resp.Err("ERR invalid end ID for the interval")
	errTrimMaxLen     = resp.Err("ERR The MAXLEN argument must be >= 0.")
	errTrimLimit      = resp.Err("ERR The LIMIT argument must be >= 0.")
	errTrimTwice      = resp.Err("ERR syntax error, MAXLEN and MINID options at the same time are not compatible")
	errTrimNone       = resp.Err("ERR syntax error, XTRIM must be called with a trimming strategy")
	errTrimLimitAlone = resp.Err("ERR syntax error, LIMIT cannot be used without specifying a trimming strategy")
	errTrimLimitExact = resp.Err("ERR syntax error, LIMIT cannot be used without the special ~ option")
	errSetIDAdded     = resp.Err("ERR entries_added must be positive")
	errSetIDGiven     = resp.Err("ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id")
	errSetIDTop       = resp.Err("ERR The ID specified in XSETID is smaller than the target stream top item")
	errSetIDLength    = resp.Err("ERR The entries_added specified in XSETID is smaller than the target stream length")
)

func (tx *Tx) stream(key []byte) (s *stream, ok bool, fail resp.Value) {
	return view[*stream](tx, key, kindStream)
}

// reply returns an entry as Redis writes it.
func (e *streamEntry) reply(r *room) resp.Value {
	n := idText
	for _, f := range e.fields {
		n += len(f)
	}
	r.take(3+len(e.fields), n)
	r.tx.charge(cost.Lookup + len(e.fields)*cost.Push)
	return resp.List(resp.Str(e.id.String()), resp.Strs(e.fields...))
}

// idText is how many bytes an ID takes in a reply, at most.
const idText = 2*20 + 1

// between returns up to count of the entries from one ID to another, or all
// where count is negative.
func (s *stream) between(r *room, from, to streamID, count int64, back bool) []resp.Value {
	found := []resp.Value{}
	if count == 0 {
		return found
	}
	s.each(from, to, back, func(e *streamEntry) bool {
		found = append(found, e.reply(r))
		return int64(len(found)) != count
	})
	return found
}

func xadd(tx *Tx, args [][]byte) resp.Value {
	opt, fail := parseXAdd(args)
	if fail.IsError() {
		return fail
	}
	last := streamID{}
	switch s, ok, fail := tx.stream(args[1]); {
	case fail.IsError():
		return fail
	case ok:
		last = s.last
	case opt.existing:
		return resp.Nil
	}
	if last == maxStreamID {
		return errStreamFull
	}
	id, ok := opt.next(last, uint64(tx.now))
	if !ok {
		return errStreamOrder
	}
	tx.chargeEach(opt.fields, cost.Push)
	tx.charge(cost.Insert)
	fields := make([]string, 0, len(opt.fields))
	for _, f := range opt.fields {
		fields = append(fields, string(f))
	}
	s, _ := change[*stream](tx, args[1], kindStream)
	s.add(id, fields)
	tx.notify(notifyStream, "xadd", args[1])
	if opt.trim.run(tx, s) > 0 {
		tx.notify(notifyStream, "xtrim", args[1])
	}
	return resp.Str(id.String())
}

// next returns the ID of the entry to append after last, and whether it is past
// last.
func (opt *xaddOptions) next(last streamID, now uint64) (streamID, bool) {
	id := opt.id
	switch {
	case opt.auto && now > last.ms:
		id = streamID{now, 0}
	case opt.auto:
		id, _ = last.next()
	case opt.autoSeq && id.ms == last.ms:
		if last.seq == math.MaxUint64 {
			return id, false
		}
		id.seq = last.seq + 1
	}
	return id, last.less(id)
}

func xlen(tx *Tx, args [][]byte) resp.Value {
	s, ok, fail := tx.stream(args[1])
	if !ok {
		return orZero(fail)
	}
	return resp.Int(int64(s.n))
}

func xtrim(tx *Tx, args [][]byte) resp.Value {
	trim, fail := parseXTrim(args)
	if fail.IsError() {
		return fail
	}
	s, ok, fail := tx.stream(args[1])
	if !ok {
		return orZero(fail)
	}
	if !trim.due(s) {
		return resp.Int(0)
	}
	s, _ = change[*stream](tx, args[1], kindStream)
	n := trim.run(tx, s)
	tx.notify(notifyStream, "xtrim", args[1])
	return resp.Int(n)
}

func xdel(tx *Tx, args [][]byte) resp.Value {
	s, ok, fail := tx.stream(args[1])
	if !ok {
		return orZero(fail)
	}
	tx.chargeEach(args[2:], 3*cost.Lookup)
	found := false
	ids := make([]streamID, 0, len(args)-2)
	for _, arg := range args[2:] {
		id, ok := parseStreamID(arg, 0)
		if !ok {
			return errStreamID
		}
		found = found || s.has(id)
		ids = append(ids, id)
	}
	if !found {
		return resp.Int(0)
	}
	s, _ = change[*stream](tx, args[1], kindStream)
	n := int64(0)
	for _, id := range ids {
		if s.remove(id) {
			n++
		}
	}
	tx.notify(notifyStream, "xdel", args[1])
	return resp.Int(n)
}

// setIDOptions are what XSETID takes after its key.
type setIDOptions struct {
	id, deleted streamID
	added       int64 // -1 for what it is
}

func parseXSetID(args [][]byte) (opt setIDOptions, fail resp.Value) {
	var ok bool
	opt.added = -1
	if opt.id, ok = parseStreamID(args[0], 0); !ok {
		return opt, errStreamID
	}
	for rest := args[1:]; len(rest) > 0; rest = rest[2:] {
		switch {
		case len(rest) > 1 && equalFold(rest[0], "ENTRIESADDED"):
			if opt.added, ok = parseInt(rest[1]); !ok {
				return opt, errNotInteger
			} else if opt.added < 0 {
				return opt, errSetIDAdded
			}
		case len(rest) > 1 && equalFold(rest[0], "MAXDELETEDID"):
			if opt.deleted, ok = parseStreamID(rest[1], 0); !ok {
				return opt, errStreamID
			} else if opt.id.less(opt.deleted) {
				return opt, errSetIDGiven
			}
		default:
			return opt, errSyntax
		}
	}
	return opt, resp.Nil
}

func xsetid(tx *Tx, args [][]byte) resp.Value {
	opt, fail := parseXSetID(args[2:])
	if fail.IsError() {
		return fail
	}
	s, ok, fail := tx.stream(args[1])
	switch {
	case fail.IsError():
		return fail
	case !ok:
		return errNoSuchKey
	case s.n > 0 && opt.id.less(s.edge(true).id):
		return errSetIDTop
	case s.n > 0 && opt.added >= 0 && opt.added < int64(s.n):
		return errSetIDLength
	}
	s, _ = change[*stream](tx, args[1], kindStream)
	s.last = opt.id
	if opt.added >= 0 {
		s.added = uint64(opt.added)
	}
	if opt.deleted != (streamID{}) {
		s.deleted = opt.deleted
	}
	tx.notify(notifyStream, "xsetid", args[1])
	return resp.OK
}
