//go:build hostile

package hostile

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/trivetdb/trivet/resp"
)

// commands are single commands and transactions that cost more than they look:
// section A1 of the issue.
var commands = group{name: "A1 commands", inputs: []input{
	{name: "SORT with 20,000 GET of 100,000", setup: list(100_000), want: refused,
		send: ask(many([]string{"SORT", "l", "BY", "nosort"}, 20_000, "GET", "#")...)},
	{name: "SORT with 500 GET of 10,000", setup: list(10_000), want: refused, long: true,
		send: ask(many([]string{"SORT", "l", "BY", "nosort"}, 500, "GET", "#")...)},
	{name: "LCS of 8 KB", setup: twoTexts, send: ask("LCS", "a", "b"), want: answered},
	{name: "LCS of 8 KB by 50 clients", setup: twoTexts, want: answered, send: fromEach(50, "LCS", "a", "b")},
	{name: "LCS of 8 KB in a script", setup: twoTexts, want: answered, long: true,
		send: eval("for i = 1, 100 do redis.call('lcs', 'a', 'b') end")},
	{name: "BITOP of 20 x 64 MB", setup: large("big", 64<<20), want: answered,
		send: ask(many([]string{"BITOP", "AND", "to"}, 20, "big")...)},
	{name: "BITOP of 2,000 x 64 MB", setup: large("big", 64<<20), want: refused, long: true,
		send: ask(many([]string{"BITOP", "AND", "to"}, 2000, "big")...)},
	{name: "SUNIONSTORE of 1,000 x 10,000", setup: members("SADD"), want: answered,
		send: ask(many([]string{"SUNIONSTORE", "to"}, 1000, "s")...)},
	{name: "ZUNIONSTORE of 1,000 x 10,000", setup: members("ZADD"), want: answered,
		send: ask(many([]string{"ZUNIONSTORE", "to", "1000"}, 1000, "s")...)},
	{name: "WATCH of 40,000 keys", want: answered, send: ask(slices.Concat([]string{"WATCH"}, names(40_000))...)},
	{name: "WATCH of a key 40,000 times over", want: answered, long: true, send: func(s *scene) (resp.Value, error) {
		var request []byte
		for _, key := range names(40_000) {
			request = append(request, words("WATCH", key)...)
		}
		return s.to.pipeline(s.within(), 40_000, request)
	}},
	{name: "SETBIT of 64 MB 200 times", setup: large("big", 64<<20), want: served,
		send: again(200, "SETBIT", "big", strconv.Itoa(64<<23-1), "1")},
	{name: "APPEND to 60 MB 200 times", setup: large("big", 60<<20), want: served, send: again(200, "APPEND", "big", "x")},
	{name: "SETRANGE of 60 MB 200 times", setup: large("big", 60<<20), want: served, long: true,
		send: again(200, "SETRANGE", "big", "1000000", "y")},
	{name: "SETBIT, APPEND and SETRANGE pipelined", setup: large("big", 60<<20), want: served, long: true,
		send: func(s *scene) (resp.Value, error) {
			one := slices.Concat(words("SETBIT", "big", "400000000", "1"), words("APPEND", "big", "x"), words("SETRANGE", "big", "1000000", "y"))
			return s.to.pipeline(s.within(), 600, bytes.Repeat(one, 200))
		}},
	{name: "EXEC of 2,000 GET of 16 MB", setup: large("big", 16<<20), want: refused, send: transaction(2000, "GET", "big")},
	{name: "EXEC of a write and 2,000 GET of 16 MB", setup: large("big", 16<<20), want: refused, also: undone("undone"),
		send: func(s *scene) (resp.Value, error) {
			request := slices.Concat(words("MULTI"), words("SET", "undone", "1"), repeated(2000, "GET", "big"), words("EXEC"))
			return s.to.pipeline(s.within(), 2003, request)
		}},
	{name: "MGET of 2,000 x 16 MB", setup: large("big", 16<<20), want: refused, long: true,
		send: ask(many([]string{"MGET"}, 2000, "big")...)},
}}

// list prepares the list l with so many elements.
func list(size int) func(*scene) {
	return func(s *scene) {
		for at := 0; at < size; at += 10_000 {
			s.must(slices.Concat([]string{"RPUSH", "l"}, names(10_000))...)
		}
	}
}

// members prepares s with 10,000 members.
func members(add string) func(*scene) {
	return func(s *scene) {
		args := []string{add, "s"}
		for i, name := range names(10_000) {
			if add == "ZADD" {
				args = append(args, strconv.Itoa(i))
			}
			args = append(args, name)
		}
		s.must(args...)
	}
}

func names(count int) []string {
	all := make([]string, count)
	for i := range all {
		all[i] = fmt.Sprintf("name:%d", i)
	}
	return all
}

// twoTexts prepares a and b with 8,000 bytes each that have little in common. To find what
// they have takes four bytes for each pair, just below the 256 MB that LCS may take.
func twoTexts(s *scene) {
	draw := rand.New(rand.NewPCG(1, 2))
	for _, key := range []string{"a", "b"} {
		text := make([]byte, 8000)
		for i := range text {
			text[i] = byte('a' + draw.IntN(26))
		}
		s.must("SET", key, string(text))
	}
}

// many is words, and then others so many times over.
func many(first []string, times int, more ...string) []string {
	return slices.Concat(first, slices.Repeat(more, times))
}

// again sends one command so many times, each when the one before is answered.
func again(times int, args ...string) func(*scene) (resp.Value, error) {
	return each(times, func(int) []string { return args })
}

// transaction sends a command so many times in MULTI.
func transaction(times int, args ...string) func(*scene) (resp.Value, error) {
	return func(s *scene) (resp.Value, error) {
		request := bytes.Join([][]byte{words("MULTI"), repeated(times, args...), words("EXEC")}, nil)
		return s.to.pipeline(s.within(), times+2, request)
	}
}

// fromEach sends one command from so many clients at once.
func fromEach(clients int, args ...string) func(*scene) (resp.Value, error) {
	return func(s *scene) (resp.Value, error) {
		return parallel(clients, func(int) (resp.Value, error) {
			c, err := s.connect(s.at)
			if err != nil {
				return resp.Nil, err
			}
			defer c.Close()
			return c.do(s.within(), args...)
		})
	}
}
