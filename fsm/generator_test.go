package fsm

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/trivetdb/trivet/resp"
)

var seed = flag.Uint64("seed", 1, "the seed of random tests")

// A generator draws commands of all rows. It knows nothing of the rows but
// their Spec, so a new row is tested as soon as it is in the table.
type generator struct{ *rand.Rand }

// newGenerator returns a generator whose seed is told where the test fails.
func newGenerator(t testing.TB) *generator {
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("run again with -seed %d", *seed)
		}
	})
	return &generator{rand.New(rand.NewPCG(*seed, 0))}
}

func (g *generator) key() string { return fmt.Sprintf("key:%d", g.IntN(40)) }

// row draws a row with any of the flags.
func (g *generator) row(flags Flag) *Command {
	for {
		c := rows[g.IntN(len(rows))]
		flush := c.Group == "server" && c.Flags&Write != 0 || c.Name == "CLASSIC|FLUSH"
		if c.Flags&flags != 0 && (!flush || g.IntN(20) == 0) {
			return c
		}
	}
}

var words = []string{
	"0", "1", "-1", "7", "1000", "1.5", "1e3", "9223372036854775807", "-9223372036854775808",
	"", "text", "longer text with \x00 and \xff in it", "*", "key:1*", "k[e-z]y:?",
}

var options = [][]string{
	{"EX", "1"}, {"PX", "5"}, {"EXAT", "100"}, {"PXAT", "2000"}, {"NX"}, {"XX"}, {"GT"}, {"LT"},
	{"GET"}, {"KEEPTTL"}, {"PERSIST"}, {"COUNT", "3"}, {"MATCH", "*1*"}, {"TYPE", "string"},
	{"ASYNC"}, {"SYNC"},
}

// typedValues are values of the classic dialect in canonical encoding.
var typedValues = []resp.Value{
	resp.Int(5), resp.Int(-1), resp.Nil, resp.List(), resp.Strs("a", "b"),
	resp.Dict(resp.Str("k"), resp.List(resp.Int(1), resp.Nil)), resp.Str("bulk"),
}

// args draws arguments that fit the arity: keys where keys belong, and words
// or options elsewhere.
func (g *generator) args(c *Command) (args [][]byte, typed []bool) {
	all := []string{c.Name}
	n := c.Arity
	if n < 0 {
		n = -n
		if last := c.Keys.Last; last < 0 { // keys to the end
			n += g.IntN(4)
		}
	}
	for len(all) < n {
		all = append(all, words[g.IntN(len(words))])
	}
	if c.Arity < 0 && c.Keys.Last >= 0 {
		for range g.IntN(3) {
			all = append(all, options[g.IntN(len(options))]...)
		}
	}
	for _, at := range c.Keys.Of(len(all)) {
		all[at] = g.key()
	}
	if c.Flags&Typed != 0 {
		typed = make([]bool, len(all))
		isKey := map[int]bool{}
		for _, at := range c.Keys.Of(len(all)) {
			isKey[at] = true
		}
		for i := 1; i < len(all); i++ {
			if !isKey[i] && g.IntN(2) == 0 {
				all[i] = string(typedValues[g.IntN(len(typedValues))].Append(nil, resp.Canonical))
				typed[i] = true
			}
		}
	}
	return bulks(all...), typed
}

// fill runs n random commands on m.
func (g *generator) fill(m *machine, n int) {
	for range n {
		c := g.row(Read | Write)
		args, typed := g.args(c)
		m.write(m.st.Now()+int64(g.IntN(20)), g.IntN(3), c, args, typed)
	}
}
