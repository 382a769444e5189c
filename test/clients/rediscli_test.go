//go:build clients

package clients

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// cliTour is a session of redis-cli, a line for each command and what
// --no-raw prints for it in RESP2, and in RESP3 where that differs.
var cliTour = []struct{ line, want, want3 string }{
	{`SET {cli}s "two words" EX 100`, "OK", ""},
	{`SET {cli}s x NX`, "(nil)", ""},
	{`SET {cli}s y XX GET KEEPTTL`, `"two words"`, ""},
	{`PERSIST {cli}s`, "(integer) 1", ""},
	{`INCRBYFLOAT {cli}f 1.5`, `"1.5"`, ""},
	{`MGET {cli}s none{cli}`, "1) \"y\"\n2) (nil)", ""},
	{`SET {cli}bytes "\x00\xff\r\n"`, "OK", ""},
	{`GET {cli}bytes`, `"\x00\xff\r\n"`, ""},
	{`RPUSH {cli}l a b c`, "(integer) 3", ""},
	{`LMOVE {cli}l {cli}l2 LEFT RIGHT`, `"a"`, ""},
	{`BLPOP {cli}none {cli}l 5`, "1) \"{cli}l\"\n2) \"b\"", ""},
	{`HSET {cli}h f v`, "(integer) 1", ""},
	{`HGETALL {cli}h`, "1) \"f\"\n2) \"v\"", "1# \"f\" => \"v\""},
	{`SADD {cli}set m`, "(integer) 1", ""},
	{`SMEMBERS {cli}set`, `1) "m"`, `1~ "m"`},
	{`ZADD {cli}z 1.5 a +inf b`, "(integer) 2", ""},
	{`ZSCORE {cli}z a`, `"1.5"`, "(double) 1.5"},
	{`ZPOPMAX {cli}z`, "1) \"b\"\n2) \"inf\"", "1) \"b\"\n2) (double) inf"},
	{`XADD {cli}x 1-1 f v`, `"1-1"`, ""},
	{`XRANGE {cli}x - +`, "1) 1) \"1-1\"\n   2) 1) \"f\"\n      2) \"v\"", ""},
	{`XREAD STREAMS {cli}x 0`, "1) 1) \"{cli}x\"\n   2) 1) 1) \"1-1\"\n         2) 1) \"f\"\n            2) \"v\"",
		"1# \"{cli}x\" => \n   1) 1) \"1-1\"\n      2) 1) \"f\"\n         2) \"v\""},
	{`SETBIT {cli}bit 7 1`, "(integer) 0", ""},
	{`BITCOUNT {cli}bit`, "(integer) 1", ""},
	{`PFADD {cli}p a b`, "(integer) 1", ""},
	{`PFCOUNT {cli}p`, "(integer) 2", ""},
	{`GEOADD {cli}g 13.361389 38.115556 Palermo`, "(integer) 1", ""},
	{`GEOPOS {cli}g Palermo`, "1) 1) \"13.36138933897018433\"\n   2) \"38.11555639549629859\"",
		"1) 1) (double) 13.36138933897018433\n   2) (double) 38.11555639549629859"},
	{`MULTI`, "OK", ""},
	{`INCR {cli}n`, "QUEUED", ""},
	{`EXEC`, "1) (integer) 1", ""},
	{`EVAL "return {KEYS[1], 2, {ARGV[1]}}" 1 {cli}k v`, "1) \"{cli}k\"\n2) (integer) 2\n3) 1) \"v\"", ""},
	{`PUBLISH {cli}c m`, "(integer) 0", ""},
	{`LPUSH {cli}s 1`, "(error) WRONGTYPE Operation against a key holding the wrong kind of value", ""},
	{`FLUHS x`, "(error) ERR unknown command 'FLUHS', with args beginning with: 'x' ", ""},
	{`SELECT 3`, "OK", ""},
	{`DBSIZE`, "(integer) 0", ""},
}

// TestRedisCLITour has redis-cli print the types, and waits and listens with it.
func TestRedisCLITour(t *testing.T) {
	needs(t, "redis-cli", "redis-tools")
	tours(t, plain, both, func(t *testing.T, at target, protocol int) {
		args := []string{"-p", port(at.addrs[0])}
		if protocol == 3 {
			args = append(args, "-3")
		}
		cli := func(stdin string, more ...string) string {
			t.Helper()
			return run(t, stdin, "redis-cli", slices.Concat(args, more)...)
		}
		for _, c := range cliTour {
			if c.line == "MULTI" {
				break
			}
			want := c.want
			if protocol == 3 && c.want3 != "" {
				want = c.want3
			}
			same(t, c.line, strings.TrimRight(cli(c.line+"\n", "--no-raw"), "\n"), want)
		}
		var lines, want strings.Builder // the rest needs one connection
		rest := false
		for _, c := range cliTour {
			if rest = rest || c.line == "MULTI"; rest {
				lines.WriteString(c.line + "\n")
				want.WriteString(c.want + "\n")
			}
		}
		got := strings.ReplaceAll(cli(lines.String(), "--no-raw"), "\n\n", "\n")
		same(t, "one session", got, want.String())
		waiting := make(chan string)
		go func() { waiting <- cli("", "BRPOP", "{cli}q", "30") }()
		time.Sleep(200 * time.Millisecond)
		cli("", "LPUSH", "{cli}q", "job")
		same(t, "BRPOP", <-waiting, "{cli}q\njob\n")
	})
}
