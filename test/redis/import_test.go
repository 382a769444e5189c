//go:build redis

package redis

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trivetdb/trivet/resp"
	"github.com/trivetdb/trivet/test/cluster"
)

// fillMore makes what fill leaves out: deadlines, other databases, consumer
// groups and functions.
func fillMore(r *client) {
	fill(r.do)
	r.do("PEXPIREAT", "string3", "4102444800123")
	r.do("PEXPIREAT", "hash:many", "4102444800456")
	r.do("XGROUP", "CREATE", "stream:many", "none", "$")
	for _, g := range []string{"g", "123"} {
		r.do("XGROUP", "CREATE", "stream:many", g, "0")
		r.do("XGROUP", "CREATECONSUMER", "stream:many", g, "idle")
		for i := range 20 {
			r.do("XREADGROUP", "GROUP", g, fmt.Sprint("c", i%3), "COUNT", "5", "STREAMS", "stream:many", ">")
		}
		r.do("XACK", "stream:many", g, "1-0", "2-21")
	}
	for _, key := range keysOf(r.do) {
		r.do("COPY", key, key, "DB", "9")
	}
	for i := range 3000 {
		r.do("SET", fmt.Sprint("many", i), itoa(i), "PX", itoa(100_000_000+i))
	}
	r.do("SELECT", "15")
	r.do("SET", "\x00 last\r\n", "v")
	r.do("SELECT", "0")
	r.do("FUNCTION", "LOAD", "#!lua name=lib\nredis.register_function('f', function() return 5 end)")
}

// sameAs fails the test unless databases of ours hold what Redis's do; deadlines
// may differ by so many milliseconds.
func sameAs(t *testing.T, ours, r *client, dbs []int, slack int64) {
	t.Helper()
	for _, db := range dbs {
		ours.do("SELECT", itoa(db))
		r.do("SELECT", itoa(db))
		keys := keysOf(r.do)
		if got := keysOf(ours.do); !slices.Equal(got, keys) || len(keys) == 0 {
			t.Errorf("database %d: %d keys, want %d", db, len(got), len(keys))
		}
		for _, key := range keys {
			if got, want := content(ours.do, key), content(r.do, key); got != want {
				t.Errorf("%s:\n%.2000s\nwant\n%.2000s", key, got, want)
			}
			if got, want := returned(t, ours, r, key), groups(r.do, key); got != want {
				t.Errorf("the groups of %s:\n%.2000s\nwant\n%.2000s", key, got, want)
			}
			a, b := ours.do("PEXPIRETIME", key).Int, r.do("PEXPIRETIME", key).Int
			if max(a-b, b-a) > slack {
				t.Errorf("%s expires at %d, not %d", key, a, b)
			}
		}
	}
	ours.do("SELECT", "0")
	r.do("SELECT", "0")
}

// returned shows the groups of a stream of ours as Redis does, which brings them
// back under another name.
func returned(t *testing.T, ours, r *client, key string) string {
	t.Helper()
	if ours.do("TYPE", key).Str != "stream" {
		return ""
	}
	if v := r.do("RESTORE", "returned", "0", ours.do("DUMP", key).Str); v.Str != "OK" {
		t.Fatalf("%s: Redis answers %v", key, v)
	}
	defer r.do("DEL", "returned")
	return groups(r.do, "returned")
}

// mustImport runs trivet import against a node, and fails the test unless it
// ends well and says so.
func mustImport(t *testing.T, n *cluster.Node, want string, args ...string) {
	t.Helper()
	out, errs, status := cluster.Run(t, append([]string{"import", "--addr", n.Redis}, args...)...)
	if status != 0 || out != want {
		t.Fatalf("trivet import %q: status %d\n%swant\n%s%s", args, status, out, want, errs)
	}
}

