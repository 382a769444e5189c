package server

import (
	"strings"
	"testing"

	"github.com/trivetdb/trivet/resp"
)

// request writes a list as the article's client does.
func request(elems ...resp.Value) string {
	return string(resp.List(elems...).Append(nil, resp.Classic))
}

func words(line string) string { return request(resp.Strs(strings.Fields(line)...).Elems...) }

// The session at the end of the article.
func TestArticle(t *testing.T) {
	w := dial(t, start(t, Options{}).classic)
	list := resp.List(resp.Str("v2-0"), resp.Int(1), resp.Str("v2-2"))
	dict := resp.Dict(resp.Str("vx"), resp.Dict(
		resp.Str("vy"), resp.Int(0),
		resp.Str("vz"), resp.List(resp.Int(1), resp.Int(2), resp.Int(3))))
	str := resp.Str
	for _, step := range []struct {
		send string
		want resp.Value
	}{
		{request(str("MSET"), str("k1"), str("v1"), str("k2"), list, str("k3"), str("v3")), resp.Int(3)},
		{words("GET k2"), list},
		{words("MGET k3 k1"), resp.Strs("v3", "v1")},
		{words("DELETE k1"), resp.Int(1)},
		{words("GET k1"), resp.Nil},
		{words("DELETE k1"), resp.Int(0)},
		{request(str("SET"), str("kx"), dict), resp.Int(1)},
		{words("GET kx"), dict},
		{words("FLUSH"), resp.Int(3)},
	} {
		w.send(step.send)
		w.expect(string(step.want.Append(nil, resp.Classic)))
	}
}

func TestClassicRequests(t *testing.T) {
	w := dial(t, start(t, Options{}).classic)
	null := resp.Nil
	for _, step := range []struct{ send, want string }{
		{"+SET a b\r\n", ":1\r\n"},
		{"$7\r\n get\ta \r\n", "$1\r\nb\r\n"},
		{"*2\r\n+get\r\n+a\r\n", "$1\r\nb\r\n"},
		{":5\r\n", "-Request must be list or simple string.\r\n"},
		{"%1\r\n+a\r\n+b\r\n", "-Request must be list or simple string.\r\n"},
		{"$-1\r\n", "-Request must be list or simple string.\r\n"},
		{"*-1\r\n", "-Request must be list or simple string.\r\n"},
		{"-ERR\r\n", "-Request must be list or simple string.\r\n"},
		{"*0\r\n", "-Missing command\r\n"},
		{"+ \r\n", "-Missing command\r\n"},
		{"*1\r\n*1\r\n+GET\r\n", "-Command name must be a string.\r\n"},
		{"+fluhs 1\r\n", "-Unrecognized command: FLUHS\r\n"},
		{"*1\r\n:7\r\n", "-Unrecognized command: 7\r\n"},
		{"+classic|get a\r\n", "-Unrecognized command: CLASSIC|GET\r\n"},
		{"+GET\r\n", "-ERR wrong number of arguments for 'get' command\r\n"},
		{words("MSET a"), "-ERR wrong number of arguments for 'mset' command\r\n"},
		{request(resp.Str("SET"), resp.Int(7), resp.Int(8)), ":1\r\n"},
		{words("GET 7"), ":8\r\n"},
		{request(resp.Str("GET"), resp.Int(7)), ":8\r\n"},
		{request(resp.Str("SET"), resp.Str("n"), null), ":1\r\n"},
		{words("GET n"), "$-1\r\n"},
		{request(resp.Str("SET"), resp.List(), resp.Int(8)), "-ERR a key must be a string or an integer\r\n"},
		{request(resp.Str("GET"), null), "-ERR a key must be a string or an integer\r\n"},
		{request(resp.Str("APPEND"), resp.Str("a"), resp.List()), "-ERR a list or dictionary can only be stored with SET or MSET on the classic port\r\n"},
		{request(resp.Str("APPEND"), resp.Str("a"), resp.Int(12)), ":3\r\n"},
		{words("GET a"), "$3\r\nb12\r\n"},
		{words("EXPIRE a 100"), ":1\r\n"},
		{words("CLIENT GETNAME"), "$-1\r\n"},
		{words("CLIENT nosuch"), "-ERR unknown subcommand 'nosuch'. Try CLIENT HELP.\r\n"},
		{words("HELLO 3"), "-NOPROTO unsupported protocol version\r\n"},
		{words("ECHO hi"), "$2\r\nhi\r\n"},
		{words("CONFIG GET maxmemory"), "%1\r\n$9\r\nmaxmemory\r\n$1\r\n0\r\n"},
		{"+SET x 1\r\n+SET y 2\r\n+MGET x y\r\n", ":1\r\n:1\r\n*2\r\n$1\r\n1\r\n$1\r\n2\r\n"},
	} {
		w.send(step.send)
		t.Log(step.send)
		w.expect(step.want)
	}
}

func TestClassicBadRequest(t *testing.T) {
	f := start(t, Options{})
	for _, bad := range []string{"GET a\r\n", "*2\r\n+GET\r\n?\r\n", ":x\r\n"} {
		w := dial(t, f.classic)
		w.send("+SET a b\r\n" + bad)
		w.expect(":1\r\n-bad request\r\n")
		w.closed()
	}
}

// What a classic client stored is of one state with what Redis clients see.
func TestClassicAndRedis(t *testing.T) {
	f := start(t, Options{})
	c, r := dial(t, f.classic), dial(t, f.redis)
	c.ask("+SET s text", ":1\r\n")
	r.ask("GET s", "$4\r\ntext\r\n")
	c.send(request(resp.Str("SET"), resp.Str("n"), resp.Int(5)))
	c.expect(":1\r\n")
	r.ask("INCR n", ":6\r\n")
	c.send(request(resp.Str("SET"), resp.Str("l"), resp.List(resp.Int(1))))
	c.expect(":1\r\n")
	r.ask("GET l", "*1\r\n:1\r\n")
	r.ask("STRLEN l", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n")
	r.ask("CLASSIC|GET s", "-ERR unknown command 'CLASSIC|GET', with args beginning with: 's' \r\n")
	r.ask("DELETE s", ":1\r\n")
	r.ask("FLUSH", "+OK\r\n")
	c.ask("+GET n", "$-1\r\n")
}
