package wire

import (
	"strings"
	"testing"
)

// session is the article's: what its client sends, and what it answers. The last
// answer is printed there as 2, which its own code does not give: three keys are
// left.
var session = []struct{ send, want string }{
	{"*7\r\n$4\r\nMSET\r\n$2\r\nk1\r\n$2\r\nv1\r\n$2\r\nk2\r\n*3\r\n$4\r\nv2-0\r\n:1\r\n$4\r\nv2-2\r\n$2\r\nk3\r\n$2\r\nv3\r\n", ":3\r\n"},
	{words("GET", "k2"), "*3\r\n$4\r\nv2-0\r\n:1\r\n$4\r\nv2-2\r\n"},
	{words("MGET", "k3", "k1"), "*2\r\n$2\r\nv3\r\n$2\r\nv1\r\n"},
	{words("DELETE", "k1"), ":1\r\n"},
	{words("GET", "k1"), "$-1\r\n"},
	{words("DELETE", "k1"), ":0\r\n"},
	{"*3\r\n$3\r\nSET\r\n$2\r\nkx\r\n" + nested, ":1\r\n"},
	{words("GET", "kx"), nested},
	{words("FLUSH"), ":3\r\n"},
}

// nested is {'vx': {'vy': 0, 'vz': [1, 2, 3]}}.
const nested = "%1\r\n$2\r\nvx\r\n%2\r\n$2\r\nvy\r\n:0\r\n$2\r\nvz\r\n*3\r\n:1\r\n:2\r\n:3\r\n"

// TestArticle has the session with the leader, and with a follower that forwards.
func TestArticle(t *testing.T) {
	leader, forwards, _ := roles(t)
	for _, addr := range []string{leader.Classic, forwards.Classic} {
		c := dial(t, addr)
		c.send("+FLUSH\r\n")
		c.r.ReadString('\n')
		for _, s := range session {
			c.ask(s.send, s.want)
		}
	}
	// The requests that are simple strings, in any case.
	c := dial(t, leader.Classic)
	c.ask("+mset a 1 b 2\r\n+Get a\r\n+mget a b x\r\n+delete a\r\n+flush\r\n",
		":2\r\n$1\r\n1\r\n*3\r\n$1\r\n1\r\n$1\r\n2\r\n$-1\r\n:1\r\n:1\r\n")
}

// TestArticleAtFollower asks a follower that redirects: it sends writes to the
// leader's classic port and answers reads itself.
func TestArticleAtFollower(t *testing.T) {
	leader, _, redirects := roles(t)
	moved := "-MOVED 0 " + leader.Classic + "\r\n"
	c, follower := dial(t, leader.Classic), dial(t, redirects.Classic)
	c.send("+FLUSH\r\n")
	c.r.ReadString('\n')
	for _, s := range session {
		name := strings.Split(s.send, "\r\n")[2]
		if name == "GET" || name == "MGET" {
			shared.With(t).Settled() // reads are local, and this connection wrote nothing
			follower.ask(s.send, s.want)
		} else {
			follower.ask(s.send, moved)
		}
		c.ask(s.send, s.want)
	}
	follower.ask("+SET k v\r\n+GET k\r\n+MGET k\r\n+PING\r\n", moved+"$-1\r\n*1\r\n$-1\r\n"+pong)
	// A Redis client is sent to the other port.
	dial(t, redirects.Redis).ask("SET k v\r\nGET k\r\n", "-MOVED 0 "+leader.Redis+"\r\n$-1\r\n")
}
