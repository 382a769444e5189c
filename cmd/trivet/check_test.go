package main

import (
	"strings"
	"testing"

	"github.com/trivetdb/trivet/test/cluster"
)

// TestCheck writes and reads through all nodes, with forwarding and redirects,
// and tells which address does not work.
func TestCheck(t *testing.T) {
	for _, mode := range []string{"forward", "redirect"} {
		c := cluster.Start(t, 3, "--on-follower", mode)
		leader := c.Settled()
		var addrs []string
		for _, n := range c.Nodes {
			addrs = append(addrs, n.Redis)
		}
		table := mustCall(t, "check", "--addr", strings.Join(addrs, ","))
		for _, n := range c.Nodes {
			want := n.Redis + " ok ok"
			if mode == "redirect" && n != leader {
				want = n.Redis + " ok, by " + leader.Redis + " ok"
			}
			if got := strings.Join(row(t, table, n.Redis), " "); got != want {
				t.Errorf("%s: %q, want %q", mode, got, want)
			}
		}
		if ttl := leader.Client().TTL(t.Context(), keyOf(t, leader)).Val(); ttl <= 0 || ttl > 3*checkTime {
			t.Errorf("%s: keys live for %v", mode, ttl)
		}
		c.Others(leader)[0].Kill()
		gone := c.Others(leader)[0].Redis
		out, err := call(t, "check", "--addr", strings.Join(addrs, ","))
		if err == nil || !strings.Contains(err.Error(), "write through "+gone) || !strings.Contains(err.Error(), "read through "+gone) {
			t.Errorf("%s: %v", mode, err)
		}
		if f := strings.Join(row(t, out, gone), " "); f != gone+" FAILED FAILED" {
			t.Errorf("%s: %q", mode, f)
		}
		if f := strings.Join(row(t, out, leader.Redis), " "); f != leader.Redis+" ok ok" {
			t.Errorf("%s: %q", mode, f)
		}
	}
}

// keyOf returns the key of a check.
func keyOf(t *testing.T, n *cluster.Node) string {
	t.Helper()
	conn := n.Client()
	defer conn.Close()
	keys, err := conn.Keys(t.Context(), "trivet:check:*").Result()
	if err != nil || len(keys) != 3 {
		t.Fatalf("keys %q, %v", keys, err)
	}
	return keys[0]
}
