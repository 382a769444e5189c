package fsm

import (
	"fmt"
	"slices"
	"testing"

	"github.com/trivetdb/trivet/resp"
)

// distinct returns how many of the strings in a reply differ.
func distinct(v resp.Value) int {
	var all []string
	for _, e := range v.Elems {
		all = append(all, e.Str)
	}
	slices.Sort(all)
	return len(slices.Compact(all))
}

// Draws of a positive count are distinct and within the set, and each member
// comes up in time; small and large sets alike.
func TestDraws(t *testing.T) {
	for _, n := range []int{3, 100, 1000} {
		m := newMachine(t)
		for i := range n {
			m.do(0, "SADD", "s", fmt.Sprint("m", i))
			m.do(0, "HSET", "h", fmt.Sprint("m", i), fmt.Sprint("v", i))
		}
		seen := map[string]bool{}
		for range 30 * n {
			seen[m.do(0, "SRANDMEMBER", "s").Str] = true
		}
		if len(seen) != n {
			t.Errorf("of %d members %d came up", n, len(seen))
		}
		for _, count := range []int{1, n / 2, n - 1, n, n + 1} {
			for _, words := range [][]string{{"SRANDMEMBER", "s"}, {"HRANDFIELD", "h"}} {
				v := m.do(0, append(words, fmt.Sprint(count))...)
				if len(v.Elems) != min(n, count) || distinct(v) != min(n, count) {
					t.Errorf("%s %d of %d: %d, %d of them distinct", words[0], count, n, len(v.Elems), distinct(v))
				}
				v = m.do(0, append(words, fmt.Sprint(-5*count))...)
				if len(v.Elems) != 5*count || distinct(v) > n {
					t.Errorf("%s %d of %d: %d", words[0], -5*count, n, len(v.Elems))
				}
			}
			v := m.do(0, "HRANDFIELD", "h", fmt.Sprint(count), "WITHVALUES")
			if v.Kind != resp.Pairs || len(v.Elems) != 2*min(n, count) {
				t.Fatalf("got %+v", v)
			}
			for i := 0; i < len(v.Elems); i += 2 {
				if v.Elems[i].Str[1:] != v.Elems[i+1].Str[1:] {
					t.Errorf("field %s with value %s", v.Elems[i].Str, v.Elems[i+1].Str)
				}
			}
		}
	}
}

// SPOP takes what it returns, and all in the end.
func TestPops(t *testing.T) {
	for _, n := range []int{1, 10, 1000} {
		m := newMachine(t)
		for i := range n {
			m.do(0, "SADD", "s", fmt.Sprint(i))
		}
		left := n
		for left > 0 {
			v := m.do(0, "SPOP", "s", "7")
			if v.Kind != resp.Set || distinct(v) != min(7, left) {
				t.Fatalf("%d left: %d popped", left, distinct(v))
			}
			for _, e := range v.Elems {
				if m.do(0, "SISMEMBER", "s", e.Str).Int != 0 {
					t.Fatalf("%s is still there", e.Str)
				}
			}
			left -= len(v.Elems)
			if got := m.do(0, "SCARD", "s").Int; got != int64(left) {
				t.Fatalf("%d left, SCARD says %d", left, got)
			}
		}
	}
}

// A request for more than memory may hold is refused.
func TestDrawsAreBounded(t *testing.T) {
	m := newMachine(t)
	m.do(0, "SADD", "s", "a")
	m.do(0, "HSET", "h", "f", "v")
	for _, words := range [][]string{
		{"SRANDMEMBER", "s", "-1000000000000"}, {"HRANDFIELD", "h", "-1000000000000"},
		{"HRANDFIELD", "h", "-4611686018427387000", "WITHVALUES"},
	} {
		if v := m.do(0, words...); !v.IsError() {
			t.Errorf("%q: no error", words)
		}
	}
}

// A command that changes nothing leaves the revision, which WATCH compares.
func TestRevisionsOfContainers(t *testing.T) {
	m := newMachine(t)
	m.do(0, "RPUSH", "l", "a", "b")
	m.do(0, "HSET", "h", "f", "v")
	m.do(0, "SADD", "s", "a")
	m.do(0, "SADD", "t", "a")
	for _, words := range [][]string{
		{"LREM", "l", "0", "x"}, {"LINSERT", "l", "BEFORE", "x", "y"}, {"LSET", "l", "9", "x"}, {"LPOP", "l", "0"},
		{"HDEL", "h", "x"}, {"HSETNX", "h", "f", "w"}, {"HINCRBY", "h", "f", "1"}, {"SADD", "s", "a"},
		{"SREM", "s", "x"}, {"SMOVE", "s", "t", "x"}, {"SPOP", "s", "0"}, {"COPY", "l", "h"}, {"LPUSHX", "none", "a"},
	} {
		revs := func() (all []int64) {
			for _, key := range []string{"l", "h", "s", "t"} {
				all = append(all, m.do(0, "TX|REVISION", key).Int)
			}
			return all
		}
		before := revs()
		m.do(0, words...)
		if after := revs(); !slices.Equal(before, after) {
			t.Errorf("%q: revisions %v, then %v", words, before, after)
		}
	}
	before := m.do(0, "TX|REVISION", "l").Int
	m.do(0, "RPUSH", "l", "c")
	if m.do(0, "TX|REVISION", "l").Int <= before {
		t.Error("a push leaves the revision")
	}
}

// A copy shares nothing that either side changes, with or without a freeze.
func TestCopiesAreApart(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	for i := range 1000 {
		m.do(0, "RPUSH", "l", fmt.Sprint(i))
		m.do(0, "HSET", "h", fmt.Sprint(i), "v")
		m.do(0, "SADD", "s", fmt.Sprint("m", i))
	}
	for _, key := range []string{"l", "h", "s"} {
		m.do(0, "COPY", key, key+"2")
		m.do(0, "COPY", key, key+"3")
	}
	m.verify()
	m.check = false // it is large
	want := map[string]string{}
	show := map[string][]string{"l": {"LRANGE", "", "0", "-1"}, "h": {"HGETALL", ""}, "s": {"SMEMBERS", ""}}
	contents := func(key string) string {
		words := slices.Clone(show[key[:1]])
		words[1] = key
		return string(m.do(0, words...).Append(nil, resp.Canonical))
	}
	for _, key := range []string{"l", "h", "s"} {
		want[key], want[key+"3"] = contents(key), contents(key+"3")
	}
	for i := range 1000 {
		m.do(0, "LSET", "l2", fmt.Sprint(i), "x")
		m.do(0, "HSET", "h2", fmt.Sprint(i), "x")
		m.do(0, "SREM", "s2", fmt.Sprint("m", i))
	}
	m.verify()
	for key, text := range want {
		if contents(key) != text {
			t.Errorf("%s changed with its copy", key)
		}
	}
}
