package server

import (
	"context"
	"io"
	"net"
	"testing"
	"time"
)

func TestShutdownDrains(t *testing.T) {
	f := start(t, Options{})
	idle, busy := dial(t, f.redis), dial(t, f.redis)
	idle.ask("PING", "+PONG\r\n")
	hold := make(chan struct{})
	f.node.set(func() { f.node.hold = hold })
	busy.send("SET a 1\r\nGET a\r\n")
	f.awaitCommand("GET")
	done := make(chan error)
	go func() { done <- f.Shutdown(context.Background()) }()
	idle.closed()
	select {
	case err := <-done:
		t.Fatalf("Shutdown left a busy connection: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	close(hold)
	busy.expect("+OK\r\n$1\r\n1\r\n")
	busy.closed()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if _, err := net.Dial("tcp", f.redis); err == nil {
		t.Error("the listener is still there")
	}
}

func TestShutdownInTime(t *testing.T) {
	f := start(t, Options{})
	f.node.set(func() { f.node.hold = make(chan struct{}) })
	w := dial(t, f.redis)
	w.send("SET a 1\r\n")
	f.awaitCommand("SET")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := f.Shutdown(ctx); err != context.DeadlineExceeded {
		t.Errorf("Shutdown: %v", err)
	}
	io.Copy(io.Discard, w.r) // ends, in one way or the other
}
