package fsm

import (
	"slices"
	"strings"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

// maxLCS bounds the pairs of prefixes that LCS looks at. It takes a bit for each.
const maxLCS = 1 << 26

// lcsOptions are what LCS takes after its keys.
type lcsOptions struct {
	length, index, lengths bool
	shortest               int64
}

func parseLCS(args [][]byte) (o lcsOptions, fail resp.Value) {
	for i := 0; i < len(args); i++ {
		switch {
		case equalFold(args[i], "LEN"):
			o.length = true
		case equalFold(args[i], "IDX"):
			o.index = true
		case equalFold(args[i], "WITHMATCHLEN"):
			o.lengths = true
		case equalFold(args[i], "MINMATCHLEN") && i+1 < len(args):
			i++
			n, ok := parseInt(args[i])
			if !ok {
				return o, errNotInteger
			}
			o.shortest = max(n, 0)
		default:
			return o, errSyntax
		}
	}
	if o.length && o.index {
		return o, errLCSBoth
	}
	return o, resp.Nil
}

// lcs answers LCS: the longest sequence of bytes that two strings have in common.
func lcs(tx *Tx, args [][]byte) resp.Value {
	x, y := tx.get(args[1]), tx.get(args[2])
	if !isString(x) || !isString(y) {
		return errLCSType
	}
	o, fail := parseLCS(args[3:])
	if fail.IsError() {
		return fail
	}
	a, b := x.text(), y.text()
	cells := (a.len() + 1) * (b.len() + 1)
	if cells > maxLCS {
		return errLCSMemory
	}
	tx.charge(cost.Made(cells))
	t := newLCSTable(tx.flat(a, 0, a.len()), tx.flat(b, 0, b.len()), !o.length)
	switch length := resp.Int(int64(t.length)); {
	case o.length:
		return length
	case o.index:
		return resp.Dict(resp.Str("matches"), resp.List(t.matches(tx, o)...), resp.Str("len"), length)
	}
	tx.chargeReply(1, int(t.length))
	var common strings.Builder
	for _, r := range slices.Backward(t.ranges()) {
		common.WriteString(t.a[r.a : r.a+r.n])
	}
	return resp.Str(common.String())
}

// An lcsTable is about the length of what each two prefixes have in common. Of
// each, it knows only which way the longest is found: a bit, not a number.
type lcsTable struct {
	a, b    string
	length  uint32   // of what all of them has in common
	swapped bool     // a is the shorter one
	ofA     []uint64 // a bit for each pair of prefixes: less of a gives more than less of b
}

// newLCSTable works through the shorter string within the longer one, so that the
// numbers at hand are few. Without the way, only the length is known.
func newLCSTable(a, b string, way bool) *lcsTable {
	t := &lcsTable{a: a, b: b, swapped: len(a) < len(b)}
	if way {
		t.ofA = make([]uint64, (len(a)*len(b)+63)/64)
	}
	long, short := a, b
	if t.swapped {
		long, short = b, a
	}
	row := make([]uint32, len(short)+1) // of the prefix of long at hand
	for i := range len(long) {
		corner := uint32(0) // of both prefixes less a byte
		for j := range len(short) {
			lessLong, lessShort := row[j+1], row[j]
			if long[i] == short[j] {
				row[j+1] = corner + 1
			} else {
				row[j+1] = max(lessLong, lessShort)
				if way && (t.swapped && lessShort > lessLong || !t.swapped && lessLong > lessShort) {
					at := i*len(short) + j
					t.ofA[at/64] |= 1 << (at % 64)
				}
			}
			corner = lessLong
		}
	}
	t.length = row[len(short)]
	return t
}

// lessOfA tells the way from the prefixes that end with byte i of a and byte j of b.
func (t *lcsTable) lessOfA(i, j int) bool {
	at := i*len(t.b) + j
	if t.swapped {
		at = j*len(t.a) + i
	}
	return t.ofA[at/64]>>(at%64)&1 == 1
}

// A lcsRange is n bytes in common, at a and at b.
type lcsRange struct{ a, b, n int }

// ranges returns what is in common, the last first. Of several answers it is the
// one that Redis finds from the end.
func (t *lcsTable) ranges() []lcsRange {
	var all []lcsRange
	i, j := len(t.a), len(t.b)
	for open := false; i > 0 && j > 0; {
		switch {
		case t.a[i-1] == t.b[j-1]:
			i, j = i-1, j-1
			if !open {
				all = append(all, lcsRange{})
			}
			last := &all[len(all)-1]
			last.a, last.b, last.n = i, j, last.n+1
			open = true
		case t.lessOfA(i-1, j-1):
			i, open = i-1, false
		default:
			j, open = j-1, false
		}
	}
	return all
}

// matches returns the elements of IDX's reply, the last range first as in Redis.
func (t *lcsTable) matches(tx *Tx, o lcsOptions) []resp.Value {
	span := func(from, n int) resp.Value {
		return resp.List(resp.Int(int64(from)), resp.Int(int64(from+n-1)))
	}
	all := slices.DeleteFunc(t.ranges(), func(r lcsRange) bool { return int64(r.n) < o.shortest })
	tx.chargeReply(8*len(all), 0)
	var matches []resp.Value
	for _, r := range all {
		m := resp.List(span(r.a, r.n), span(r.b, r.n))
		if o.lengths {
			m.Elems = append(m.Elems, resp.Int(int64(r.n)))
		}
		matches = append(matches, m)
	}
	return matches
}
