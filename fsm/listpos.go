package fsm

import (
	"math"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

// reach returns the steps of finding an element by its index.
func (d *deque) reach() int { return cost.Lookup + len(d.pages)/8 }

// compare returns the steps of comparing all elements with s, at most.
func (d *deque) compare(s string) int {
	return d.n + cost.Read(min(cost.Times(d.n, len(s)), d.taken))
}

// compareOne returns the steps of comparing an element with s. Those of another
// length are not read.
func compareOne(v, s string) int {
	if len(v) != len(s) {
		return 1
	}
	return 1 + cost.Read(len(s))
}

// find returns the index of the first element that equals s, or -1.
func (d *deque) find(tx *Tx, s string) int {
	found := -1
	d.each(0, func(i int, v string) bool {
		tx.charge(compareOne(v, s))
		if v == s {
			found = i
		}
		return found < 0
	})
	return found
}

// posOptions are what LPOS takes after its element.
type posOptions struct {
	rank, count, maxLen int64
	counted             bool
}

func parsePosOptions(args [][]byte) (opt posOptions, fail resp.Value) {
	opt.rank, opt.count = 1, 1
	for i := 0; i < len(args); i += 2 {
		if i+1 == len(args) {
			return opt, errSyntax
		}
		value := args[i+1]
		switch {
		case equalFold(args[i], "RANK"):
			opt.rank, fail = parseRank(value)
		case equalFold(args[i], "COUNT"):
			opt.counted = true
			opt.count, fail = positive(value, errPosCount)
		case equalFold(args[i], "MAXLEN"):
			opt.maxLen, fail = positive(value, errMaxLen)
		default:
			fail = errSyntax
		}
		if fail.IsError() {
			return opt, fail
		}
	}
	return opt, resp.Nil
}

func parseRank(arg []byte) (int64, resp.Value) {
	switch n, ok := parseInt(arg); {
	case !ok:
		return 0, errNotInteger
	case n == math.MinInt64:
		return 0, errRange
	case n == 0:
		return 0, errRank
	default:
		return n, resp.Nil
	}
}

func lpos(tx *Tx, args [][]byte) resp.Value {
	opt, fail := parsePosOptions(args[3:])
	if fail.IsError() {
		return fail
	}
	d, ok, fail := tx.list(args[1])
	if fail.IsError() {
		return fail
	}
	var found []resp.Value
	if ok {
		tx.charge(d.reach() + cost.Made(len(args[2])))
		found = d.positions(tx, string(args[2]), opt)
	}
	switch {
	case opt.counted:
		return resp.List(found...)
	case len(found) == 0:
		return resp.Nil
	}
	return found[0]
}

// positions returns the indexes of the elements that equal s, as the options
// have it.
func (d *deque) positions(tx *Tx, s string, opt posOptions) (found []resp.Value) {
	room := tx.room(0)
	walk, from, skip := d.each, 0, opt.rank-1
	if opt.rank < 0 {
		walk, from, skip = d.eachBack, d.n-1, -opt.rank-1
	}
	seen := int64(0)
	walk(from, func(i int, v string) bool {
		seen++
		tx.charge(compareOne(v, s))
		switch {
		case v != s:
		case skip > 0:
			skip--
		default:
			room.take(1, 0)
			found = append(found, resp.Int(int64(i)))
		}
		return (opt.count == 0 || int64(len(found)) < opt.count) && seen != opt.maxLen
	})
	return found
}
