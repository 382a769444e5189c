package fsm

import (
	"fmt"
	"testing"
)

// A member that stays is seen by a scan, and once; a set that becomes small or
// large meanwhile loses none.
func TestZScanGuarantee(t *testing.T) {
	g := newGenerator(t)
	for _, stay := range []int{100, 128, 129, 500} {
		m := newMachine(t)
		m.check = false
		for i := range stay {
			m.do(0, "ZADD", "z", itoa(int64(g.IntN(9))), fmt.Sprint("stay:", i))
		}
		for i := range 100 {
			m.do(0, "ZADD", "z", "1", fmt.Sprint("guest:", i))
		}
		seen := map[string]int{}
		for cursor, calls := "0", 0; cursor != "0" || calls == 0; calls++ {
			reply := m.do(0, "ZSCAN", "z", cursor, "COUNT", itoa(int64(1+g.IntN(20))))
			cursor = reply.Elems[0].Str
			for i := 0; i < len(reply.Elems[1].Elems); i += 2 {
				seen[reply.Elems[1].Elems[i].Str]++
			}
			for range 10 {
				m.do(0, "ZADD", "z", itoa(int64(g.IntN(9))), fmt.Sprint("stay:", g.IntN(stay)))
				m.do(0, "ZREM", "z", fmt.Sprint("guest:", g.IntN(200)))
			}
			m.st = restored(t, m.st)
		}
		for i := range stay {
			if seen[fmt.Sprint("stay:", i)] == 0 {
				t.Fatalf("of %d members, stay:%d was not seen", stay, i)
			}
		}
	}
}

// Draws without repetition are of members, each once.
func TestZRandMember(t *testing.T) {
	m := newMachine(t)
	m.check = false
	for i := range 300 {
		m.do(0, "ZADD", "z", itoa(int64(i%7)), fmt.Sprint(i))
	}
	ever := map[string]bool{}
	for _, count := range []int{1, 2, 100, 299, 300, 301} {
		seen := map[string]bool{}
		for _, v := range m.do(0, "ZRANDMEMBER", "z", fmt.Sprint(count)).Elems {
			seen[v.Str], ever[v.Str] = true, true
			if m.do(0, "ZSCORE", "z", v.Str).Kind == 0 {
				t.Errorf("%q is no member", v.Str)
			}
		}
		if len(seen) != min(count, 300) {
			t.Errorf("%d members for %d", len(seen), count)
		}
	}
	if n := len(m.do(0, "ZRANDMEMBER", "z", "-1000", "WITHSCORES").Elems); n != 2000 {
		t.Errorf("%d elements", n)
	}
	for range 3000 {
		ever[m.do(0, "ZRANDMEMBER", "z").Str] = true
	}
	if len(ever) != 300 {
		t.Errorf("only %d members were ever drawn", len(ever))
	}
}
