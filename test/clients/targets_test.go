//go:build clients

package clients

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trivetdb/trivet/test/cluster"
)

// A target is what a tour is taken of: what it is, how the client is to find
// it, and at which addresses.
type target struct {
	name  string
	mode  string // plain, sentinel or cluster
	addrs []string
}

func (t target) args(protocol int) []string {
	return append([]string{t.mode, strconv.Itoa(protocol)}, t.addrs...)
}

// Whom a tour visits. A real redis-server is first: it shows that the tour is
// right.
var (
	plain = []string{"redis-server", "leader", "follower"}
	all   = append(slices.Clone(plain), "sentinel", "cluster")
)

// tours runs tour in each protocol at each target, which are empty before, and
// then compares the states of the nodes.
func tours(t *testing.T, names []string, protocols []int, tour func(t *testing.T, at target, protocol int)) {
	for _, name := range names {
		for _, protocol := range protocols {
			t.Run(fmt.Sprintf("%s/RESP%d", name, protocol), func(t *testing.T) {
				var at target
				var nodes *cluster.Cluster
				switch name {
				case "redis-server":
					at = target{name, "plain", []string{startRedis(t)}}
					empty(t, at.addrs[0])
				case "leader", "follower":
					nodes = forwarding.With(t)
					at = target{name, "plain", nil}
				default:
					nodes = shared.With(t)
					at = target{name, name, nil}
				}
				if nodes != nil {
					leader := nodes.Settled()
					others := nodes.Others(leader)
					empty(t, leader.Redis)
					nodes.Settled()
					switch name {
					case "leader":
						at.addrs = []string{leader.Redis}
					case "follower":
						at.addrs = []string{others[0].Redis}
					default: // the first that is asked is not the leader
						at.addrs = []string{others[0].Redis, leader.Redis, others[1].Redis}
					}
				}
				tour(t, at, protocol)
				if nodes != nil && !t.Failed() {
					nodes.SameState()
				}
			})
		}
	}
}

// program takes a tour with a program, which says nothing when all is well.
func program(t *testing.T, dir string, env []string, name string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, append(cmd.Environ(), env...)
	cmd.WaitDelay = time.Second
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}

// empty removes all keys and functions.
func empty(t *testing.T, addr string) {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: 20, ReadTimeout: time.Minute})
	defer c.Close()
	same(t, "FLUSHALL", c.FlushAll(t.Context()).Err(), nil)
	same(t, "FUNCTION FLUSH", c.FunctionFlush(t.Context()).Err(), nil)
}

// startRedis starts a redis-server that ends with the test.
func startRedis(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	needs(t, "redis-server", "redis-server")
	cmd := exec.Command("redis-server", "--port", port(addr), "--bind", "127.0.0.1",
		"--save", "", "--appendonly", "no", "--dir", t.TempDir())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	for range 600 {
		if conn, err := net.Dial("tcp", addr); err == nil {
			conn.Close()
			return addr
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("redis-server does not listen on %s", addr)
	return ""
}

// needs fails the test where a program is missing.
func needs(t *testing.T, name, packages string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Fatalf("this test needs %s; on Debian: apt-get install %s", name, packages)
	}
}
