//go:build clients

// Package clients runs the clients that people use: redis-cli, redis-benchmark
// and the article's against three real nodes; and redis-py, go-redis, ioredis,
// node-redis, redis-rb, Jedis and Lettuce on a tour of the types, in both
// protocols where they have both. A tour visits a real redis-server first, then
// the leader, a follower that forwards, and the leader as a Sentinel client and
// a Cluster client find it from a follower.
//
// It needs Debian's python3-venv, nodejs, npm, ruby-redis, default-jdk-headless,
// maven, redis-server and redis-tools, and the indexes that pip, npm and Maven
// read; what is missing is a failure. Run
//
//	go test -tags clients ./test/clients
//
// or one of them with -run TestIoredis.
package clients

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trivetdb/trivet/test/cluster"
)

// The nodes of shared redirect, as they do by default. Those of forwarding take
// any command; a client with several connections reads there what another of
// them has written, as it does of Redis.
var shared, forwarding *cluster.Cluster

func TestMain(m *testing.M) {
	os.Exit(cluster.Main(m, func(t testing.TB) {
		shared = cluster.Start(t, 3)
		shared.Settled()
		forwarding = cluster.Start(t, 3, "--on-follower", "forward", "--reads", "linearizable")
		forwarding.Settled()
	}))
}

// roles returns the leader and a follower.
func roles(t *testing.T) (leader, follower *cluster.Node) {
	t.Helper()
	c := shared.With(t)
	leader = c.Settled()
	return leader, c.Others(leader)[0]
}

func port(addr string) string {
	_, port, _ := net.SplitHostPort(addr)
	return port
}

// run runs a program and fails the test unless it exits with status 0. It
// returns what was printed, standard error behind standard output.
func run(t *testing.T, stdin, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin = strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s%s", filepath.Base(name), strings.Join(args, " "), err, &out, &errs)
	}
	return out.String() + errs.String()
}

// TestArticle runs the article's client at the leader and at a follower, which
// sends it on.
func TestArticle(t *testing.T) {
	leader, follower := roles(t)
	run(t, "", "redis-cli", "-p", port(leader.Redis), "FLUSHALL")
	shared.With(t).Settled() // the client asks its node how many keys there are
	for _, n := range []*cluster.Node{leader, follower} {
		out := run(t, "", "python3", "../../docs/classic_client.py", "--port", port(n.Classic))
		if end := "9 answers, 0 differ from the article; served by " + leader.Classic + "\n"; !strings.HasSuffix(out, end) {
			t.Errorf("got:\n%s\nwant at the end: %s", out, end)
		}
		shared.With(t).Settled()
	}
}
