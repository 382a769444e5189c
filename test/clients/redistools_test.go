//go:build clients

package clients

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestRedisCLI uses redis-cli as one would by hand.
func TestRedisCLI(t *testing.T) {
	leader, follower := roles(t)
	cli := func(stdin string, args ...string) string {
		t.Helper()
		return run(t, stdin, "redis-cli", append([]string{"-p", port(leader.Redis)}, args...)...)
	}
	same(t, "FLUSHALL", cli("", "FLUSHALL"), "OK\n")
	same(t, "a session", cli("SET cli:a \"two words\"\nGET cli:a\nINCR cli:n\nMGET cli:a none\nTYPE cli:a\nINCR cli:a\nFLUHS x\nSELECT 2\nDBSIZE\nPING\n"),
		"OK\ntwo words\n1\ntwo words\n\nstring\nERR value is not an integer or out of range\n\n"+
			"ERR unknown command 'FLUHS', with args beginning with: 'x' \n\nOK\n0\nPONG\n")
	same(t, "a session for people", cli("", "--no-raw", "MGET", "cli:a", "none"), "1) \"two words\"\n2) (nil)\n")
	same(t, "RESP3", cli("", "-3", "--no-raw", "MGET", "cli:a", "none"), "1) \"two words\"\n2) (nil)\n")
	same(t, "--json", cli("", "--json", "MGET", "cli:a", "none"), "[\"two words\",null]\n")
	if got := cli("", "--json", "HELLO", "3"); !strings.Contains(got, `"server":"redis"`) {
		t.Errorf("--json HELLO 3: %s", got)
	}
	for i := range 25 {
		cli("", "SET", fmt.Sprintf("cli:scan:%02d", i), "x")
	}
	found := strings.Fields(cli("", "--scan", "--pattern", "cli:scan:*"))
	slices.Sort(found)
	if found = slices.Compact(found); len(found) != 25 {
		t.Errorf("--scan found %d keys of 25: %q", len(found), found)
	}
	if got := cli("", "INFO"); !strings.Contains(got, "role:master") || !strings.Contains(got, "# Raft") {
		t.Errorf("INFO: %s", got)
	}
	if got := cli("", "-r", "3", "PING"); got != "PONG\nPONG\nPONG\n" {
		t.Errorf("-r 3: %q", got)
	}
	if got := cli("SET cli:pipe 1\r\nINCR cli:pipe\r\n", "--pipe"); !strings.Contains(got, "errors: 0, replies: 2") {
		t.Errorf("--pipe: %s", got)
	}
	// At a follower: the leader's address without -c, its answer with it.
	follow := []string{"-p", port(follower.Redis)}
	same(t, "SET at a follower", run(t, "", "redis-cli", append(follow, "SET", "cli:b", "1")...), "MOVED 0 "+leader.Redis+"\n\n")
	same(t, "SET with -c", run(t, "SET cli:b 1\nGET cli:b\n", "redis-cli", append(follow, "-c")...),
		"-> Redirected to slot [0] located at "+leader.Redis+"\nOK\n1\n")
	shared.With(t).Settled()
	same(t, "GET at a follower", run(t, "", "redis-cli", append(follow, "GET", "cli:b")...), "1\n")
}

// TestRedisBenchmark runs redis-benchmark, which ends at the first error.
func TestRedisBenchmark(t *testing.T) {
	leader, _ := roles(t)
	args := []string{"-p", port(leader.Redis), "-t", "set,get,incr,mset", "-n", "20000", "-P", "16", "-q"}
	for _, more := range [][]string{nil, {"-3"}} {
		out := run(t, "", "redis-benchmark", append(args, more...)...)
		if strings.Contains(strings.ToLower(out), "err") || strings.Contains(out, "WARNING") {
			t.Errorf("redis-benchmark:\n%s", out)
		}
		for _, name := range []string{"SET: ", "GET: ", "INCR: ", "MSET (10 keys): "} {
			if !strings.Contains(out, name) {
				t.Errorf("nothing of %s in:\n%s", name, out)
			}
		}
		lines := strings.FieldsFunc(out, func(r rune) bool { return r == '\n' || r == '\r' })
		for _, l := range lines {
			if strings.Contains(l, "requests per second") {
				t.Log(l)
			}
		}
	}
	shared.With(t).SameState()
}
