package fsm

import (
	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

// A rangeKind says what the ends of a range are.
type rangeKind uint8

const (
	byRank rangeKind = iota
	byScore
	byLex
)

// A rangeQuery is what ZRANGE and its relatives ask for.
type rangeQuery struct {
	kind          rangeKind
	back          bool
	scores        bool  // in the reply
	offset, limit int64 // the limit is -1 for none
}

// parseRangeOptions reads options into q. Kind and direction are options of
// those commands only that do not have them in their names, and no scores are
// asked for where they are stored.
func (q *rangeQuery) parseOptions(args [][]byte, plain, store bool) (fail resp.Value) {
	q.limit = -1
	anyKind, anyWay := plain, plain
	for len(args) > 0 {
		switch word := args[0]; {
		case !store && equalFold(word, "WITHSCORES"):
			q.scores = true
		case equalFold(word, "LIMIT") && len(args) >= 3:
			var ok1, ok2 bool
			q.offset, ok1 = parseInt(args[1])
			q.limit, ok2 = parseInt(args[2])
			if !ok1 || !ok2 {
				return errNotInteger
			}
			args = args[2:]
		case anyWay && equalFold(word, "REV"):
			q.back, anyWay = true, false
		case anyKind && equalFold(word, "BYLEX"):
			q.kind, anyKind = byLex, false
		case anyKind && equalFold(word, "BYSCORE"):
			q.kind, anyKind = byScore, false
		default:
			return errSyntax
		}
		args = args[1:]
	}
	switch {
	case q.limit != -1 && q.kind == byRank:
		return errRangeLimit
	case q.scores && q.kind == byLex:
		return errRangeLex
	}
	return resp.Nil
}

// A rankRange returns the ranks of a range in a sorted set, the last not
// included.
type rankRange func(*sortedSet) (from, to int)

// parseRange reads the ends of a range.
func parseRange(kind rangeKind, low, high []byte) (rankRange, resp.Value) {
	switch kind {
	case byScore:
		l, h, fail := parseScoreBounds(low, high)
		return func(z *sortedSet) (int, int) { return z.scoreRange(l, h) }, fail
	case byLex:
		l, h, fail := parseLexBounds(low, high)
		return func(z *sortedSet) (int, int) { return z.lexRange(l, h) }, fail
	}
	l, ok1 := parseInt(low)
	h, ok2 := parseInt(high)
	if !ok1 || !ok2 {
		return nil, errNotInteger
	}
	return func(z *sortedSet) (int, int) { return interval(l, h, z.size()) }, resp.Nil
}

// find returns the sorted set at a key, and the ranks that q and its ends pick
// from it.
func (q *rangeQuery) find(tx *Tx, key, start, stop []byte) (z *sortedSet, from, to int, fail resp.Value) {
	if q.back && q.kind != byRank {
		start, stop = stop, start
	}
	ranks, fail := parseRange(q.kind, start, stop)
	if fail.IsError() {
		return nil, 0, 0, fail
	}
	if z, fail = membersAt(tx, key); fail.IsError() {
		return nil, 0, 0, fail
	}
	tx.charge(2*cost.Lookup + cost.Read(len(start)+len(stop)))
	if q.kind == byLex {
		tx.charge(z.searchLex(len(start) + len(stop)))
	}
	from, to = ranks(z)
	switch {
	case q.back && q.kind == byRank:
		from, to = z.size()-to, z.size()-from
	case q.kind != byRank:
		from, to = q.cut(from, to)
	}
	return z, from, to, resp.Nil
}

// cut applies LIMIT. A negative offset leaves nothing, a negative limit all.
func (q *rangeQuery) cut(from, to int) (int, int) {
	n := int64(to - from)
	if q.offset < 0 || q.offset >= n {
		return 0, 0
	}
	n -= q.offset
	if q.limit >= 0 {
		n = min(n, q.limit)
	}
	if q.back {
		to -= int(q.offset)
		return to - int(n), to
	}
	from += int(q.offset)
	return from, from + int(n)
}

// list returns members in a reply.
func (z *sortedSet) list(tx *Tx, from, to int, back, scores bool) resp.Value {
	if !scores {
		room := tx.room(to - from)
		elems := make([]resp.Value, 0, to-from)
		z.order.each(from, to, back, func(it scored) { elems = append(elems, room.str(it.member)) })
		return resp.List(elems...)
	}
	room := tx.room(2 * (to - from))
	elems := make([]resp.Value, 0, 2*(to-from))
	z.order.each(from, to, back, func(it scored) {
		elems = append(elems, room.str(it.member), resp.Float(it.score))
	})
	return resp.Couples(elems...)
}

func listRange(tx *Tx, args [][]byte, q rangeQuery, plain bool) resp.Value {
	if fail := q.parseOptions(args[4:], plain, false); fail.IsError() {
		return fail
	}
	z, from, to, fail := q.find(tx, args[1], args[2], args[3])
	if fail.IsError() {
		return fail
	}
	return z.list(tx, from, to, q.back, q.scores)
}

func zrange(tx *Tx, args [][]byte) resp.Value { return listRange(tx, args, rangeQuery{}, true) }

func zrevrange(tx *Tx, args [][]byte) resp.Value {
	return listRange(tx, args, rangeQuery{back: true}, false)
}

func zrangebyscore(tx *Tx, args [][]byte) resp.Value {
	return listRange(tx, args, rangeQuery{kind: byScore}, false)
}

func zrevrangebyscore(tx *Tx, args [][]byte) resp.Value {
	return listRange(tx, args, rangeQuery{kind: byScore, back: true}, false)
}

func zrangebylex(tx *Tx, args [][]byte) resp.Value {
	return listRange(tx, args, rangeQuery{kind: byLex}, false)
}

func zrevrangebylex(tx *Tx, args [][]byte) resp.Value {
	return listRange(tx, args, rangeQuery{kind: byLex, back: true}, false)
}

func zrangestore(tx *Tx, args [][]byte) resp.Value {
	q := rangeQuery{}
	if fail := q.parseOptions(args[5:], true, true); fail.IsError() {
		return fail
	}
	z, from, to, fail := q.find(tx, args[2], args[3], args[4])
	if fail.IsError() {
		return fail
	}
	tx.missing(args[2])
	return storeScored(tx, "zrangestore", args[1], z.items(tx, from, to))
}

// items returns a range of items.
func (z *sortedSet) items(tx *Tx, from, to int) []scored {
	tx.charge(cost.Times(to-from, cost.Push))
	items := make([]scored, 0, max(0, to-from))
	z.order.each(from, to, false, func(it scored) { items = append(items, it) })
	return items
}

// storeScored makes a key hold a sorted set of items, which are in order, and
// answers how many there are. The event tells of it.
func storeScored(tx *Tx, event string, key []byte, items []scored) resp.Value {
	if len(items) == 0 {
		if tx.remove(key) {
			tx.notifyDeleted(key)
		}
		return resp.Int(0)
	}
	tx.charge(cost.Times(len(items), cost.Insert+cost.Lookup)) // less than Rank: they are in order
	z := newSortedSet(tx.st.epoch)
	for _, it := range items {
		tx.charge(cost.Read(len(it.member)))
		z.insert(it, hashOf(it.member))
	}
	tx.put(key, &object{kind: kindZSet, val: z})
	tx.notify(notifyZSet, event, key)
	return resp.Int(int64(len(items)))
}

func zremrangebyrank(tx *Tx, args [][]byte) resp.Value {
	return removeRange(tx, "zremrangebyrank", args, byRank)
}

func zremrangebyscore(tx *Tx, args [][]byte) resp.Value {
	return removeRange(tx, "zremrangebyscore", args, byScore)
}

func zremrangebylex(tx *Tx, args [][]byte) resp.Value {
	return removeRange(tx, "zremrangebylex", args, byLex)
}

func removeRange(tx *Tx, event string, args [][]byte, kind rangeKind) resp.Value {
	q := rangeQuery{kind: kind, limit: -1}
	z, from, to, fail := q.find(tx, args[1], args[2], args[3])
	if fail.IsError() {
		return fail
	}
	removeItems(tx, event, args[1], z.items(tx, from, to))
	return resp.Int(int64(to - from))
}

// removeItems takes items out of the sorted set at a key, which must hold them,
// and tells of it as the event says.
func removeItems(tx *Tx, event string, key []byte, items []scored) {
	if len(items) == 0 {
		return
	}
	tx.charge(cost.Times(len(items), cost.Rank))
	z, _ := change[*sortedSet](tx, key, kindZSet)
	for _, it := range items {
		z.remove(it)
	}
	tx.notify(notifyZSet, event, key)
	tx.dropEmpty(key)
}
