package fsm

import (
	"math"
	"strconv"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

// What hashes and sets share: to list a part a call, and to draw by chance.

// parseElementScan reads the options of HSCAN and SSCAN: those of SCAN but
// TYPE.
func parseElementScan(args [][]byte) (opt scanOptions, fail resp.Value) {
	for i := 0; i+1 < len(args); i += 2 {
		if equalFold(args[i], "TYPE") {
			if _, fail := parseScanOptions(args[:i]); fail.IsError() {
				return opt, fail
			}
			return opt, errSyntax
		}
	}
	return parseScanOptions(args)
}

// scanElements answers HSCAN and SSCAN: find returns the container at the key,
// and show appends an element as it stands in the reply, in so many values.
func scanElements[V any](tx *Tx, args [][]byte, find func() (*dict[V], bool, resp.Value), values int, show func(to []resp.Value, r *room, e *entry[V]) []resp.Value) resp.Value {
	cursor, err := strconv.ParseUint(string(args[2]), 10, 64)
	if err != nil {
		return errCursor
	}
	d, ok, fail := find()
	switch {
	case fail.IsError():
		return fail
	case !ok:
		return resp.List(resp.Str("0"), resp.List())
	}
	opt, fail := parseElementScan(args[3:])
	if fail.IsError() {
		return fail
	}
	room := tx.room(2)
	found := room.scanned(opt, d.size(), values)
	next := d.page(cursor, opt.count, func(e *entry[V]) {
		tx.charge(cost.Element)
		if !opt.matching || tx.matches(opt.match, e.key) {
			tx.charge(cost.Lookup)
			found = show(found, &room, e)
		}
	})
	return resp.List(resp.Str(strconv.FormatUint(next, 10)), resp.List(found...))
}

// scanned returns where the elements go that a scan finds among n, in so many values
// each. A list that grows by itself takes up to five times the memory of the reply.
func (r *room) scanned(opt scanOptions, n, values int) []resp.Value {
	if opt.matching {
		return []resp.Value{}
	}
	return make([]resp.Value, 0, min(min(n, opt.count)*values, r.left/resp.ElemCost))
}

func hscan(tx *Tx, args [][]byte) resp.Value {
	find := func() (*dict[string], bool, resp.Value) {
		h, ok, fail := tx.hash(args[1])
		if !ok {
			return nil, false, fail
		}
		return &h.dict, true, fail
	}
	return scanElements(tx, args, find, 2, func(to []resp.Value, r *room, e *entry[string]) []resp.Value {
		return append(to, r.more(e.key), r.more(e.val))
	})
}

func sscan(tx *Tx, args [][]byte) resp.Value {
	find := func() (*dict[struct{}], bool, resp.Value) {
		m, ok, fail := tx.set(args[1])
		if !ok {
			return nil, false, fail
		}
		return &m.dict, true, fail
	}
	return scanElements(tx, args, find, 1, func(to []resp.Value, r *room, e *entry[struct{}]) []resp.Value {
		return append(to, r.more(e.key))
	})
}

// draws returns how many places below n are to be drawn by a count: of a positive
// one each at most once, of a negative one as many as it says, up to maxDraws, as the
// reply is made in memory. It counts the work, and so many values of the reply for
// each.
func (tx *Tx) draws(n int, count int64, values int) (drawn int, r room, fail resp.Value) {
	switch {
	case count < -maxDraws:
		return 0, r, errOutOfRange
	case count < 0:
		drawn = int(-count)
	default:
		drawn = int(min(count, int64(n)))
		if drawn < n {
			tx.charge(cost.Times(drawn, cost.Insert)) // to know them again
		}
	}
	tx.charge(cost.Times(drawn, cost.Lookup))
	return drawn, tx.room(cost.Times(drawn, values)), resp.Nil
}

// draw calls f with places below n, as draws has allowed it.
func (tx *Tx) draw(n int, count int64, f func(place int)) {
	switch {
	case count < 0:
		for ; count < 0; count++ {
			f(tx.random(n))
		}
	case count >= int64(n):
		for place := range n {
			f(place)
		}
	default: // Floyd's way: what was drawn before stands for the last place
		drawn := make(map[int]bool, count)
		for last := n - int(count); last < n; last++ {
			place := tx.random(last + 1)
			if drawn[place] {
				place = last
			}
			drawn[place] = true
			f(place)
		}
	}
}

// parseDraws reads the count of SRANDMEMBER and HRANDFIELD.
func parseDraws(arg []byte) (int64, resp.Value) {
	switch n, ok := parseInt(arg); {
	case !ok:
		return 0, errNotInteger
	case n == math.MinInt64:
		return 0, errRange
	default:
		return n, resp.Nil
	}
}

func hrandField(tx *Tx, args [][]byte) resp.Value {
	if len(args) == 2 {
		h, ok, fail := tx.hash(args[1])
		if !ok {
			return fail
		}
		tx.charge(cost.Lookup)
		return resp.Str(h.at(tx.random(h.size())).key)
	}
	count, fail := parseDraws(args[2])
	if fail.IsError() {
		return fail
	}
	withValues := len(args) == 4 && equalFold(args[3], "WITHVALUES")
	switch {
	case len(args) > 3 && !withValues:
		return errSyntax
	case withValues && (count < -math.MaxInt64/2 || count > math.MaxInt64/2):
		return errOutOfRange
	}
	h, ok, fail := tx.hash(args[1])
	if !ok {
		return orEmpty(fail)
	}
	each := 1
	if withValues {
		each = 2
	}
	n, room, fail := tx.draws(h.size(), count, each)
	if fail.IsError() {
		return fail
	}
	drawn := make([]resp.Value, 0, n*each)
	tx.draw(h.size(), count, func(place int) {
		e := h.at(place)
		drawn = append(drawn, room.str(e.key))
		if withValues {
			drawn = append(drawn, room.str(e.val))
		}
	})
	if withValues {
		return resp.Couples(drawn...)
	}
	return resp.List(drawn...)
}
