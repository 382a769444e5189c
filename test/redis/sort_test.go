//go:build redis

package redis

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/test/transcript"
)

// TestSortAtRandom gives Redis and a State the same values to sort. Weights by
// which ALPHA sorts are different, as nothing says what becomes of equal ones.
func TestSortAtRandom(t *testing.T) {
	r, st := startRedis(t), &state{State: fsm.NewStateAt(fsm.NewestLevel)}
	ours := st.answers(t)
	g := rand.New(rand.NewPCG(*seed, 0))
	both := func(words ...string) {
		t.Helper()
		got, want := transcript.Format(ours(words...)), transcript.Format(r.do(words...))
		if got != want {
			t.Fatalf("seed %d, %q:\ngot\n%swant\n%s", *seed, words, got, want)
		}
	}
	for i := range 300 {
		n := itoa(i)
		both("SET", "name:"+n, fmt.Sprintf("%x-%d", g.IntN(40), i))
		if i%7 > 0 {
			both("SET", "rank:"+n, itoa(g.IntN(50)-25))
			both("HSET", "hash:"+n, "rank", fmt.Sprint(g.Float64()), "name", n)
		}
	}
	for round := range 300 {
		both("DEL", "list", "set", "zset", "to")
		for range 1 + g.IntN(60) {
			n := itoa(g.IntN(300))
			both("RPUSH", "list", n)
			both("SADD", "set", n)
			both("ZADD", "zset", itoa(g.IntN(10)), n)
		}
		words := []string{"SORT", []string{"list", "set", "zset"}[round%3]}
		by := [][]string{{}, {"ALPHA"}, {"BY", "rank:*"}, {"BY", "hash:*->rank"}, {"BY", "name:*", "ALPHA"}, {"BY", "nosort"}}
		words = append(words, by[g.IntN(len(by))]...)
		for _, option := range [][]string{
			{"DESC"}, {"ASC"}, {"GET", "#"}, {"GET", "name:*", "GET", "rank:*"}, {"GET", "hash:*->name"}, {"STORE", "to"},
			{"LIMIT", itoa(g.IntN(12) - 2), itoa(g.IntN(20) - 1)},
		} {
			if g.IntN(3) == 0 {
				words = append(words, option...)
			}
		}
		both(words...)
		both("LRANGE", "to", "0", "-1")
	}
}
