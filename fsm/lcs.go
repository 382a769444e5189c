package fsm

import (
	"math/bits"
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
	tx.charge(cost.Read(cells) + cost.Made(a.len()+b.len()))
	t := newLCSTable(tx.flat(a, 0, a.len()), tx.flat(b, 0, b.len()), !o.length)
	switch length := resp.Int(int64(t.length)); {
	case o.length:
		return length
	case o.index:
		return resp.Dict(resp.Str("matches"), resp.List(t.matches(tx, o)...), resp.Str("len"), length)
	}
	tx.chargeReply(1, t.length)
	var common strings.Builder
	for _, r := range slices.Backward(t.ranges()) {
		common.WriteString(t.a[r.a : r.a+r.n])
	}
	return resp.Str(common.String())
}

// An lcsTable tells the length of what each two prefixes have in common, by a bit
// for each pair: a row for each prefix of the shorter string, and in it a 0 where a
// byte more of the longer one makes the length one more. A row follows from the one
// before it 64 bits at a time: Hyyrö, "Bit-parallel LCS-length computation
// revisited", 2004.
type lcsTable struct {
	a, b       string
	rows, cols string // the shorter one and the longer one
	swapped    bool   // rows is b
	words      int    // of a row
	bits       []uint64
	length     int // of what all of both has in common
}

// newLCSTable returns the table of a and b, or without all only the last row of it.
func newLCSTable(a, b string, all bool) *lcsTable {
	t := &lcsTable{a: a, b: b, rows: a, cols: b}
	if len(a) > len(b) {
		t.rows, t.cols, t.swapped = b, a, true
	}
	t.words = (len(t.cols) + 63) / 64
	places := t.places()
	before := make([]uint64, t.words)
	for i := range before {
		before[i] = ^uint64(0)
	}
	after := make([]uint64, t.words)
	if all {
		t.bits = make([]uint64, 0, len(t.rows)*t.words)
	}
	for i := range len(t.rows) {
		nextLCSRow(after, before, places[t.rows[i]])
		if all {
			t.bits = append(t.bits, after...)
		}
		before, after = after, before
	}
	t.length = zeroBits(before, len(t.cols))
	return t
}

// places returns for each byte of rows where in cols it is.
func (t *lcsTable) places() *[256][]uint64 {
	var places [256][]uint64
	for i := range len(t.rows) {
		if c := t.rows[i]; places[c] == nil {
			places[c] = make([]uint64, t.words)
		}
	}
	for i := range len(t.cols) {
		if at := places[t.cols[i]]; at != nil {
			at[i/64] |= 1 << (i % 64)
		}
	}
	return &places
}

// nextLCSRow makes the row after another one; its byte is at places.
func nextLCSRow(after, before, places []uint64) {
	carry := uint64(0)
	for i, v := range before {
		var sum uint64
		sum, carry = bits.Add64(v, v&places[i], carry)
		after[i] = sum | v&^places[i]
	}
}

// zeroBits returns how many of the first n bits of a row are 0.
func zeroBits(row []uint64, n int) (zeros int) {
	for ; n >= 64; n -= 64 {
		zeros += bits.OnesCount64(^row[0])
		row = row[1:]
	}
	if n > 0 {
		zeros += bits.OnesCount64(^row[0] << (64 - n))
	}
	return zeros
}

// row returns the bits of the prefix of n bytes of rows, nil for that of none.
func (t *lcsTable) row(n int) []uint64 {
	if n == 0 {
		return nil
	}
	return t.bits[(n-1)*t.words:][:t.words]
}

// more returns 1 where byte n of cols makes the length of a row one more.
func more(row []uint64, n int) int {
	if row == nil {
		return 0
	}
	return int(^row[n/64] >> (n % 64) & 1)
}

// A lcsRange is n bytes in common, at a and at b.
type lcsRange struct{ a, b, n int }

// ranges returns what is in common, the last first. Of several answers it is the
// one that Redis finds from the end.
func (t *lcsTable) ranges() []lcsRange {
	var all []lcsRange
	i, j, open := len(t.rows), len(t.cols), false // of the prefixes
	row, length := t.row(i), t.length             // of both
	lessRow := 0                                  // the length with a byte of rows less
	up := func() {
		i--
		row, length = t.row(i), lessRow
		if lessRow = 0; i > 1 {
			lessRow = zeroBits(t.row(i-1), j)
		}
	}
	left := func() {
		j--
		length -= more(row, j)
		lessRow -= more(t.row(i-1), j)
	}
	if i > 1 {
		lessRow = zeroBits(t.row(i-1), j)
	}
	for i > 0 && j > 0 {
		if t.rows[i-1] == t.cols[j-1] {
			left()
			up()
			if !open {
				all = append(all, lcsRange{})
			}
			last := &all[len(all)-1]
			last.a, last.b, last.n = i, j, last.n+1
			if t.swapped {
				last.a, last.b = j, i
			}
			open = true
			continue
		}
		open = false
		lessCol := length - more(row, j-1)
		if !t.swapped && lessRow > lessCol || t.swapped && lessCol <= lessRow {
			up()
		} else {
			left()
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
