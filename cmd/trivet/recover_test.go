package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/trivetdb/trivet/test/cluster"
)

// logged reports whether a node has logged a text.
func logged(n *cluster.Node, text string) bool {
	b, _ := os.ReadFile(n.Log)
	return strings.Contains(string(b), text)
}

// TestRecover loses two nodes of three for good, and goes on with the third.
func TestRecover(t *testing.T) {
	for _, kind := range []string{"bolt", "wal"} {
		t.Run(kind, func(t *testing.T) { testRecover(t, kind) })
	}
}

func testRecover(t *testing.T, kind string) {
	c := cluster.New(t, "--log-store", kind, "--on-follower", "forward", "--bootstrap-expect", "3", "--recover", "n1:first")
	for range 3 {
		c.Add().Start()
	}
	writeKeys(t, c.Settled(), "a", 200)
	c.Settled()
	left, back, lost := c.Nodes[0], c.Nodes[1], c.Nodes[2]
	for _, n := range c.Nodes {
		n.Kill()
	}
	os.RemoveAll(lost.Dir)
	// The token of the first start was noted when there was nothing to recover.
	left.Start()
	c.Until("the old token does nothing", 30*time.Second, func(context.Context) bool {
		return logged(left, "this recovery was done before")
	})
	left.Kill()
	left.Arg("--recover", "n1:second")
	left.Start()
	if got := c.Leader(); got != left {
		t.Fatalf("%s leads", got.Name)
	}
	holds := func(n *cluster.Node) {
		t.Helper()
		conn := n.Client()
		defer conn.Close()
		if got, err := conn.LLen(t.Context(), "alist").Result(); err != nil || got != 200 {
			t.Errorf("%s: %d elements, %v", n.Name, got, err)
		}
	}
	holds(left)
	writeKeys(t, left, "alone", 20)

	back.Start() // with its old disk
	c.Until("the node of the old cluster is told what to do", time.Minute, func(context.Context) bool {
		return logged(back, "remove its data directory")
	})
	writeKeys(t, left, "undisturbed", 20)
	if s, err := left.Status(t.Context()); err != nil || s.Node.Role != "leader" || len(s.Members) != 1 {
		t.Errorf("%d members, the node is %s, %v", len(s.Members), s.Node.Role, err)
	}
	back.Kill()
	os.RemoveAll(back.Dir)
	back.Start()
	lost.Start()
	c.Settled()
	for i, n := range c.Nodes {
		writeKeys(t, n, fmt.Sprint("three", i), 20)
		holds(n)
	}
	c.Settled()
	c.SameState()

	left.Stop()
	left.Start() // with the same token
	c.Settled()
	if s, err := left.Status(t.Context()); err != nil || len(s.Members) != 3 {
		t.Errorf("%d members, %v", len(s.Members), err)
	}
	writeKeys(t, left, "last", 20)
	c.Settled()
	c.SameState()
}
