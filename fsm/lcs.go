package fsm

import (
	"slices"
	"strings"

	"github.com/trivetdb/trivet/resp"
)

// maxLCS bounds the cells of LCS's table, each of four bytes.
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
	var a, b string
	if x != nil {
		a = x.str
	}
	if y != nil {
		b = y.str
	}
	if (len(a)+1)*(len(b)+1) > maxLCS {
		return errLCSMemory
	}
	t := newLCSTable(a, b)
	switch length := resp.Int(int64(t.at(len(a), len(b)))); {
	case o.length:
		return length
	case o.index:
		return resp.Dict(resp.Str("matches"), resp.List(t.matches(o)...), resp.Str("len"), length)
	}
	var common strings.Builder
	for _, r := range slices.Backward(t.ranges()) {
		common.WriteString(a[r.a : r.a+r.n])
	}
	return resp.Str(common.String())
}

// An lcsTable holds the length of what each two prefixes have in common.
type lcsTable struct {
	a, b  string
	cells []uint32 // a row for each prefix of a
}

func newLCSTable(a, b string) *lcsTable {
	t := &lcsTable{a, b, make([]uint32, (len(a)+1)*(len(b)+1))}
	width := len(b) + 1
	for i := range len(a) {
		above, row := t.cells[i*width:][:width], t.cells[(i+1)*width:][:width]
		for j := range len(b) {
			if a[i] == b[j] {
				row[j+1] = above[j] + 1
			} else {
				row[j+1] = max(above[j+1], row[j])
			}
		}
	}
	return t
}

func (t *lcsTable) at(i, j int) uint32 { return t.cells[i*(len(t.b)+1)+j] }

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
		case t.at(i-1, j) > t.at(i, j-1):
			i, open = i-1, false
		default:
			j, open = j-1, false
		}
	}
	return all
}

// matches returns the elements of IDX's reply, the last range first as in Redis.
func (t *lcsTable) matches(o lcsOptions) []resp.Value {
	span := func(from, n int) resp.Value {
		return resp.List(resp.Int(int64(from)), resp.Int(int64(from+n-1)))
	}
	var matches []resp.Value
	for _, r := range t.ranges() {
		if int64(r.n) < o.shortest {
			continue
		}
		m := resp.List(span(r.a, r.n), span(r.b, r.n))
		if o.lengths {
			m.Elems = append(m.Elems, resp.Int(int64(r.n)))
		}
		matches = append(matches, m)
	}
	return matches
}
