package main

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/trivetdb/trivet/test/cluster"
)

// TestShutdown stops a node by a client's command: the process ends as after a
// SIGTERM.
func TestShutdown(t *testing.T) {
	n := cluster.New(t).Add()
	ended := make(chan error, 1)
	go func() { ended <- run(context.Background(), args(n), io.Discard) }()
	c := (&target{}).client(n.Redis, nil)
	defer c.Close()
	for end := time.Now().Add(2 * time.Minute); c.Set(t.Context(), "k", "v", 0).Err() != nil; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the node serves no writes")
		}
	}
	c.Shutdown(t.Context()) // has no reply
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("serve: %v", err)
		}
	case <-time.After(2 * time.Minute):
		t.Fatal("the process goes on")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := c.Ping(ctx).Err(); err == nil {
		t.Error("the node still answers")
	}
}
