package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"strings"
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

// TestStopWhileOpening stops a process that waits for its name to be known: it is
// alive, not ready, and ends at once.
func TestStopWhileOpening(t *testing.T) {
	c := cluster.New(t)
	n := c.Add("--bootstrap-expect", "1", "--advertise", "nowhere.invalid")
	n.Start()
	status := func(page string) int {
		r, err := http.Get("http://" + n.HTTP + page)
		if err != nil {
			return 0
		}
		r.Body.Close()
		return r.StatusCode
	}
	c.Until("it waits", time.Minute, func(context.Context) bool {
		log, _ := os.ReadFile(n.Log)
		return strings.Contains(string(log), "gossip waits for a name")
	})
	if live, ready := status("/livez"), status("/readyz"); live != http.StatusOK || ready != http.StatusServiceUnavailable {
		t.Errorf("/livez %d, /readyz %d", live, ready)
	}
	began := time.Now()
	if code := n.Stop(); code != 0 || time.Since(began) > 10*time.Second {
		t.Errorf("exit status %d after %v", code, time.Since(began))
	}
}
