//go:build clients

// Package clients runs the clients that people use against three real nodes:
// redis-py, redis-cli, redis-benchmark, go-redis, and the article's.
//
// It needs python3 with venv, a package index that pip reaches, redis-cli and
// redis-benchmark; what is missing is a failure. Run
//
//	go test -tags clients ./test/clients
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

var shared *cluster.Cluster

// The nodes redirect, as they do by default.
func TestMain(m *testing.M) {
	os.Exit(cluster.Main(m, func(t testing.TB) {
		shared = cluster.Start(t, 3)
		shared.Settled()
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

// TestRedisPy installs redis-py as it is today, and takes its tour.
func TestRedisPy(t *testing.T) {
	dir := t.TempDir()
	run(t, "", "python3", "-m", "venv", dir)
	python := filepath.Join(dir, "bin", "python")
	run(t, "", python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "redis")
	leader, _ := roles(t)
	for _, protocol := range []string{"2", "3"} {
		if out := run(t, "", python, "tour.py", port(leader.Redis), protocol); out != "" {
			t.Errorf("RESP%s:\n%s", protocol, out)
		}
	}
	shared.With(t).SameState()
}