// TestImport brings the same data into a cluster by each way.
func TestImport(t *testing.T) {
	c := cluster.Start(t, 3, "--on-follower", "forward", "--reads", "linearizable")
	leader := c.Settled()
	follower := c.Others(leader)[0]
	r, ours := startRedis(t), dial(t, leader.Redis)
	fillMore(r)
	r.do("ACL", "SETUSER", "joe", "on", ">secret", "~*", "+@all", "-psync", "-sync")
	addr := r.conn.RemoteAddr().String()
	r.do("SELECT", "3")
	r.do("SET", "soon", "gone", "PX", "500")
	r.do("SELECT", "0")
	r.do("SAVE")
	dump := filepath.Join(r.do("CONFIG", "GET", "dir").Elems[1].Str, "dump.rdb")
	time.Sleep(600 * time.Millisecond)

	n := len(keysOf(r.do))
	all := fmt.Sprintf("database 0: %d keys written\ndatabase 9: %d keys written\ndatabase 15: 1 key written\n"+
		"functions: 1 library written\n", n, n-3000)
	for _, way := range []struct {
		name, from, want string
		dbs              []int
		slack            int64
	}{
		{"file", dump, all + "skipped 1: expired\n", []int{0, 9, 15}, 0},
		{"replica", "redis://" + addr, all, []int{0, 9, 15}, 0},
		{"scan", "redis://joe:secret@" + addr, all, []int{0, 9, 15}, 2000},
		{"one database", "redis://" + addr + "/9",
			fmt.Sprintf("database 9: %d keys written\nfunctions: 1 library written\n", n-3000), []int{9}, 0},
		{"one database by scan", "redis://joe:secret@" + addr + "/15",
			"database 15: 1 key written\nfunctions: 1 library written\n", []int{15}, 0},
	} {
		t.Run(way.name, func(t *testing.T) {
			ours.do("FLUSHALL")
			ours.do("FUNCTION", "FLUSH")
			mustImport(t, follower, way.want, way.from)
			sameAs(t, ours, r, way.dbs, way.slack)
			if v := ours.do("FCALL", "f", "0"); v.Int != 5 {
				t.Errorf("the function: %v", v)
			}
			total := 0
			for _, db := range way.dbs {
				r.do("SELECT", itoa(db))
				total += len(keysOf(r.do))
			}
			r.do("SELECT", "0")
			if got := keyspace(ours); got != total {
				t.Errorf("%d keys in all, want %d", got, total)
			}
		})
	}
	c.Settled()
	c.SameState()
}

// keyspace counts the keys of all databases.
func keyspace(c *client) (n int) {
	for line := range strings.Lines(c.do("INFO", "keyspace").Str) {
		var db, keys int
		if found, _ := fmt.Sscanf(line, "db%d:keys=%d", &db, &keys); found == 2 {
			n += keys
		}
	}
	return n
}

// TestMove moves as docs/import.md tells: after a practice, a writer goes on until
// Redis refuses writes, and all that was accepted arrives.
func TestMove(t *testing.T) {
	c := cluster.Start(t, 3, "--on-follower", "forward", "--reads", "linearizable")
	leader := c.Settled()
	r, ours := startRedis(t), dial(t, leader.Redis)
	addr := r.conn.RemoteAddr().String()
	r.do("RPUSH", "practice", "job")
	accepted := make(chan int)
	go func() {
		writer := dial(t, addr)
		for n := 0; ; n++ {
			if v := writer.do("RPUSH", "jobs", itoa(n)); v.Kind == resp.Error {
				if !strings.HasPrefix(v.Str, "NOREPLICAS") {
					t.Error(v)
				}
				accepted <- n
				return
			}
		}
	}()
	from := []string{"import", "--addr", c.Others(leader)[0].Redis, "redis://" + addr}
	for r.do("LLEN", "jobs").Int == 0 {
		time.Sleep(time.Millisecond)
	}
	if out, errs, status := cluster.Run(t, from...); status != 0 || out != "database 0: 2 keys written\n" {
		t.Errorf("practice: status %d\n%s%s", status, out, errs)
	}
	r.do("DEL", "practice")
	out, errs, status := cluster.Run(t, from...)
	if status != 1 || !strings.Contains(out, "failed 1: BUSYKEY") || !strings.Contains(out, `key "jobs"`) {
		t.Errorf("again: status %d\n%s%s", status, out, errs)
	}
	r.do("CONFIG", "SET", "min-replicas-to-write", "99")
	n := <-accepted
	ours.do("FLUSHALL")
	ours.do("FUNCTION", "FLUSH")
	mustImport(t, c.Others(leader)[1], "database 0: 1 key written\n", "redis://"+addr)
	sameAs(t, ours, r, []int{0}, 0)
	if got := ours.do("LLEN", "jobs").Int; got != int64(n) || n == 0 {
		t.Errorf("%d jobs, not %d", got, n)
	}
}
