package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trivetdb/trivet/test/cluster"
)

// writeKeys stores keys of several types, with and without a deadline.
func writeKeys(t *testing.T, n *cluster.Node, prefix string, keys int) {
	t.Helper()
	c := n.Client()
	defer c.Close()
	_, err := c.Pipelined(t.Context(), func(p redis.Pipeliner) error {
		for i := range keys {
			p.Set(t.Context(), fmt.Sprint(prefix, i), strings.Repeat("v", i), 0)
			p.RPush(t.Context(), prefix+"list", i)
			p.XAdd(t.Context(), &redis.XAddArgs{Stream: prefix + "stream", Values: []any{"f", i}})
		}
		p.Set(t.Context(), prefix+"due", "x", time.Hour)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestBackup takes a backup from a follower, and restores it elsewhere.
func TestBackup(t *testing.T) {
	c := cluster.Start(t, 3, "--on-follower", "forward")
	leader := c.Settled()
	writeKeys(t, leader, "a", 3000)
	admin := leader.Client()
	defer admin.Close()
	for _, words := range [][]any{
		{"ACL", "SETUSER", "joe", "on", ">secret", "~*", "+@read"}, {"CONFIG", "SET", "maxmemory", "123456789"},
		{"FUNCTION", "LOAD", "#!lua name=l\nredis.register_function('f', function() return 'here' end)"},
	} {
		if err := admin.Do(t.Context(), words...).Err(); err != nil {
			t.Fatal(words, err)
		}
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "all.backup")
	from := c.Others(leader)[0]
	out := mustCall(t, "backup", "--addr", from.Redis, "--output", path)
	if f := row(t, out, "keys"); f[1] != "3003" {
		t.Errorf("summary:\n%s", out)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("%d files, not one", len(entries))
	}
	t.Run("refused", func(t *testing.T) {
		if _, err := call(t, "restore", path, "--addr", from.Redis); err == nil || !strings.Contains(err.Error(), "there are keys already") {
			t.Errorf("got %v", err)
		}
		whole, _ := os.ReadFile(path)
		for _, bad := range [][]byte{whole[:len(whole)-1], append(bytes.Clone(whole[:len(whole)/2]), bytes.Repeat([]byte{7}, len(whole)/2)...), nil} {
			name := filepath.Join(t.TempDir(), "bad")
			os.WriteFile(name, bad, 0o600)
			if _, err := call(t, "restore", name, "--force", "--addr", from.Redis); err == nil {
				t.Error("a damaged backup was taken")
			}
		}
		if n := admin.DBSize(t.Context()).Val(); n != 3003 {
			t.Errorf("%d keys are left", n)
		}
	})
	t.Run("elsewhere", func(t *testing.T) { testRestored(t, path) })
	t.Run("under load", func(t *testing.T) { testRestoreUnderLoad(t, c, path) })
}

// testRestored restores into a fresh cluster, writes through all nodes, and starts
// each of them again.
func testRestored(t *testing.T, path string) {
	c := cluster.Start(t, 3, "--on-follower", "forward")
	leader := c.Settled()
	down := c.Others(leader)[1]
	down.Stop()
	mustCall(t, "restore", path, "--addr", c.Others(leader)[0].Redis)
	for i, n := range []*cluster.Node{leader, c.Others(leader)[0]} {
		writeKeys(t, n, fmt.Sprint("after", i), 20)
	}
	down.Start()
	c.Settled()
	c.SameState()
	check := func() {
		t.Helper()
		for _, n := range c.Nodes {
			conn := n.Client()
			got, err := conn.LRange(t.Context(), "alist", 0, -1).Result()
			if err != nil || len(got) != 3000 || got[2999] != "2999" {
				t.Errorf("%s: %d elements, %v", n.Name, len(got), err)
			}
			if ttl := conn.TTL(t.Context(), "adue").Val(); ttl <= 0 || ttl > time.Hour {
				t.Errorf("%s: expires in %v", n.Name, ttl)
			}
			if got := conn.ConfigGet(t.Context(), "maxmemory").Val()["maxmemory"]; got != "123456789" {
				t.Errorf("%s: maxmemory %s", n.Name, got)
			}
			if got := conn.Do(t.Context(), "FCALL", "f", 0).Val(); got != "here" {
				t.Errorf("%s: the function answers %v", n.Name, got)
			}
			if err := conn.Do(t.Context(), "AUTH", "joe", "secret").Err(); err != nil {
				t.Errorf("%s: %v", n.Name, err)
			}
			conn.Close()
		}
	}
	check()
	for i, n := range c.Nodes {
		n.Stop()
		n.Start()
		c.Settled()
		writeKeys(t, n, fmt.Sprint("again", i), 20)
	}
	c.Settled()
	c.SameState()
	check()
}

// testRestoreUnderLoad counts on all nodes while a restore replaces what they count:
// each reply is one more than the last, or the count begins anew, once.
func testRestoreUnderLoad(t *testing.T, c *cluster.Cluster, path string) {
	ctx, cancel := context.WithCancel(t.Context())
	var counting sync.WaitGroup
	for i, n := range c.Nodes {
		counting.Go(func() {
			conn := n.Client()
			defer conn.Close()
			restarts := 0
			for last := int64(0); ctx.Err() == nil; {
				now, err := conn.Incr(context.Background(), fmt.Sprint("count", i)).Result()
				switch {
				case err != nil:
					t.Errorf("%s: %v", n.Name, err)
					return
				case now == last+1:
				case now == 1:
					restarts++
				default:
					t.Errorf("%s: %d comes after %d", n.Name, now, last)
				}
				last = now
			}
			if restarts != 1 {
				t.Errorf("%s: the count began anew %d times", n.Name, restarts)
			}
		})
	}
	time.Sleep(300 * time.Millisecond)
	mustCall(t, "restore", path, "--force", "--addr", c.Nodes[0].Redis)
	time.Sleep(300 * time.Millisecond)
	cancel()
	counting.Wait()
	c.Settled()
	c.SameState()
}

// TestBackupKeep keeps the newest of a directory, and touches nothing else there.
func TestBackupKeep(t *testing.T) {
	c := cluster.Start(t, 1)
	leader := c.Settled()
	dir := t.TempDir()
	for _, name := range []string{"trivet-20250101T000000Z.backup", "trivet-20260101T000000Z.backup", "mine.backup"} {
		os.WriteFile(filepath.Join(dir, name), nil, 0o600)
	}
	mustCall(t, "backup", "--addr", leader.Redis, "--output", dir+"/", "--keep", "2")
	entries, _ := os.ReadDir(dir)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if len(names) != 3 || names[0] != "mine.backup" || names[1] != "trivet-20260101T000000Z.backup" {
		t.Errorf("left: %q", names)
	}
	if _, err := call(t, "backup", "--addr", "127.0.0.1:1", "--output", dir+"/", "--keep", "1"); err == nil {
		t.Error("no node, and no error")
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 3 {
		t.Error("a backup that failed removed older ones")
	}
}
