//go:build redis

package redis

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/resp"
	"github.com/trivetdb/trivet/test/transcript"
)

var seed = flag.Uint64("seed", 1, "the seed of random tests")

// TestSortedSetsAtRandom gives Redis and a State the same commands on sorted
// sets, larger than those that a transcript can show.
func TestSortedSetsAtRandom(t *testing.T) {
	for _, members := range []int{8, 100, 2000} {
		t.Run(itoa(members), func(t *testing.T) {
			r, st := startRedis(t), &state{State: fsm.NewStateAt(fsm.NewestLevel)}
			g := &zsetGenerator{rand.New(rand.NewPCG(*seed, 0)), members}
			for i := range 10_000 {
				words := g.command()
				want := transcript.Format(r.do(words...))
				got, _, err := resp.ParseValue(st.do(t, words).Append(nil, resp.RESP2), resp.NoLimits)
				if err != nil || transcript.Format(got) != want {
					t.Fatalf("seed %d, step %d, %q:\ngot\n%swant\n%s%v", *seed, i, words, transcript.Format(got), want, err)
				}
			}
		})
	}
}

// A state answers commands as one node does.
type state struct {
	*fsm.State
	n uint64
}

func (s *state) do(t *testing.T, words []string) resp.Value {
	t.Helper()
	args := make([][]byte, 0, len(words))
	for _, w := range words {
		args = append(args, []byte(w))
	}
	c := fsm.Lookup(words[0])
	if c.Flags&fsm.Container != 0 {
		c = fsm.Lookup(words[0] + "|" + words[1])
	}
	if c.Flags&fsm.Read != 0 {
		return s.Read(fsm.Request{Command: c, Args: args})
	}
	s.n++
	group := &fsm.Group{}
	group.Add(c, args, nil)
	batch := fsm.Batch{Origin: fsm.Origin{ID: 1, Life: 1}, Seq: s.n, Body: group.Append(nil, 0)}
	results, err := s.Apply(s.n, fsm.Entry{Time: 1, Batches: []fsm.Batch{batch}})
	if err != nil {
		t.Fatal(err)
	}
	if s.n%100 == 0 {
		s.Freeze()
	}
	return results[0].Replies[0]
}

// A zsetGenerator draws commands. Scores are small, and halves at most, so that
// all ways to print them agree.
type zsetGenerator struct {
	*rand.Rand
	members int
}

func (g *zsetGenerator) pick(words ...string) string { return words[g.IntN(len(words))] }
func (g *zsetGenerator) key() string                 { return g.pick("a", "a", "a", "b", "b", "c") }
func (g *zsetGenerator) member() string              { return fmt.Sprint("m", g.IntN(g.members)) }
func (g *zsetGenerator) rank() string                { return itoa(g.IntN(3*g.members) - g.members) }
func (g *zsetGenerator) score() string {
	if g.IntN(30) == 0 {
		return g.pick("inf", "-inf")
	}
	return fmt.Sprint(float64(g.IntN(g.members)-g.members/2) / 2)
}

// ends returns two ends of a range.
func (g *zsetGenerator) ends() (low, high string) {
	return g.pick("", "(") + g.score(), g.pick("", "(") + g.score()
}

func (g *zsetGenerator) limit(words ...string) []string {
	if g.IntN(2) == 0 {
		words = append(words, "LIMIT", itoa(g.IntN(g.members/4+1)), itoa(g.IntN(20)-2))
	}
	return words
}

// some returns up to n of words, in order.
func (g *zsetGenerator) some(words []string, options ...string) []string {
	for _, o := range options {
		if g.IntN(2) == 0 {
			words = append(words, o)
		}
	}
	return words
}

func (g *zsetGenerator) command() []string {
	low, high := g.ends()
	switch g.IntN(16) {
	case 0, 1, 2, 3:
		return g.add()
	case 4:
		return []string{"ZREM", g.key(), g.member(), g.member()}
	case 5:
		return []string{g.pick("ZRANK", "ZREVRANK", "ZSCORE"), g.key(), g.member()}
	case 6:
		return g.some([]string{g.pick("ZRANGE", "ZREVRANGE"), g.key(), g.rank(), g.rank()}, "WITHSCORES")
	case 7:
		return g.limit(g.some([]string{g.pick("ZRANGEBYSCORE", "ZREVRANGEBYSCORE"), g.key(), low, high}, "WITHSCORES")...)
	case 8:
		return g.limit(g.some([]string{"ZRANGE", g.key(), low, high, "BYSCORE"}, "REV", "WITHSCORES")...)
	case 9:
		return []string{"ZCOUNT", g.key(), low, high}
	case 10:
		return []string{g.pick("ZPOPMIN", "ZPOPMAX"), g.key(), itoa(g.IntN(4))}
	case 11:
		if g.IntN(4) > 0 {
			return []string{"ZCARD", g.key()}
		}
		return []string{"ZREMRANGEBYSCORE", g.key(), low, high}
	case 12:
		from := g.IntN(g.members)
		return []string{"ZREMRANGEBYRANK", g.key(), itoa(from), itoa(from + g.IntN(g.members/20+2))}
	case 13:
		return g.limit("ZRANGESTORE", "c", g.key(), low, high, "BYSCORE")
	case 14:
		words := []string{g.pick("ZUNION", "ZINTER"), "2", g.key(), g.key(), "AGGREGATE", g.pick("SUM", "MIN", "MAX")}
		return g.some(words, "WITHSCORES")
	}
	words := []string{g.pick("ZUNIONSTORE", "ZINTERSTORE"), "c", "2", g.key(), g.key(), "WEIGHTS", "1", "2"}
	return append(words, "AGGREGATE", g.pick("SUM", "MIN", "MAX"))
}

func (g *zsetGenerator) add() []string {
	if g.IntN(6) == 0 {
		return []string{"ZINCRBY", g.key(), g.score(), g.member()}
	}
	words := g.some([]string{"ZADD", g.key()}, g.pick("NX", "XX", "GT", "LT", "CH", "CH"), "CH")
	for range 1 + g.IntN(1+g.members/10) {
		words = append(words, g.score(), g.member())
	}
	return words
}
