package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/trivetdb/trivet/node/server"
	"github.com/trivetdb/trivet/test/cluster"
)

// row returns the line of a table that begins with name, in fields.
func row(t *testing.T, table, name string) []string {
	t.Helper()
	for line := range strings.Lines(table) {
		if f := strings.Fields(line); len(f) > 0 && f[0] == name {
			return f
		}
	}
	t.Fatalf("no %s in:\n%s", name, table)
	return nil
}

// TestCluster shows and changes a real cluster.
func TestCluster(t *testing.T) {
	c := cluster.Start(t, 3)
	leader := c.Settled()
	ctx := t.Context()
	client := leader.Client()
	defer client.Close()
	if err := client.Set(ctx, "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	c.Settled()
	t.Run("status", func(t *testing.T) { testStatus(t, c, leader) })
	t.Run("transfer", func(t *testing.T) { testTransfer(t, c) })
	t.Run("members", func(t *testing.T) { testMembers(t, c) })
	t.Run("unreachable", func(t *testing.T) { testUnreachable(t, c) })
}

func testStatus(t *testing.T, c *cluster.Cluster, leader *cluster.Node) {
	for _, asked := range c.Nodes {
		table := mustCall(t, "status", "--addr", asked.Redis)
		if got := strings.Join(row(t, table, "NODE"), " "); got != "NODE ROLE VOTER TERM APPLIED LAG REDIS CLASSIC HTTP VERSION" {
			t.Errorf("head: %s", got)
		}
		for _, n := range c.Nodes {
			role := "follower"
			if n == leader {
				role = "leader"
			}
			f := row(t, table, n.Name)
			if f[1] != role || f[2] != "yes" || f[5] != "0" || f[6] != n.Redis || f[7] != n.Classic || f[8] != n.HTTP {
				t.Errorf("%s, asked for %s, has %q", asked.Name, n.Name, f)
			}
		}
		if list := mustCall(t, "members", "list", "--addr", asked.Redis); list != table {
			t.Errorf("members list:\n%s\nstatus:\n%s", list, table)
		}
		var s server.ClusterStatus
		if err := json.Unmarshal([]byte(mustCall(t, "status", "--json", "--addr", asked.Redis)), &s); err != nil {
			t.Fatal(err)
		}
		if s.Node.Name != asked.Name || len(s.Members) != 3 || s.Node.Applied == 0 {
			t.Errorf("--json: %+v", s)
		}
	}
	// The first node that answers is enough.
	mustCall(t, "status", "--addr", "127.0.0.1:1,"+leader.Redis)
}

func testTransfer(t *testing.T, c *cluster.Cluster) {
	for range 2 {
		to := c.Others(c.Settled())[0]
		if out := mustCall(t, "transfer-leader", to.Name, "--addr", c.Others(to)[0].Redis); out != "OK\n" {
			t.Errorf("got %q", out)
		}
		if got := c.Settled(); got != to {
			t.Errorf("%s leads, not %s", got.Name, to.Name)
		}
	}
	before := c.Settled()
	mustCall(t, "transfer-leader", "--addr", c.Others(before)[1].Redis)
	c.Until("another node leads", 10*time.Second, func(context.Context) bool { return c.Settled() != before })
	now := c.Settled()
	mustCall(t, "transfer-leader", now.Name, "--addr", now.Redis) // to itself: nothing to do
	if got := c.Settled(); got != now {
		t.Errorf("%s leads, not %s", got.Name, now.Name)
	}
	_, err := call(t, "transfer-leader", "nobody", "--addr", now.Redis)
	if err == nil || err.Error() != `ERR no member is called "nobody"` {
		t.Errorf("got %v", err)
	}
}

func testMembers(t *testing.T, c *cluster.Cluster) {
	addr := c.Settled().Redis // the leader: a follower learns a little later of each change
	fourth := c.Add("--bootstrap-expect", "3")
	fourth.Start()
	c.Until("n4 is a member", 30*time.Second, func(context.Context) bool {
		return strings.Contains(mustCall(t, "members", "list", "--addr", addr), "\nn4 ")
	})
	t.Logf("n4 joins: %q", row(t, mustCall(t, "members", "list", "--addr", addr), "n4"))
	mustCall(t, "members", "promote", "n4", "--addr", addr)
	if f := row(t, mustCall(t, "members", "list", "--addr", addr), "n4"); f[2] != "yes" {
		t.Errorf("after promote: %q", f)
	}
	c.Settled()
	mustCall(t, "members", "promote", "n4", "--addr", addr) // again: nothing to do
	for _, do := range []string{"promote", "remove"} {
		if _, err := call(t, "members", do, "nobody", "--addr", addr); err == nil ||
			!strings.Contains(err.Error(), `no member is called "nobody"`) {
			t.Errorf("%s: %v", do, err)
		}
	}
	if status := fourth.Stop(); status != 0 {
		t.Errorf("n4 ends with status %d", status)
	}
	if out := mustCall(t, "members", "remove", "n4", "--addr", addr); out != "OK\n" {
		t.Errorf("got %q", out)
	}
	if list := mustCall(t, "members", "list", "--addr", addr); strings.Contains(list, "n4") {
		t.Errorf("n4 is still there:\n%s", list)
	}
}

// testUnreachable stops a follower: it is shown as such, and no other can go.
func testUnreachable(t *testing.T, c *cluster.Cluster) {
	c.Nodes = c.Nodes[:3]
	leader := c.Settled()
	gone, left := c.Others(leader)[0], c.Others(leader)[1]
	gone.Stop()
	c.Until("it is unreachable", 10*time.Second, func(context.Context) bool {
		f := row(t, mustCall(t, "status", "--addr", leader.Redis), gone.Name)
		return f[1] == "unreachable" && f[2] == "yes"
	})
	_, errs, status := cluster.Run(t, "members", "remove", left.Name, "--addr", leader.Redis)
	if status != 1 || !strings.Contains(errs, "too few for a quorum") {
		t.Errorf("exit status %d: %s", status, errs)
	}
}
