package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trivetdb/trivet/node/server"
	"github.com/trivetdb/trivet/test/cluster"
)

// TestServeFaults has many faults at once: each is named.
func TestServeFaults(t *testing.T) {
	t.Setenv("KUBERNETES_SERVICE_HOST", "") // wherever this test may run
	t.Setenv("TRIVET_BOOTSTRAP_EXPECT", "some")
	t.Setenv("TRIVET_MAX_CLIENTS", "-3")
	t.Setenv("TRIVET_MAX_MEMORY", "5 elephants")
	_, errs, status := cluster.Run(t, "serve", "--name", "-x", "--redis", "nowhere", "--http", "127.0.0.1:http-ish",
		"--join", "a,b:7946", "--on-follower", "maybe", "--reads", "odd", "--advertise", "a:1", "--announce", "a",
		"--tls-auth-clients", "never", "--gossip-key-file", "none.key", "--users-file", "none.acl", "--kubernetes-labels", "--log-level", "loud",
		"--log-format", "yaml", "--protected-mode", "maybe", "--pprof", "here", "--max-client-memory", "much")
	if status != 2 {
		t.Errorf("exit status %d", status)
	}
	contains(t, errs, "the configuration has faults", `bootstrap-expect "some"`, "max-clients -3", `max-memory "5 elephants"`, `name "-x"`,
		`redis "nowhere"`, `http "127.0.0.1:http-ish"`, `join "a"`, `on-follower "maybe"`, `reads "odd"`, `advertise "a:1"`, `announce "a"`,
		`tls-auth-clients "never"`, "none.key", "none.acl", "this is no pod",
		`protected-mode "maybe"`, `pprof "127.0.0.1:here"`, `max-client-memory "much"`, `log-level "loud"`, `log-format "yaml"`)
	if strings.Contains(errs, `"b:7946"`) {
		t.Errorf("a right value is called a fault:\n%s", errs)
	}
}

// TestServeFromEnvironment runs a node that is told everything by variables. A
// flag is stronger.
func TestServeFromEnvironment(t *testing.T) {
	n := cluster.New(t).Add() // for its addresses
	for name, value := range map[string]string{
		"NAME": "env-1", "DATA": n.Dir, "REDIS": n.Redis, "CLASSIC": n.Classic, "PEER": n.Peer, "GOSSIP": n.Gossip,
		"HTTP": n.HTTP, "ADVERTISE": "localhost", "JOIN": n.Gossip, "BOOTSTRAP_EXPECT": "1", "ON_FOLLOWER": "forward",
		"READS": "linearizable", "MAX_CLIENTS": "17", "MAX_MEMORY": "5mb", "PASSWORD": "secret", "LOG_LEVEL": "loud", "LOG_FORMAT": "json",
	} {
		t.Setenv("TRIVET_"+name, value)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, []string{"serve", "--log-level", "error"}, io.Discard) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
	}()
	var s server.ClusterStatus
	for range 100 {
		var out bytes.Buffer // --addr is given, the password comes from the environment
		if run(t.Context(), []string{"status", "--json", "--addr", n.Redis}, &out) == nil &&
			json.Unmarshal(out.Bytes(), &s) == nil && s.Node.Role == "leader" {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if s.Node.Name != "env-1" || s.Node.Role != "leader" || !strings.HasPrefix(s.Node.Redis, "localhost:") {
		t.Errorf("got %+v", s.Node)
	}
	t.Setenv("TRIVET_ADDR", n.Redis)
	contains(t, mustCall(t, "members", "list"), "env-1")
	c := (&target{password: "secret"}).client(n.Redis, nil)
	defer c.Close()
	contains(t, c.Info(t.Context(), "clients").Val(), "maxclients:17")
	if err := c.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Error(err)
	}
	if _, err := call(t, "status", "--password", "wrong"); err == nil || !strings.Contains(err.Error(), "WRONGPASS") {
		t.Errorf("with a wrong password: %v", err)
	}
	reply, err := http.Get("http://" + n.HTTP + "/livez")
	if err != nil || reply.StatusCode != http.StatusOK {
		t.Errorf("/livez: %v %v", reply, err)
	}
	if conn, err := net.Dial("tcp", n.Classic); err != nil {
		t.Error(err)
	} else {
		conn.Close()
	}
}

// args are those of a node of a cluster of one.
func args(n *cluster.Node, more ...string) []string {
	return append([]string{"serve", "--name", n.Name, "--data", n.Dir, "--redis", n.Redis, "--classic", n.Classic,
		"--peer", n.Peer, "--gossip", n.Gossip, "--http", n.HTTP, "--bootstrap-expect", "1", "--log-level", "error"}, more...)
}

// refused runs a node that cannot start, and returns what it says last.
func refused(t *testing.T, args ...string) string {
	t.Helper()
	began := time.Now()
	_, errs, status := cluster.Run(t, args...)
	if status != 1 {
		t.Errorf("exit status %d", status)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %v to end", took)
	}
	lines := strings.Split(strings.TrimSpace(errs), "\n")
	last := lines[len(lines)-1]
	if !strings.HasPrefix(last, "trivet: ") || strings.Contains(errs, "panic") {
		t.Errorf("got:\n%s", errs)
	}
	return last
}

func TestPortTaken(t *testing.T) {
	n := cluster.New(t).Add()
	for _, addr := range []string{n.Redis, n.Classic, n.Peer, n.Gossip, n.HTTP} {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		contains(t, refused(t, args(n)...), addr, "address already in use")
		l.Close()
	}
}

// TestDataDirectory starts nodes on directories that are in use, another's, and
// damaged.
func TestDataDirectory(t *testing.T) {
	c := cluster.New(t)
	n := c.Add("--bootstrap-expect", "1")
	n.Start()
	c.Leader()
	other := c.Add()
	contains(t, refused(t, args(other, "--name", n.Name, "--data", n.Dir)...), n.Dir, "is in use by another trivet (process ")
	n.Stop()
	contains(t, refused(t, args(n, "--name", "someone")...), n.Dir, `belongs to node "n1", not "someone"`, "--name n1")

	file := filepath.Join(n.Dir, "raft.db")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for what, damaged := range map[string][]byte{
		"zeros":     make([]byte, len(whole)),
		"cut off":   whole[:16<<10],
		"empty":     {},
		"text":      []byte("this is no database"),
		"overwrite": append(bytes.Repeat([]byte{0xa5}, 16<<10), whole[16<<10:]...),
	} {
		if err := os.WriteFile(file, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		last := refused(t, args(n)...)
		contains(t, last, n.Dir, "is damaged", "move the directory away and start the node again")
		t.Logf("%s: %s", what, last)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	contains(t, refused(t, args(n)...), "is damaged", "move the directory away")
	if err := os.WriteFile(file, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	n.Start() // what was not touched is as good as before
	c.Leader()
}

// TestDataElsewhere gives a data directory that cannot be made.
func TestDataElsewhere(t *testing.T) {
	n := cluster.New(t).Add()
	if err := os.WriteFile(n.Dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	contains(t, refused(t, args(n)...), n.Dir)
}
