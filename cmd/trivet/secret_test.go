package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trivetdb/trivet/test/cluster"
)

// TestSecret starts a node that others can reach: it wants a secret, says how to
// make one, and takes what that makes.
func TestSecret(t *testing.T) {
	first, second := mustCall(t, "secret"), mustCall(t, "secret")
	if first == second || len(strings.TrimSpace(first)) != 44 {
		t.Errorf("got %q and %q", first, second)
	}
	c := cluster.New(t)
	n := c.Add()
	open := strings.Replace(n.Peer, "127.0.0.1", "0.0.0.0", 1)
	flags := args(n, "--peer", open, "--advertise", "127.0.0.1")
	_, errs, status := cluster.Run(t, flags...)
	if status != 2 {
		t.Errorf("exit status %d", status)
	}
	contains(t, errs, "other machines can reach "+open, "trivet secret > FILE", "--peer-secret-file FILE", "TRIVET_PEER_SECRET", "--peer-auth off")
	file := filepath.Join(t.TempDir(), "peer.secret")
	if err := os.WriteFile(file, []byte(first), 0o600); err != nil {
		t.Fatal(err)
	}
	n.Arg("--bootstrap-expect", "1")
	n.Arg("--peer", open)
	n.Arg("--advertise", "127.0.0.1")
	n.Arg("--peer-secret", "")
	n.Arg("--peer-secret-file", file)
	n.Start()
	c.Leader()
}
