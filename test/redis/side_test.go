//go:build redis

package redis

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/trivetdb/trivet/resp"
	"github.com/trivetdb/trivet/test/cluster"
)

var (
	commands = flag.Int("commands", 20_000, "how many random commands TestSideBySide runs")
	sideSeed = flag.Uint64("side-seed", 1, "the seed of TestSideBySide")
)

// TestSideBySide runs random commands on a cluster of three and on a real Redis
// and compares the replies. Several clients do so at once, each in databases of
// its own, and each moves from node to node. Three times a node starts again
// from a snapshot. At the end the nodes are equal byte for byte.
func TestSideBySide(t *testing.T) {
	c := cluster.Start(t, 3, "--on-follower", "forward", "--reads", "linearizable")
	c.Settled()
	const clients, parts = 6, 4
	addr := startRedis(t).conn.RemoteAddr().String()
	pairs := make([]*pair, clients)
	for i := range pairs {
		pairs[i] = &pair{generator: newGenerator(t, *sideSeed, 2*i), ran: map[string]int{}}
	}
	for part := 1; part <= parts; part++ {
		ok := t.Run(fmt.Sprint("part", part), func(t *testing.T) {
			for i, p := range pairs {
				t.Run(fmt.Sprint("client", i+1), func(t *testing.T) {
					t.Parallel()
					p.run(t, addr, c.Nodes, *commands*part/parts/clients)
				})
			}
		})
		if !ok {
			t.Fatalf("run again with -side-seed %d", *sideSeed)
		}
		if part < parts {
			restart(t, c, c.Nodes[part-1])
		}
	}
	c.Settled()
	c.SameState()
	report(t, pairs)
}

// report tells of commands that were tested in vain.
func report(t *testing.T, pairs []*pair) {
	ran, total := map[string]int{}, 0
	for _, p := range pairs {
		total += p.done
		for name, n := range p.ran {
			ran[name] += n
		}
	}
	var never []string
	for name, n := range ran {
		if n == 0 {
			never = append(never, name)
		}
	}
	slices.Sort(never)
	t.Logf("%d commands; only errors from: %s", total, strings.Join(never, " "))
}

// A pair is a Redis and a cluster that get the same commands.
type pair struct {
	*generator
	t     *testing.T // that runs now
	redis *client
	nodes []*client
	node  *client // that gets the commands now
	done  int
	ran   map[string]int // by name, without errors
	said  []string       // the last commands
}

// restart ends a node once it has a snapshot and starts it again.
func restart(t *testing.T, c *cluster.Cluster, n *cluster.Node) {
	t.Helper()
	conn := dial(t, n.Redis)
	if v := conn.do("BGSAVE"); v.Kind == resp.Error {
		t.Fatalf("BGSAVE: %s", v.Str)
	}
	c.Until("a snapshot is saved", 2*time.Minute, func(context.Context) bool {
		return strings.Contains(conn.do("INFO", "persistence").Str, "rdb_bgsave_in_progress:0")
	})
	n.Stop()
	n.Start()
	c.Settled()
}

// run goes on until as many commands were run.
func (p *pair) run(t *testing.T, redis string, nodes []*cluster.Node, commands int) {
	p.t, p.redis, p.nodes = t, dial(t, redis), nil
	for _, n := range nodes {
		p.nodes = append(p.nodes, dial(t, n.Redis))
	}
	for p.done < commands {
		p.block()
	}
	p.sameData()
}

// block runs some commands on one node, in one database and one protocol.
func (p *pair) block() {
	p.node = p.nodes[p.IntN(len(p.nodes))]
	p.both("?", "HELLO", fmt.Sprint(2+p.IntN(2)))
	db := p.draw("own")
	if p.IntN(10) == 0 {
		db = p.draw("other")
	}
	p.both("", "SELECT", db)
	switch p.IntN(12) {
	case 0:
		p.transaction()
	case 1:
		p.expiry()
	default:
		p.pipeline(1 + p.IntN(40))
	}
}

// pipeline sends n commands at once.
func (p *pair) pipeline(n int) {
	all, marks := make([][]string, n), make([]string, n)
	for i := range all {
		all[i], marks[i] = p.command()
	}
	p.redis.send(all)
	p.node.send(all)
	for i, args := range all {
		p.compare(marks[i], args, p.redis.receive(), p.node.receive())
	}
}

// transaction runs some commands in MULTI, half the time with WATCH.
func (p *pair) transaction() {
	if p.IntN(2) == 0 {
		p.both("", "WATCH", p.draw("k"), p.draw("k"))
		if p.IntN(2) == 0 {
			p.pipeline(1)
		}
	}
	p.both("", "MULTI")
	var marks []string
	var queued [][]string
	for range 1 + p.IntN(8) {
		args, mark := p.command()
		if v := p.both("", args...); v.Kind == resp.Simple {
			marks, queued = append(marks, mark), append(queued, args)
		}
	}
	if p.IntN(8) == 0 {
		p.both("", "DISCARD")
		return
	}
	p.redis.send([][]string{{"EXEC"}})
	p.node.send([][]string{{"EXEC"}})
	theirs, ours := p.redis.receive(), p.node.receive()
	if theirs.Kind != resp.Array || ours.Kind != resp.Array || len(theirs.Elems) != len(ours.Elems) {
		p.compare("", []string{"EXEC"}, theirs, ours)
		return
	}
	for i, v := range theirs.Elems {
		p.compare(marks[i], queued[i], v, ours.Elems[i])
	}
}

