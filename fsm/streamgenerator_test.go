package fsm

import (
	"bytes"
	"maps"
	"strings"
	"testing"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

// groupTails are tails for the commands of consumer groups.
var groupTails = map[string][][]string{
	"XREADGROUP":            {{"GROUP", "g", "c", "STREAMS", "a", ">"}, {"GROUP", "h", "d", "NOACK", "STREAMS", "a", "b", ">", "0"}, {"GROUP", "g", "d", "COUNT", "2", "BLOCK", "1", "STREAMS", "a", ">"}, {"GROUP", "g", "c", "STREAMS", "a", "0"}},
	"XGROUP|CREATE":         {{"g", "0", "MKSTREAM"}, {"g", "0", "MKSTREAM"}, {"h", "$", "MKSTREAM"}, {"h", "5-1"}},
	"XGROUP|SETID":          {{"g", "0"}, {"h", "5-1"}, {"g", "$", "ENTRIESREAD", "7"}},
	"XGROUP|DESTROY":        {{"h"}},
	"XGROUP|CREATECONSUMER": {{"g", "c"}, {"g", "e"}},
	"XGROUP|DELCONSUMER":    {{"g", "c"}, {"g", "e"}, {"h", "d"}},
	"XINFO|CONSUMERS":       {{"g"}, {"h"}},
	"XACK":                  {{"g", "5-0", "5-1"}, {"g", "9", "7"}, {"h", "5-0"}},
	"XPENDING":              {{"g"}, {"g", "-", "+", "9"}, {"g", "IDLE", "3", "-", "+", "9", "c"}},
	"XCLAIM":                {{"g", "c", "0", "5-0", "5-1", "7"}, {"g", "e", "2", "5-1", "5-2", "7", "FORCE", "JUSTID"}, {"h", "d", "0", "5-0", "FORCE", "RETRYCOUNT", "4"}},
	"XAUTOCLAIM":            {{"g", "c", "5", "0"}, {"g", "e", "0", "-", "COUNT", "2", "JUSTID"}},
}

func init() {
	maps.Copy(tails, groupTails)
	groupOptions["stream"] = append(groupOptions["stream"], [][]string{
		{"FORCE"}, {"JUSTID"}, {"IDLE", "3"}, {"RETRYCOUNT", "2"}, {"LASTID", "8"}, {"MKSTREAM"}, {"ENTRIESREAD", "5"},
	}...)
}

// groupCommand draws a command on few streams, mostly one that makes sense.
func (g *generator) groupCommand() (*Command, [][]byte) {
	for {
		c := rows[g.IntN(len(rows))]
		switch {
		case c.Name == "COPY" && g.IntN(2) == 0:
			return c, bulks(c.Name, g.keyOf("stream"), g.keyOf("stream"), "REPLACE")
		case c.Group != "stream" || c.Flags&(Read|Write) == 0 || strings.Contains("XGROUP|DESTROY XDEL XTRIM", c.Name) && g.IntN(8) > 0,
			c.Name == "XSETID" && g.IntN(10) > 0:
			continue
		case c.Name == "XADD":
			return c, bulks(c.Name, g.keyOf("stream"), "*", "f", "v")
		}
		args, _ := g.args(c)
		return c, args
	}
}

// TestRandomGroups is TestRandomCommands with streams alone, so that groups grow
// old.
func TestRandomGroups(t *testing.T) {
	n := 10000
	if testing.Short() {
		n = 3000
	}
	g := newGenerator(t)
	a, b := newMachine(t), newMachine(t)
	most, ran := 0, map[string]int{}
	for i := range n {
		c, args := g.groupCommand()
		at := a.st.Now() + int64(g.IntN(10))
		a.check, b.check = i%10 == 0, i%10 == 0
		v, w := a.write(at, 0, c, args, nil), b.write(at, 0, c, args, nil)
		if !bytes.Equal(v.Append(nil, resp.Canonical), w.Append(nil, resp.Canonical)) {
			t.Fatalf("step %d, %q: %v and %v", i, args, v, w)
		}
		if !v.IsError() {
			ran[c.Name]++
		}
		if g.IntN(50) == 0 {
			b.st = restored(t, b.st)
			if !bytes.Equal(encoded(t, a.st), encoded(t, b.st)) {
				t.Fatalf("step %d, %q: the states differ", i, args)
			}
		}
		for key := range 4 {
			s, ok, _ := (&Tx{st: a.st, meter: cost.Unlimited()}).stream([]byte("stream:" + itoa(int64(key))))
			if ok && s.group([]byte("g")) != nil {
				most = max(most, s.group([]byte("g")).pending.n)
			}
		}
	}
	for _, c := range rows {
		if c.Group == "stream" && c.Flags&(Read|Write) != 0 && ran[c.Name] == 0 && !testing.Short() {
			t.Errorf("%s never ran without an error", c.Name)
		}
	}
	if most < 10 {
		t.Errorf("at most %d entries were pending", most)
	}
}
