package fsm

import (
	"fmt"
	"testing"
)

// TestScanGuarantee: a key that is there from the first call of a scan to the
// last is returned, and once, whatever comes and goes meanwhile. Each call may
// be answered by another node, restored or not.
func TestScanGuarantee(t *testing.T) {
	g := newGenerator(t)
	for round := range 20 {
		m := newMachine(t)
		m.check = false
		const stay = 300
		for i := range stay {
			m.do(0, "SET", fmt.Sprint("stay:", i), "v")
		}
		seen := map[string]int{}
		cursor := "0"
		for calls := 0; ; calls++ {
			if calls > 10000 {
				t.Fatalf("round %d: the scan does not end", round)
			}
			reply := m.do(0, "SCAN", cursor, "COUNT", itoa(int64(1+g.IntN(20))))
			for _, key := range reply.Elems[1].Elems {
				seen[key.Str]++
			}
			if cursor = reply.Elems[0].Str; cursor == "0" {
				break
			}
			for range 10 {
				m.do(0, "SET", fmt.Sprint("guest:", g.IntN(500)), "v")
				m.do(0, "DEL", fmt.Sprint("guest:", g.IntN(500)))
			}
			if g.IntN(10) == 0 {
				m.st = restored(t, m.st)
			}
		}
		for i := range stay {
			if n := seen[fmt.Sprint("stay:", i)]; n != 1 {
				t.Fatalf("round %d: stay:%d was seen %d times", round, i, n)
			}
		}
	}
}

// A page holds what COUNT asks for, and a scan of an idle database each key
// once.
func TestScanPages(t *testing.T) {
	m := newMachine(t)
	m.check = false
	const n = 1000
	for i := range n {
		m.do(0, "SET", fmt.Sprint(i), "v")
	}
	for _, count := range []int{1, 7, 10, 999, 1000, 5000} {
		seen := map[string]bool{}
		cursor, calls := "0", 0
		for {
			reply := m.do(0, "SCAN", cursor, "COUNT", itoa(int64(count)))
			keys := reply.Elems[1].Elems
			for _, key := range keys {
				seen[key.Str] = true
			}
			calls++
			if cursor = reply.Elems[0].Str; cursor == "0" {
				break
			}
			if len(keys) != count {
				t.Fatalf("COUNT %d: a page of %d", count, len(keys))
			}
		}
		if len(seen) != n || calls != (n+count-1)/count {
			t.Errorf("COUNT %d: %d keys in %d calls", count, len(seen), calls)
		}
	}
}
