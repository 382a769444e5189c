package server

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
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

// TestShutdownParts stops the server while a client with a pool asks one thing
// after the other. The end of each stream comes with a reply, never in the place
// of one: the client sees no error before it finds nobody to connect to.
func TestShutdownParts(t *testing.T) {
	for range 20 {
		f := start(t, Options{})
		conn := redis.NewClient(&redis.Options{Addr: f.redis, MaxRetries: -1, DialerRetries: 1, PoolSize: 1})
		began, ended := make(chan struct{}), make(chan error, 1)
		go func() {
			for n := 0; ; n++ {
				if n == 10 {
					close(began)
				}
				if err := conn.Set(context.Background(), "a", 1, 0).Err(); err != nil {
					ended <- err
					return
				}
			}
		}()
		<-began
		if err := f.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatal(err)
		}
		conn.Close()
	}
}

// TestShutdownGreets lets a client that has only just come say what it wants.
func TestShutdownGreets(t *testing.T) {
	f := start(t, Options{})
	c := dial(t, f.redis)
	c.ask("PING", "+PONG\r\n")
	done := make(chan error)
	go func() { done <- f.Shutdown(context.Background()) }()
	for !f.conns.stopping.Load() {
		time.Sleep(time.Millisecond)
	}
	c.ask("PING", "+PONG\r\n")
	c.ask("SET a 1", "+OK\r\n")
	c.closed()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// TestRediscoverMidRequest ends connections so that clients look for another
// leader. What a client is about to send whole is answered before that.
func TestRediscoverMidRequest(t *testing.T) {
	f := start(t, Options{})
	idle, sending := dial(t, f.redis), dial(t, f.redis)
	idle.ask("PING", "+PONG\r\n")
	sending.send("PING\r\nECHO a\r\nEC")
	sending.expect("+PONG\r\n$1\r\na\r\n")
	f.Rediscover()
	idle.closed()
	sending.send("HO b\r\nECHO c\r\nECHO")
	sending.expect("$1\r\nb\r\n$1\r\nc\r\n")
	sending.send(" d\r\n")
	sending.expect("$1\r\nd\r\n")
	sending.closed()
}
