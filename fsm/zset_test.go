package fsm

import (
	"fmt"
	"strings"
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

// What changes nothing does not count as a change, for WATCH.
func TestSortedSetRevisions(t *testing.T) {
	m := newMachine(t)
	m.do(0, "ZADD", "z", "1", "a", "2", "b")
	rev := func() uint64 { return m.st.dbs[0].get([]byte("z")).rev }
	before := rev()
	for _, words := range [][]string{
		{"ZADD", "z", "1", "a"}, {"ZADD", "z", "NX", "5", "a"}, {"ZADD", "z", "XX", "5", "c"},
		{"ZADD", "z", "GT", "0", "a"}, {"ZADD", "z", "LT", "INCR", "1", "a"}, {"ZINCRBY", "z", "0", "a"},
		{"ZINCRBY", "z", "x", "a"}, {"ZREM", "z", "c"}, {"ZPOPMIN", "z", "0"}, {"ZREMRANGEBYSCORE", "z", "5", "9"},
		{"ZREMRANGEBYRANK", "z", "2", "5"}, {"ZREMRANGEBYLEX", "z", "[c", "+"}, {"ZRANGESTORE", "y", "z", "5", "9"},
		{"ZMPOP", "1", "y", "MIN"}, {"ZUNIONSTORE", "y", "1", "z"},
	} {
		m.do(0, words...)
		if rev() != before {
			t.Errorf("%q changes the revision", words)
		}
	}
	for _, words := range [][]string{
		{"ZADD", "z", "2", "a"}, {"ZADD", "z", "3", "c"}, {"ZINCRBY", "z", "1", "a"}, {"ZREM", "z", "c"},
		{"ZADD", "z", "1", "d", "2", "e", "3", "f", "9", "g"}, {"ZPOPMAX", "z"}, {"ZREMRANGEBYRANK", "z", "0", "0"},
		{"ZMPOP", "1", "z", "MIN"}, {"ZUNIONSTORE", "z", "1", "z"},
	} {
		m.do(0, words...)
		if rev() != m.index {
			t.Errorf("%q does not change the revision", words)
		}
	}
}

// The keys of a command that says how many there are.
func TestCountedKeys(t *testing.T) {
	for _, tt := range []struct {
		words string
		want  string
	}{
		{"ZUNION 2 a b WITHSCORES", "[2 3]"},
		{"ZINTERSTORE out 2 a b", "[1 3 4]"},
		{"ZMPOP 1 a MIN", "[2]"},
		{"ZUNION 3 a b", "[]"},
		{"ZUNION -1 a b", "[]"},
		{"ZUNION x a b", "[]"},
		{"ZDIFFSTORE out 9223372036854775807 a", "[1]"},
		{"ZADD z 1 a", "[1]"},
	} {
		args := bulks(strings.Fields(tt.words)...)
		if got := fmt.Sprint(Lookup(string(args[0])).KeysOf(args)); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.words, got, tt.want)
		}
	}
}
