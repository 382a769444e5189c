//go:build redis

package redis

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/resp"
	"github.com/trivetdb/trivet/test/transcript"
)

// TestStreamsAtRandom gives Redis and a State the same commands on streams and
// their groups.
func TestStreamsAtRandom(t *testing.T) {
	r, st := startRedis(t), &state{State: fsm.NewStateAt(fsm.NewestLevel)}
	g := &streamGenerator{Rand: rand.New(rand.NewPCG(*seed, 0))}
	ran := map[string]int{}
	for i := range 20_000 {
		words := g.command()
		want := timeless(words, r.do(words...))
		got, _, err := resp.ParseValue(st.sub(t, words...).Append(nil, resp.RESP2), resp.NoLimits)
		got = timeless(words, got)
		if err != nil || transcript.Format(got) != transcript.Format(want) {
			t.Fatalf("seed %d, step %d, %q:\ngot\n%swant\n%s%v", *seed, i, words, transcript.Format(got), transcript.Format(want), err)
		}
		if !got.IsError() && len(got.Elems) > 0 {
			ran[words[0]]++
		}
	}
	t.Log(ran)
}

// sub is do with subcommands.
func (s *state) sub(t *testing.T, words ...string) resp.Value {
	t.Helper()
	c := fsm.Lookup(words[0])
	if c.Flags&fsm.Container == 0 {
		return s.do(t, words)
	}
	return s.do(t, append([]string{words[0] + "|" + words[1]}, words[1:]...))
}

// timeless returns a reply without what the time says in it, and without what
// Redis 7.2 has added.
func timeless(words []string, v resp.Value) resp.Value {
	switch {
	case words[0] == "XPENDING" && len(words) > 3:
		for _, e := range v.Elems {
			e.Elems[2] = resp.Nil
		}
	case words[0] == "XINFO" && words[1] == "CONSUMERS":
		for i := range v.Elems {
			v.Elems[i].Elems = v.Elems[i].Elems[:min(4, len(v.Elems[i].Elems))]
		}
	case words[0] == "XINFO" && len(words) > 3:
		v = timelessGroups(v)
	}
	return v
}

func timelessGroups(v resp.Value) resp.Value {
	if v.IsError() {
		return v
	}
	v.Elems[3], v.Elems[5] = resp.Nil, resp.Nil // the nodes of the tree that trivet has not
	for _, g := range v.Elems[len(v.Elems)-1].Elems {
		for _, p := range g.Elems[11].Elems {
			p.Elems[2] = resp.Nil
		}
		consumers := g.Elems[13].Elems
		for i := range consumers {
			c := &consumers[i]
			n := len(c.Elems)
			for _, p := range c.Elems[n-1].Elems {
				p.Elems[1] = resp.Nil
			}
			c.Elems = append(c.Elems[:2:2], c.Elems[n-4:]...)
		}
	}
	return v
}

// A streamGenerator draws commands whose replies do not depend on the time.
type streamGenerator struct {
	*rand.Rand
	last int      // that XADD was given
	next []string // to come before others
}

func (g *streamGenerator) pick(words string) string {
	all := strings.Fields(words)
	return all[g.IntN(len(all))]
}

// id draws an ID that is, or was, probably there.
func (g *streamGenerator) id() string {
	return fmt.Sprintf("%d-%d", max(1, g.last-g.IntN(40)), g.IntN(2))
}

func (g *streamGenerator) ids() string {
	var ids []string
	for range 1 + g.IntN(6) {
		ids = append(ids, g.id())
	}
	return strings.Join(ids, " ")
}

// command draws one. All consumers are made with their group: from 7.2 on Redis
// makes them when they come, before that when they get something.
func (g *streamGenerator) command() []string {
	if len(g.next) > 0 {
		line := g.next[0]
		g.next = g.next[1:]
		return strings.Fields(line)
	}
	words := g.draw()
	if words[0] == "XGROUP" && (words[1] == "CREATE" || words[1] == "DELCONSUMER") {
		for _, consumer := range []string{"a", "b", "c"} {
			g.next = append(g.next, fmt.Sprintf("XGROUP CREATECONSUMER %s %s %s", words[2], words[3], consumer))
		}
	}
	return words
}

