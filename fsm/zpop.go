package fsm

import (
	"math"
	"slices"
	"strconv"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

// takeScored takes up to count items off one end of the sorted set at a key.
func takeScored(tx *Tx, key []byte, z *sortedSet, count int64, highest bool) []scored {
	n := z.size()
	count = min(count, int64(n))
	from, to, event := 0, int(count), "zpopmin"
	if highest {
		from, to, event = n-to, n, "zpopmax"
	}
	items := z.items(tx, from, to)
	tx.chargeScored(items, 3) // before they go: a list of each, at most
	if highest {
		slices.Reverse(items)
	}
	removeItems(tx, event, key, items)
	return items
}

// chargeScored counts a reply with so many values for each of the items.
func (tx *Tx) chargeScored(items []scored, values int) {
	room := tx.room(len(items) * values)
	for i := range items {
		room.take(0, len(items[i].member))
	}
}

// couples returns items as members and scores in turn.
func couples(items []scored) []resp.Value {
	elems := make([]resp.Value, 0, 2*len(items))
	for _, it := range items {
		elems = append(elems, resp.Str(it.member), resp.Float(it.score))
	}
	return elems
}

// listOf returns the members of items.
func listOf(items []scored) resp.Value {
	elems := make([]resp.Value, 0, len(items))
	for _, it := range items {
		elems = append(elems, resp.Str(it.member))
	}
	return resp.List(elems...)
}

func zpopmin(tx *Tx, args [][]byte) resp.Value { return zpop(tx, args, false) }
func zpopmax(tx *Tx, args [][]byte) resp.Value { return zpop(tx, args, true) }

func zpop(tx *Tx, args [][]byte, highest bool) resp.Value {
	if len(args) > 3 {
		return errSyntax
	}
	count := int64(1)
	if len(args) == 3 {
		var ok bool
		if count, ok = parseInt(args[2]); !ok || count < 0 {
			return errPositive
		}
	}
	z, fail := membersAt(tx, args[1])
	if fail.IsError() {
		return fail
	}
	elems := couples(takeScored(tx, args[1], z, count, highest))
	if len(args) == 3 {
		return resp.Couples(elems...)
	}
	return resp.List(elems...)
}

func zmpop(tx *Tx, args [][]byte) resp.Value {
	numKeys, ok := parseInt(args[1])
	if !ok || numKeys <= 0 {
		return errNumKeys
	}
	if numKeys > int64(len(args)-3) {
		return errSyntax
	}
	keys, rest := args[2:2+numKeys], args[2+numKeys:]
	highest := equalFold(rest[0], "MAX")
	if !highest && !equalFold(rest[0], "MIN") {
		return errSyntax
	}
	count := int64(1)
	switch {
	case len(rest) == 1:
	case len(rest) != 3 || !equalFold(rest[1], "COUNT"):
		return errSyntax
	default:
		if count, ok = parseInt(rest[2]); !ok || count <= 0 {
			return errCount
		}
	}
	for _, key := range keys {
		z, fail := membersAt(tx, key)
		if fail.IsError() {
			return fail
		}
		if z.size() == 0 {
			continue
		}
		items := takeScored(tx, key, z, count, highest)
		popped := make([]resp.Value, 0, len(items))
		for _, it := range items {
			popped = append(popped, resp.List(resp.Str(it.member), resp.Float(it.score)))
		}
		return resp.List(resp.Str(string(key)), resp.List(popped...))
	}
	return resp.Value{Kind: resp.NullArray}
}

// zscan walks the members of a large sorted set in the order of their hashes,
// as scan does with keys. A small one is one page in the order of its scores.
func zscan(tx *Tx, args [][]byte) resp.Value {
	cursor, err := strconv.ParseUint(string(args[2]), 10, 64)
	if err != nil {
		return errCursor
	}
	z, fail := membersAt(tx, args[1])
	if fail.IsError() {
		return fail
	}
	if z.size() == 0 {
		return resp.List(resp.Str("0"), resp.List()) // before a look at the options, as in Redis
	}
	opt, fail := parseElementScan(args[3:])
	if fail.IsError() {
		return fail
	}
	room := tx.room(2)
	elems, next := room.scanned(opt, z.size(), 2), uint64(0)
	show := func(it scored) {
		tx.charge(cost.Element)
		if !opt.matching || tx.matches(opt.match, it.member) {
			tx.charge(cost.Lookup) // to write the score
			score := resp.AppendFloat(nil, it.score)
			elems = append(elems, room.more(it.member), room.more(string(score)))
		}
	}
	if z.size() <= maxSmall {
		z.order.each(0, z.size(), false, show)
	} else {
		next = z.page(cursor, opt.count, show)
	}
	return resp.List(resp.Str(strconv.FormatUint(next, 10)), resp.List(elems...))
}

// page shows at least count members from a hash on, while there are as many,
// and returns the hash that follows them, 0 at the end. Members of one hash stay
// together.
func (z *sortedSet) page(from uint64, count int, show func(scored)) (next uint64) {
	if from >= 1<<hashBits {
		return 0
	}
	last := uint64(0)
	z.scores.each(from, hashBits, func(e *entry[float64]) bool {
		if count <= 0 && e.hash != last {
			next = e.hash
			return false
		}
		count--
		last = e.hash
		show(scored{e.val, e.key})
		return true
	})
	return next
}

// maxDraws is how many members ZRANDMEMBER and its relatives draw where they may
// draw one again.
const maxDraws = 1 << 20

func zrandmember(tx *Tx, args [][]byte) resp.Value {
	if len(args) == 2 {
		z, fail := membersAt(tx, args[1])
		if fail.IsError() || z.size() == 0 {
			return fail
		}
		tx.charge(cost.Lookup)
		return resp.Str(z.order.at(tx.random(z.size())).member)
	}
	count, fail := parseDraws(args[2])
	withScores := len(args) == 4
	switch {
	case fail.IsError():
		return fail
	case len(args) > 4 || withScores && !equalFold(args[3], "WITHSCORES"):
		return errSyntax
	case withScores && (count > math.MaxInt64/2 || count < -math.MaxInt64/2):
		return errOutOfRange
	}
	z, fail := membersAt(tx, args[1])
	if fail.IsError() || z.size() == 0 {
		return orEmpty(fail)
	}
	each := 1
	if withScores {
		each = 2
	}
	n, room, fail := tx.draws(z.size(), count, each)
	if fail.IsError() {
		return fail
	}
	items := make([]scored, 0, n)
	tx.draw(z.size(), count, func(rank int) {
		it := z.order.at(rank)
		room.take(0, len(it.member))
		items = append(items, it)
	})
	if withScores {
		return resp.Couples(couples(items)...)
	}
	return listOf(items)
}
