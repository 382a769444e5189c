//go:build redis

package main

import (
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trivetdb/trivet/test/cluster"
)

// startRedis runs a real redis-server with data of all kinds, and returns its address.
func startRedis(t *testing.T, dir string, options ...string) string {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Fatalf("this test needs redis-server: %v", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	_, port, _ := net.SplitHostPort(addr)
	cmd := exec.Command(path, append([]string{"--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", dir,
		"--requirepass", "secret"}, options...)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return addr
}

func redisData(t *testing.T, addr string) *redis.Client {
	t.Helper()
	var c *redis.Client
	for db := range 2 {
		c = redis.NewClient(&redis.Options{Addr: addr, DB: db, Password: "secret"})
		t.Cleanup(func() { c.Close() })
		for end := time.Now().Add(30 * time.Second); c.Ping(t.Context()).Err() != nil; time.Sleep(50 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("redis-server does not answer")
			}
		}
		_, err := c.Pipelined(t.Context(), func(p redis.Pipeliner) error {
			for i := range 1500 {
				p.Set(t.Context(), fmt.Sprint("key", i), strings.Repeat("v", i%50), 0)
			}
			for i := range 300 {
				p.RPush(t.Context(), "list", i)
				p.SAdd(t.Context(), "set", i)
				p.HSet(t.Context(), "hash", fmt.Sprint("f", i), i)
				p.ZAdd(t.Context(), "zset", redis.Z{Score: float64(i) / 3, Member: i})
				p.XAdd(t.Context(), &redis.XAddArgs{Stream: "stream", ID: fmt.Sprint(i+1, "-0"), Values: []any{"f", i}})
			}
			p.XGroupCreate(t.Context(), "stream", "g", "0")
			p.Set(t.Context(), "due", fmt.Sprint("db", db), time.Hour)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := c.FunctionLoad(t.Context(), "#!lua name=l\nredis.register_function('f', function() return 'here' end)").Err(); err != nil {
		t.Fatal(err)
	}
	return c
}

// imported compares all that a cluster holds with a Redis, by what commands answer.
func imported(t *testing.T, n *cluster.Node, addr string) {
	t.Helper()
	for db := range 2 {
		from := redis.NewClient(&redis.Options{Addr: addr, DB: db, Password: "secret"})
		to := redis.NewClient(&redis.Options{Addr: n.Redis, DB: db})
		defer from.Close()
		defer to.Close()
		for _, words := range [][]any{
			{"DBSIZE"}, {"GET", "key77"}, {"LRANGE", "list", 0, -1}, {"HGET", "hash", "f7"}, {"SCARD", "set"},
			{"ZRANGE", "zset", 0, -1, "WITHSCORES"}, {"XRANGE", "stream", "-", "+"}, {"GET", "due"}, {"PEXPIRETIME", "due"},
		} {
			want, err := from.Do(t.Context(), words...).Result()
			got, err2 := to.Do(t.Context(), words...).Result()
			differs := fmt.Sprint(got) != fmt.Sprint(want)
			if words[0] == "PEXPIRETIME" { // where it was told as a time to live
				differs = got.(int64)-want.(int64) > 60_000 || want.(int64)-got.(int64) > 60_000
			}
			if err != nil || err2 != nil || differs {
				t.Errorf("database %d, %v: %v (%v), not %v (%v)", db, words, got, err2, want, err)
			}
		}
		if got := to.Do(t.Context(), "FCALL", "f", 0).Val(); got != "here" {
			t.Errorf("the function answers %v", got)
		}
	}
}

// TestImport copies a real Redis, in each of the three ways, through a follower
// that redirects.
func TestImport(t *testing.T) {
	dir := t.TempDir()
	addr := startRedis(t, dir)
	c := redisData(t, addr)
	if err := c.Save(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if err := c.Do(t.Context(), "ACL", "SETUSER", "app", "on", ">word", "~*", "+@all", "-sync", "-psync").Err(); err != nil {
		t.Fatal(err)
	}
	for name, source := range map[string]string{
		"file": filepath.Join(dir, "dump.rdb"), "sync": "redis://:secret@" + addr, "scan": "redis://app:word@" + addr,
	} {
		t.Run(name, func(t *testing.T) {
			to := cluster.Start(t, 3)
			leader := to.Settled()
			follower := to.Others(leader)[0].Redis
			out := mustCall(t, "import", source, "--addr", follower)
			if got := row(t, out, "imported"); got[1] != "3012" {
				t.Errorf("summary:\n%s", out)
			}
			imported(t, leader, addr)
			if out, err := call(t, "import", source, "--addr", follower); err == nil || !strings.Contains(out, "3012: the key exists already") {
				t.Errorf("again: %v\n%s", err, out)
			}
			mustCall(t, "import", source, "--replace", "--addr", follower)
			imported(t, leader, addr)
			to.Settled()
			to.SameState()
		})
	}
}
