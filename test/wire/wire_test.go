// Package wire speaks to the ports of three real nodes as clients do that mean
// well, that are slow, and that mean harm. The last must not stop a node, nor
// make it hold memory for what they only claimed.
//
// All tests share one cluster: n1 forwards writes while it follows, n2 and n3
// answer MOVED.
package wire

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/trivetdb/trivet/node/server"
	"github.com/trivetdb/trivet/test/cluster"
)

var shared *cluster.Cluster

func TestMain(m *testing.M) {
	os.Exit(cluster.Main(m, func(t testing.TB) {
		shared = cluster.New(t)
		for _, does := range []string{"forward", "redirect", "redirect"} {
			shared.Add("--bootstrap-expect", "3", "--on-follower", does).Start()
		}
		shared.Settled()
	}))
}

// roles returns the leader, which is n2 or n3, and the two followers.
func roles(t *testing.T) (leader, forwards, redirects *cluster.Node) {
	t.Helper()
	c := shared.With(t)
	forwards = c.Nodes[0]
	c.Until("n2 or n3 leads", 2*time.Minute, func(ctx context.Context) bool {
		if leader = c.Settled(); leader != forwards {
			return true
		}
		client := leader.Client()
		defer client.Close()
		client.Do(ctx, "RAFT", "TRANSFER", "n2")
		return false
	})
	redirects = c.Nodes[1]
	if leader == redirects {
		redirects = c.Nodes[2]
	}
	return leader, forwards, redirects
}

// ports returns the addresses of both kinds of all nodes.
func ports() (addrs []string) {
	for _, n := range shared.Nodes {
		addrs = append(addrs, n.Redis, n.Classic)
	}
	return addrs
}

// A view is what must not change while bad clients are about.
type view struct {
	t      *testing.T
	leader string
	term   uint64
	rss    map[*cluster.Node]int64
	files  map[*cluster.Node]int
}

// look takes down who leads in which term, and what the nodes hold.
func look(t *testing.T) *view {
	t.Helper()
	s := status(t, shared.With(t).Settled())
	v := &view{t: t, leader: s.Node.ID, term: s.Node.Term, rss: map[*cluster.Node]int64{}, files: map[*cluster.Node]int{}}
	for _, n := range shared.Nodes {
		v.rss[n], v.files[n] = n.RSS(), n.Files()
	}
	return v
}

func status(t *testing.T, n *cluster.Node) server.ClusterStatus {
	t.Helper()
	s, err := n.Status(t.Context())
	if err != nil {
		t.Fatalf("%s does not answer: %v", n.Name, err)
	}
	return s
}

// grown fails the test where a node holds so many bytes more than at first.
func (v *view) grown(when string, most int64) {
	v.t.Helper()
	for n, before := range v.rss {
		if grown := n.RSS() - before; grown > most {
			v.t.Errorf("%s: %s holds %d MiB more than the %d MiB of the start", when, n.Name, grown>>20, before>>20)
		} else {
			v.t.Logf("%s: %s holds %d MiB, %+d", when, n.Name, (before+grown)>>20, grown>>20)
		}
	}
}

// same fails the test unless all nodes answer, with the same leader in the same
// term, and have let go of their connections.
func (v *view) same() {
	v.t.Helper()
	c := shared.With(v.t)
	for _, n := range c.Nodes {
		if !n.Running() {
			v.t.Fatalf("%s has ended", n.Name)
		}
		s := status(v.t, n)
		if s.Node.LeaderID != v.leader || s.Node.Term != v.term {
			v.t.Errorf("%s: leader %s in term %d, and it was %s in term %d", n.Name, s.Node.LeaderID, s.Node.Term, v.leader, v.term)
		}
		c.Until(n.Name+" has closed the connections", 2*time.Minute, func(context.Context) bool {
			return n.Files() <= v.files[n]+20
		})
	}
	set := dial(v.t, c.Nodes[0].Redis)
	set.send("SET wire:same 1\r\n")
	set.expect("+OK\r\n")
}

// A conn is a raw connection that fails the test.
type conn struct {
	t *testing.T
	net.Conn
	r *bufio.Reader
}

func dial(t *testing.T, addr string) *conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(30 * time.Second))
	return &conn{t, c, bufio.NewReader(c)}
}

func (c *conn) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatalf("send %.40q: %v", text, err)
	}
}

// expect reads as many bytes as want has.
func (c *conn) expect(want string) {
	c.t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(c.r, got); err != nil || string(got) != want {
		c.t.Fatalf("got %.200q (%v), want %.200q", got[:n], err, want)
	}
}

// ask sends text and expects an answer.
func (c *conn) ask(text, want string) {
	c.t.Helper()
	c.send(text)
	c.expect(want)
}

// ends expects the end of the stream, and nothing ahead of it.
func (c *conn) ends() {
	c.t.Helper()
	if rest, err := io.ReadAll(c.r); len(rest) > 0 || err != nil {
		c.t.Fatalf("got %.200q (%v), want the end of the stream", rest, err)
	}
}

// silent expects that nothing comes for a moment.
func (c *conn) silent() {
	c.t.Helper()
	c.SetReadDeadline(time.Now().Add(30 * time.Millisecond))
	if b, err := c.r.ReadByte(); err == nil || !os.IsTimeout(err) {
		c.t.Fatalf("got %q (%v), want nothing", b, err)
	}
	c.SetReadDeadline(time.Now().Add(30 * time.Second))
}

// words returns a request, an array of strings.
func words(args ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(a), a)
	}
	return b.String()
}
