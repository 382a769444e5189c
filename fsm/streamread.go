package fsm

import "github.com/trivetdb/trivet/resp"

// xrange is XREVRANGE too, which takes the ends the other way round.
func xrange(tx *Tx, args [][]byte) resp.Value {
	back := len(args[0]) > len("XRANGE")
	first, last := args[2], args[3]
	if back {
		first, last = last, first
	}
	from, fail := parseIDEnd(first, false)
	if fail.IsError() {
		return fail
	}
	to, fail := parseIDEnd(last, true)
	if fail.IsError() {
		return fail
	}
	count := int64(-1)
	for rest := args[4:]; len(rest) > 0; rest = rest[2:] {
		if len(rest) == 1 || !equalFold(rest[0], "COUNT") {
			return errSyntax
		}
		n, ok := parseInt(rest[1])
		if !ok {
			return errNotInteger
		}
		count = max(n, 0)
	}
	s, ok, fail := tx.stream(args[1])
	switch {
	case !ok:
		return orEmpty(fail)
	case count == 0:
		return resp.Value{Kind: resp.NullArray}
	}
	room := tx.room(1)
	return resp.List(s.between(&room, from, to, count, back)...)
}
