package fsm

import (
	"fmt"
	"runtime/debug"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

// MaxReply bounds the replies to one command or transaction, in bytes: what the
// strings take that they hold, and resp.ElemCost for each value.
const MaxReply = 128 << 20

// What the client is told of a command that was ended.
var (
	errWork  = resp.Err("ERR command ended without effect: it would take more work than one command may, see docs/commands.md")
	errFault = resp.Err("ERR command ended without effect by a fault of trivet, which the node has logged: please report it")
	errReply = resp.Err("ERR command ended without effect: its reply would be larger than 128 MB")
)

// TooLarge is the answer to a read whose reply would be larger than Request.Light. No
// client sees it.
var TooLarge = resp.Err("ERR the reply is not a light one")

// An overrun ends a command by a panic: Apply and Read undo what it wrote, and
// answer why.
type overrun struct{ why resp.Value }

// charge counts steps of work, see package cost, before it is done. Where that is
// more than the command may do, it ends the command: charge does not return.
func (tx *Tx) charge(steps int) {
	if !tx.meter.Spend(steps) {
		panic(overrun{errWork})
	}
}

// chargeReply counts a reply of so many values with so many bytes of strings,
// before it is built, and the work of building it. It ends the command where the
// reply would be too large.
func (tx *Tx) chargeReply(values, bytes int) {
	if !tx.bounded() {
		return
	}
	size := values*resp.ElemCost + bytes
	if values < 0 || bytes < 0 || values > MaxReply || bytes > MaxReply || size > MaxReply-tx.replied {
		panic(overrun{errReply})
	}
	if tx.light > 0 && size > tx.light {
		panic(overrun{TooLarge})
	}
	tx.charge(values * cost.Element)
}

// bounded reports whether the bounds hold: for what is replicated only from the
// level that brought them.
func (tx *Tx) bounded() bool { return !tx.write || tx.st.level >= LevelBounds }

// run runs a read, which may be ended for what it would cost.
func (tx *Tx) run(c *Command, args [][]byte, faulty func(Panic)) (v resp.Value) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case overrun:
			v = p.why
		default:
			if faulty != nil {
				faulty(Panic{c.Name, fmt.Sprint(p), string(debug.Stack())})
			}
			v = errFault
		}
	}()
	v = c.Run(tx, args)
	if replySize(v) > MaxReply {
		return errReply
	}
	return v
}

// replySize returns what a reply counts for MaxReply.
func replySize(v resp.Value) int {
	size := resp.ElemCost + len(v.Str)
	for i := range v.Elems {
		size += replySize(v.Elems[i])
	}
	return size
}
