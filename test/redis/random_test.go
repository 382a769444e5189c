//go:build redis

package redis

import (
	"math/rand/v2"
	"testing"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/resp"
	"github.com/trivetdb/trivet/test/transcript"
)

// A drawer draws commands by chance.
type drawer struct{ *rand.Rand }

func (d drawer) pick(words ...string) string { return words[d.IntN(len(words))] }

// compareAtRandom gives Redis and a State the same commands.
func compareAtRandom(t *testing.T, steps int, draw func(drawer) []string) {
	r, st := startRedis(t), &state{State: fsm.NewStateAt(fsm.NewestLevel)}
	d := drawer{rand.New(rand.NewPCG(*seed, 0))}
	for i := range steps {
		words := draw(d)
		want := transcript.Format(r.do(words...))
		got, _, err := resp.ParseValue(st.do(t, words).Append(nil, resp.RESP2), resp.NoLimits)
		if err != nil || transcript.Format(got) != want {
			t.Fatalf("seed %d, step %d, %q:\ngot\n%swant\n%s%v", *seed, i, words, transcript.Format(got), want, err)
		}
	}
}
