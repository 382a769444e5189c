package fsm

import (
	"slices"
	"strings"
	"testing"

	"github.com/trivetdb/trivet/resp"
)

// lcsModel returns what two strings have in common by a whole table of numbers, as
// Redis does it, the last range first.
func lcsModel(a, b string) (length int, ranges []lcsRange) {
	table := make([][]int, len(a)+1)
	table[0] = make([]int, len(b)+1)
	for i := range len(a) {
		row := make([]int, len(b)+1)
		for j := range len(b) {
			if row[j+1] = max(table[i][j+1], row[j]); a[i] == b[j] {
				row[j+1] = table[i][j] + 1
			}
		}
		table[i+1] = row
	}
	i, j := len(a), len(b)
	for open := false; i > 0 && j > 0; {
		switch {
		case a[i-1] == b[j-1]:
			i, j = i-1, j-1
			if !open {
				ranges = append(ranges, lcsRange{})
			}
			last := &ranges[len(ranges)-1]
			last.a, last.b, last.n, open = i, j, last.n+1, true
		case table[i-1][j] > table[i][j-1]:
			i, open = i-1, false
		default:
			j, open = j-1, false
		}
	}
	return table[len(a)][len(b)], ranges
}

func TestLCSModel(t *testing.T) {
	g := newGenerator(t)
	some := func() string {
		b := make([]byte, g.IntN(200))
		for i := range b {
			b[i] = "abcd"[g.IntN(4)]
		}
		return string(b)
	}
	for range 3000 {
		a, b := some(), some()
		length, ranges := lcsModel(a, b)
		table := newLCSTable(a, b, true)
		if table.length != length || !slices.Equal(table.ranges(), ranges) {
			t.Fatalf("%s and %s: %d, %v; want %d, %v", a, b, table.length, table.ranges(), length, ranges)
		}
		if n := newLCSTable(a, b, false).length; n != length {
			t.Fatalf("%s and %s: %d without the way, want %d", a, b, n, length)
		}
	}
}

// The largest that LCS takes, of equal lengths or not, takes some megabytes.
func TestLCSMemory(t *testing.T) {
	m := newMachine(t)
	m.check = false
	for _, size := range []int{8 << 10, 1 << 20, 30 << 20} {
		long, short := strings.Repeat("ab", size/2-1), strings.Repeat("ba", (maxLCS/size-1)/2)
		m.big("MSET", "a", long, "b", short)
		for _, words := range [][]string{{"LCS", "a", "b", "LEN"}, {"LCS", "b", "a"}, {"LCS", "a", "b", "IDX"}} {
			var v resp.Value
			if n := taken(func() { v = m.big(words...) }); n > 48<<20 || v.IsError() {
				t.Errorf("%s of %d and %d bytes takes %d MB: %.80v", words, len(long), len(short), n>>20, v.Str)
			}
		}
	}
}
