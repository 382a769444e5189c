package fsm

import (
	"math"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/fsm/glob"
	"github.com/trivetdb/trivet/resp"
)

// A room is what is left of the bytes that a reply may take. What a command finds
// is counted there before it is put into the reply.
type room struct {
	tx   *Tx
	left int
}

// room counts so many values of the reply, before memory is taken for them, and
// returns the room that is left for their strings, and for more values.
func (tx *Tx) room(values int) room {
	tx.chargeReply(values, 0)
	if !tx.bounded() {
		return room{tx, math.MaxInt}
	}
	return room{tx, MaxReply - tx.replied - values*resp.ElemCost}
}

// take counts more values, with so many bytes of strings.
func (r *room) take(values, bytes int) {
	if r.left -= values*resp.ElemCost + bytes; r.left < 0 {
		panic(overrun{errReply})
	}
	r.tx.charge(values * cost.Element)
}

// str returns a string, whose value was counted.
func (r *room) str(s string) resp.Value {
	r.take(0, len(s))
	return resp.Str(s)
}

// more returns a string, whose value was not counted yet.
func (r *room) more(s string) resp.Value {
	r.take(1, len(s))
	return resp.Str(s)
}

// chargeEach counts arguments each of which is given to a value, or taken from it.
// It returns how many bytes they have.
func (tx *Tx) chargeEach(args [][]byte, each int) (n int) {
	for _, arg := range args {
		n += len(arg)
	}
	tx.charge(cost.Times(len(args), each) + cost.Made(n))
	return n
}

// matches is Match, whose work is counted.
func (tx *Tx) matches(pattern, s string) bool {
	ok, steps := glob.Count(pattern, s, tx.meter.Left())
	tx.charge(steps)
	return ok
}
