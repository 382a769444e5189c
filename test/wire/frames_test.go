package wire

import (
	"fmt"
	"strings"
	"testing"
)

// A frame is what a client sends, and what becomes of the connection.
type frame struct {
	send  string
	want  string // all that is answered
	after state
}

type state uint8

const (
	goesOn state = iota // the next request is answered
	closes              // nothing comes after the answer but the end
	waits               // for the rest of a request
)

const (
	pong      = "+PONG\r\n"
	multibulk = "-ERR Protocol error: invalid multibulk length\r\n"
	bulk      = "-ERR Protocol error: invalid bulk length\r\n"
	inline    = "-ERR Protocol error: too big inline request\r\n"
	quotes    = "-ERR Protocol error: unbalanced quotes in request\r\n"
	bad       = "-bad request\r\n"
	badType   = "-Request must be list or simple string.\r\n"
	large     = "-bad request: too large\r\n"
	deep      = "-bad request: nested too deep\r\n"
)

var zeros = strings.Repeat("\x00", 1<<20)

// redisFrames were compared with Redis 7.0, save for lengths from 64 MiB on.
var redisFrames = []frame{
	{"*9223372036854775808\r\n", multibulk, closes},
	{"*9223372036854775807\r\n", multibulk, closes},
	{"*1048577\r\n", multibulk, closes}, // ours: Redis takes 2^31-1
	{"*x\r\n", multibulk, closes},
	{"*\r\n", multibulk, closes},
	{"*1 \r\n", multibulk, closes},
	{"*+1\r\n$4\r\nPING\r\n", multibulk, closes},
	{"*01\r\n$4\r\nPING\r\n", multibulk, closes},
	{"*-1\r\nPING\r\n", pong, goesOn},
	{"*-9223372036854775808\r\nPING\r\n", pong, goesOn},
	{"*0\r\nPING\r\n", pong, goesOn},
	{"*1\r\n$9223372036854775808\r\n", bulk, closes},
	{"*1\r\n$9223372036854775807\r\n", bulk, closes},
	{"*1\r\n$-9223372036854775808\r\n", bulk, closes},
	{"*1\r\n$-1\r\n", bulk, closes},
	{"*2\r\n$3\r\nGET\r\n$-1\r\n", bulk, closes},
	{"*1\r\n$\r\n", bulk, closes},
	{"*1\r\n$x\r\n", bulk, closes},
	{"*1\r\n$4 \r\nPING\r\n", bulk, closes},
	{"*1\r\n$67108865\r\n", bulk, closes}, // ours: Redis takes 512 MiB
	{"*1\r\n:4\r\n", "-ERR Protocol error: expected '$', got ':'\r\n", closes},
	{"*1\r\n+PING\r\n", "-ERR Protocol error: expected '$', got '+'\r\n", closes},
	{"*1\r\n*1\r\n", "-ERR Protocol error: expected '$', got '*'\r\n", closes},
	{"*1\r\n\r\n", "-ERR Protocol error: expected '$', got ' '\r\n", closes},
	{"*" + strings.Repeat("1", 70_000), "-ERR Protocol error: too big mbulk count string\r\n", closes},
	{"*1\r\n$" + strings.Repeat("1", 70_000), "-ERR Protocol error: too big bulk count string\r\n", closes},
	{strings.Repeat("x", 70_000), inline, closes},
	{zeros, inline, closes},
	{"PING\r\n" + zeros, pong + inline, closes}, // what came before is answered
	{"SET \"a\r\nPING\r\n", quotes, closes},
	{"SET 'a' b'c\r\n", quotes, closes},
	{"\"a\"b\r\nPING\r\n", quotes, closes},
	{"\r\n\r\n   \r\nPING\r\n", pong, goesOn},
	{"PING\n", pong, goesOn},
	{"*1\r\n$4\r\nPINGxx", pong, goesOn}, // Redis does not look at the end of a string
	{"FOO\r\n", "-ERR unknown command 'FOO', with args beginning with: \r\n", goesOn},
	{"*1\r\n$0\r\n\r\n", "-ERR unknown command '', with args beginning with: \r\n", goesOn},
	{"\xff\xfe\r\n", "-ERR unknown command '\xff\xfe', with args beginning with: \r\n", goesOn},
	{"$4\r\nPING\r\n", "-ERR unknown command '$4', with args beginning with: \r\n" + pong, goesOn},
	{"POST / HTTP/1.1\r\nHost: x\r\n\r\nPING\r\n", "", closes},
	// Redis closes, too, but drops the answers to what came before.
	{"PING\r\nhost: x\r\nPING\r\n", pong, closes},
	{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "-ERR wrong number of arguments for 'get' command\r\n", closes},
	{"%1\r\n+a\r\n", "-ERR unknown command '%1', with args beginning with: \r\n" +
		"-ERR unknown command '+a', with args beginning with: \r\n", goesOn},
	{"*3\r\n$3\r\nFOO\r\n$1\r\na\r\n$3\r\nx\ny\r\n", "-ERR unknown command 'FOO', with args beginning with: 'a' 'x y' \r\n", goesOn},
	{"GET\r\n", "-ERR wrong number of arguments for 'get' command\r\n", goesOn},
	{"GET a b\r\n", "-ERR wrong number of arguments for 'get' command\r\n", goesOn},
	{"SELECT 16\r\n", "-ERR DB index is out of range\r\n", goesOn},
	{"HELLO 4\r\n", "-NOPROTO unsupported protocol version\r\n", goesOn},
	{"*1048576\r\n", "", waits},
	{"*1048576\r\n$67108864\r\n", "", waits},
	{"*1\r\n$67108864\r\n", "", waits},
	{"*2\r\n$3\r\nGET\r\n$1", "", waits},
	{"*2\r\n$3\r\nGET\r\n$10\r\nabc", "", waits},
	{"*2\r\n$3\r\nGE", "", waits},
	{"*", "", waits},
	{"*2\r", "", waits},
	{"GET a", "", waits},
	{"QUIT\r\n", "+OK\r\n", closes},
}

