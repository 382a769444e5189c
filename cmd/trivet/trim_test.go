package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/trivetdb/trivet/node/server"
	"github.com/trivetdb/trivet/test/cluster"
)

// TestTrim takes out the members of a StatefulSet that was scaled down: not
// before they stop, and not where the quorum would go with them.
func TestTrim(t *testing.T) {
	c := cluster.Start(t, 3) // n1, n2, n3
	addr := c.Settled().Redis
	for _, name := range []string{"set-3", "set-4"} {
		n := c.Add("--bootstrap-expect", "3", "--name", name)
		n.Name = name
		n.Start()
	}
	c.Until("all five vote", time.Minute, func(context.Context) bool {
		return strings.Count(mustCall(t, "members", "list", "--addr", addr), " yes ") == 5
	})
	_, err := call(t, "members", "trim", "set", "3", "--timeout", "2s", "--addr", addr)
	if err == nil || !strings.Contains(err.Error(), "still running, so not taken out: set-3, set-4") {
		t.Errorf("while they run: %v", err)
	}
	if out := mustCall(t, "members", "trim", "set", "5", "--addr", addr); out != "" {
		t.Errorf("nothing to do: %q", out)
	}
	c.Nodes[3].Stop()
	c.Nodes[4].Stop()
	out := mustCall(t, "members", "trim", "set", "3", "--timeout", "1m", "--addr", addr)
	if !strings.Contains(out, "removed set-3\n") || !strings.Contains(out, "removed set-4\n") {
		t.Errorf("got %q", out)
	}
	if list := mustCall(t, "members", "list", "--addr", addr); strings.Contains(list, "set-") || strings.Count(list, " yes ") != 3 {
		t.Errorf("left:\n%s", list)
	}
}

// TestScaledAway picks members by their number in a set.
func TestScaledAway(t *testing.T) {
	var members []server.Member
	for _, name := range []string{"set-0", "set-2", "set-3", "set-12", "set", "set-", "set-x", "other-9", "set-1-9"} {
		members = append(members, server.Member{Name: name})
	}
	var got []string
	for _, m := range scaledAway(members, "set", 3) {
		got = append(got, m.Name)
	}
	if strings.Join(got, " ") != "set-12 set-3" {
		t.Errorf("got %q", got)
	}
	for _, args := range [][]string{{"members", "trim", "set"}, {"members", "trim", "set", "many"}, {"members", "trim", "set", "0"}} {
		if _, err := call(t, args...); err == nil {
			t.Errorf("%q was accepted", args)
		}
	}
}