func (g *streamGenerator) draw() []string {
	key, group, consumer := g.pick("s s t"), g.pick("g g h"), g.pick("a b c")
	line := ""
	switch g.IntN(24) {
	case 0, 1, 2, 3, 4:
		g.last++
		line = fmt.Sprintf("XADD %s %d-%d f %d", key, g.last, g.IntN(2), g.IntN(100))
	case 5:
		line = g.pick("XDEL XDEL XACK") + " " + key + " "
		if strings.HasPrefix(line, "XACK") {
			line += group + " "
		}
		line += g.ids()
	case 6:
		line = fmt.Sprintf("XTRIM %s MAXLEN %d", key, 5+g.IntN(40))
	case 7:
		line = fmt.Sprintf("XGROUP CREATE %s %s %s MKSTREAM", key, group, g.pick("0 $ "+g.id()))
	case 8:
		line = fmt.Sprintf("XGROUP SETID %s %s %s", key, group, g.pick("0 $ "+g.id()))
	case 9:
		line = fmt.Sprintf("XGROUP %s %s %s %s", g.pick("CREATECONSUMER CREATECONSUMER DELCONSUMER"), key, group, consumer)
	case 10:
		line = fmt.Sprintf("XACK %s %s %s", key, group, g.ids())
	case 11:
		line = fmt.Sprintf("XPENDING %s %s", key, group)
	case 12:
		line = fmt.Sprintf("XPENDING %s %s %s + %d %s", key, group, g.pick("- ("+g.id()), g.IntN(20), g.pick("a b c"))
	case 13, 14:
		line = fmt.Sprintf("XCLAIM %s %s %s 0 %s%s", key, group, consumer, g.ids(), g.options())
	case 15, 16:
		line = fmt.Sprintf("XAUTOCLAIM %s %s %s %s %s COUNT %d", key, group, consumer, g.pick("0 0 9999999"), g.pick("- "+g.id()), 1+g.IntN(5))
	case 17:
		line = fmt.Sprintf("XINFO GROUPS %s", key)
	case 18:
		line = fmt.Sprintf("XINFO CONSUMERS %s %s", key, group)
	case 19:
		line = fmt.Sprintf("XINFO STREAM %s FULL COUNT %d", key, g.IntN(20))
	case 20:
		if g.IntN(20) == 0 {
			line = g.pick("DEL XGROUP XSETID") + " " + key
			line = strings.ReplaceAll(line, "XGROUP "+key, "XGROUP DESTROY "+key+" "+group)
			if strings.HasPrefix(line, "XSETID") {
				line = fmt.Sprintf("%s %d ENTRIESADDED 1000 MAXDELETEDID %s", line, g.last, g.id())
			}
			break
		}
		line = fmt.Sprintf("XREAD COUNT 3 STREAMS %s %s %s $", key, key, g.id())
	default:
		line = fmt.Sprintf("XREADGROUP GROUP %s %s COUNT %d %sSTREAMS %s %s", group, consumer, 1+g.IntN(6), g.pick("BLOCK NOACK BLOCK BLOCK")+" ", key, g.pick("> > "+g.id()))
		line = strings.ReplaceAll(line, "BLOCK ", "")
	}
	return strings.Fields(line)
}

// options draws options of XCLAIM.
func (g *streamGenerator) options() string {
	s := ""
	if g.IntN(3) == 0 {
		s += " FORCE"
	}
	if g.IntN(4) == 0 {
		s += " JUSTID"
	}
	if g.IntN(5) == 0 {
		s += fmt.Sprint(" RETRYCOUNT ", g.IntN(9))
	}
	if g.IntN(9) == 0 {
		s += " LASTID " + g.id()
	}
	return s
}