var classicFrames = []frame{
	{"*9223372036854775808\r\n", bad, closes},
	{"*9223372036854775807\r\n", large, closes},
	{"*1048577\r\n", large, closes},
	{"%9223372036854775807\r\n", large, closes},
	{"%524289\r\n", large, closes},
	{"*-2\r\n", bad, closes},
	{"%-1\r\n", bad, closes},
	{"*-9223372036854775808\r\n", bad, closes},
	{"*x\r\n", bad, closes},
	{"*\r\n", bad, closes},
	{"$9223372036854775808\r\n", bad, closes},
	{"$9223372036854775807\r\n", large, closes},
	{"$67108865\r\n", large, closes},
	{"*1\r\n$67108865\r\n", large, closes},
	{"$-2\r\n", bad, closes},
	{"$x\r\n", bad, closes},
	{":9223372036854775808\r\n", bad, closes},
	{":\r\n", bad, closes},
	{"*1\r\n$4\r\nPINGxx", bad, closes},
	{"*1\r\n\r\n", bad, closes},
	{zeros, bad, closes},
	{"+PING\r\n" + zeros, pong + bad, closes},
	{"PING\r\n", bad, closes},
	{"\xff", bad, closes},
	{"\r\n", bad, closes},
	{"*" + strings.Repeat("1", 70_000), large, closes},
	{"*2\r\n+GET\r\nx", bad, closes},
	{strings.Repeat("*1\r\n", 100_000), deep, closes},
	{strings.Repeat("%1\r\n+k\r\n", 100_000), deep, closes},
	{strings.Repeat("%1\r\n", 100_000), deep, closes}, // dictionaries as keys
	{strings.Repeat("*1048576\r\n", 100_000), deep, closes},
	{"*3\r\n+SET\r\n+k\r\n" + strings.Repeat("*2\r\n:1\r\n", 100_000), deep, closes},
	{"*-1\r\n", badType, goesOn}, // null
	{"$-1\r\n", badType, goesOn},
	{":1\r\n", badType, goesOn},
	{"-ERR x\r\n", badType, goesOn},
	{"%1\r\n+GET\r\n+a\r\n", badType, goesOn},
	{"%0\r\n", badType, goesOn},
	{"*0\r\n", "-Missing command\r\n", goesOn},
	{"+\r\n", "-Missing command\r\n", goesOn},
	{"+   \r\n", "-Missing command\r\n", goesOn},
	{"$0\r\n\r\n", "-Missing command\r\n", goesOn},
	{"+fluhs\r\n", "-Unrecognized command: FLUHS\r\n", goesOn},
	{"*1\r\n$0\r\n\r\n", "-Unrecognized command: \r\n", goesOn},
	{"*1\r\n:4\r\n", "-Unrecognized command: 4\r\n", goesOn},
	{"*1\r\n$-1\r\n", "-Command name must be a string.\r\n", goesOn},
	{"*1\r\n*1\r\n+GET\r\n", "-Command name must be a string.\r\n", goesOn},
	{"*2\r\n+GET\r\n$-1\r\n", "-ERR a key must be a string or an integer\r\n", goesOn},
	{"*2\r\n+GET\r\n*0\r\n", "-ERR a key must be a string or an integer\r\n", goesOn},
	{"+GET\r\n", "-ERR wrong number of arguments for 'get' command\r\n", goesOn},
	{"+GET a b\r\n", "-ERR wrong number of arguments for 'get' command\r\n", goesOn},
	{"+ping\n", pong, goesOn}, // as the article's readline takes it
	{"$4\r\nPING\r\n", pong, goesOn},
	{"*1048576\r\n", "", waits},
	{"%524288\r\n", "", waits},
	{"*1048576\r\n$67108864\r\n", "", waits},
	{"$67108864\r\n", "", waits},
	{strings.Repeat("*1048576\r\n", 1000), "", waits},
	{"*2\r\n+GET\r\n$10\r\nabc", "", waits},
	{"*", "", waits},
	{"+GET a", "", waits},
}

// TestFrames sends each frame to both ports of the leader and a follower.
func TestFrames(t *testing.T) {
	leader, _, redirects := roles(t)
	before := look(t)
	for _, to := range []struct{ name, redis, classic string }{
		{"leader", leader.Redis, leader.Classic},
		{"follower", redirects.Redis, redirects.Classic},
	} {
		for i, f := range redisFrames {
			t.Run(fmt.Sprintf("%s/redis/%d_%.20q", to.name, i, f.send), func(t *testing.T) { f.try(t, to.redis, "PING\r\n") })
		}
		for i, f := range classicFrames {
			t.Run(fmt.Sprintf("%s/classic/%d_%.20q", to.name, i, f.send), func(t *testing.T) { f.try(t, to.classic, "+PING\r\n") })
		}
	}
	before.grown("after the frames", 64<<20)
	before.same()
}

// try sends the frame; ping is a request in the words of the port.
func (f frame) try(t *testing.T, addr, ping string) {
	c := dial(t, addr)
	defer c.Close()
	c.Write([]byte(f.send)) // the node may close before all is sent
	c.expect(f.want)
	switch f.after {
	case goesOn:
		c.ask(ping, pong)
	case closes:
		c.ends()
	case waits:
		c.silent()
	}
}