// expiry lets keys expire and looks at what is left.
func (p *pair) expiry() {
	keys := []string{p.draw("k"), p.draw("k"), p.draw("s")}
	p.both("", "PEXPIRE", keys[0], "20")
	p.both("", "PEXPIRE", keys[1], "1")
	p.both("", "SET", keys[2], "x", "PX", "10")
	time.Sleep(40 * time.Millisecond)
	for _, key := range keys {
		p.both("", "EXISTS", key)
		p.both("", "TYPE", key)
	}
	p.both("", "SETNX", keys[0], "again")
	p.both("", "LPUSH", keys[1], "again")
}

// both runs a command on both and returns Redis's reply.
func (p *pair) both(marks string, args ...string) resp.Value {
	p.redis.send([][]string{args})
	p.node.send([][]string{args})
	v := p.redis.receive()
	p.compare(marks, args, v, p.node.receive())
	return v
}

// compare fails the test where the replies differ.
func (p *pair) compare(marks string, args []string, theirs, ours resp.Value) {
	p.t.Helper()
	p.done++
	name := strings.ToUpper(args[0])
	if theirs.Kind != resp.Error {
		p.ran[name]++
	} else if _, ok := p.ran[name]; !ok {
		p.ran[name] = 0
	}
	p.said = append(p.said[max(0, len(p.said)-600):], fmt.Sprintf("%.100q", args))
	if !alike(marks, theirs, ours) {
		p.t.Fatalf("after\n%s\nRedis says %.2000q, trivet %.2000q",
			strings.Join(p.said, "\n"), theirs.Append(nil, resp.RESP3), ours.Append(nil, resp.RESP3))
	}
}

// alike compares two replies, as the marks of the grammar say.
func alike(marks string, a, b resp.Value) bool {
	switch {
	case a.Kind != b.Kind:
		return false
	case marks == "!" && a.Kind != resp.Error:
		return true
	case len(a.Elems) != len(b.Elems):
		return false
	case marks == "?" && a.Kind != resp.Error:
		return true
	case marks == "%" && a.Kind == resp.Integer && a.Int > 10_000:
		return a.Int-b.Int < 10_000 && b.Int-a.Int < 10_000
	case marks == "%" && a.Kind == resp.Integer:
		return (a.Int < 0) == (b.Int < 0) && a.Int-b.Int < 10_000 && b.Int-a.Int < 10_000
	case a.Int != b.Int || a.Kind != resp.Double && number(a.Str) != number(b.Str):
		return false
	}
	x, y := a.Elems, b.Elems
	if marks == "~" {
		x, y = sorted(a), sorted(b)
	}
	for i := range x {
		if !alike(marks, x[i], y[i]) {
			return false
		}
	}
	return true
}

// number returns a score as few digits tell it: Redis prints up to seventeen up
// to 7.0, and as few as are needed from 7.2.
func number(s string) string {
	if f, err := strconv.ParseFloat(s, 64); err == nil && strings.ContainsAny(s, ".e") {
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	return s
}

// sorted returns the elements of a reply in the order of their bytes; those of a
// map, and of the flat form of one, are taken two by two.
func sorted(v resp.Value) []resp.Value {
	all := slices.Clone(v.Elems)
	slices.SortFunc(all, func(a, b resp.Value) int {
		return strings.Compare(text(a), text(b))
	})
	return all
}

func text(v resp.Value) string {
	if v.Elems, v.Str = sorted(v), number(v.Str); v.Kind == resp.Double {
		v.Str = ""
	}
	return string(v.Append(nil, resp.RESP3))
}

// contents are the commands that show what a key of a type holds.
var contents = map[string]struct {
	marks string
	args  []string
}{
	"string": {"", []string{"GET", ""}},
	"list":   {"", []string{"LRANGE", "", "0", "-1"}},
	"hash":   {"~", []string{"HGETALL", ""}},
	"set":    {"~", []string{"SMEMBERS", ""}},
	"zset":   {"", []string{"ZRANGE", "", "0", "-1", "WITHSCORES"}},
	"stream": {"", []string{"XRANGE", "", "-", "+"}},
}

// sameData compares all keys.
func (p *pair) sameData() {
	p.both("?", "HELLO", "3")
	for _, db := range []string{p.draw("own"), p.draw("other")} {
		p.both("", "SELECT", db)
		keys := p.both("~", "KEYS", "*")
		for _, key := range keys.Elems {
			kind := p.both("", "TYPE", key.Str)
			show, ok := contents[kind.Str]
			if !ok {
				p.t.Fatalf("%q is a %s", key.Str, kind.Str)
			}
			args := slices.Clone(show.args)
			args[1] = key.Str
			p.both(show.marks, args...)
			p.both("%", "PEXPIRETIME", key.Str)
			if kind.Str == "stream" {
				p.both("?", "XINFO", "GROUPS", key.Str)
			}
		}
	}
}
