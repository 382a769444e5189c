//go:build redis

package redis

import (
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/trivetdb/trivet/resp"
)

func itoa(n int) string { return strconv.Itoa(n) }

// A client talks to a redis-server that the test started.
type client struct {
	t    *testing.T
	conn net.Conn
	r    *resp.Reader
}

// startRedis starts a redis-server that ends with the test.
func startRedis(t *testing.T, options ...string) *client {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Fatalf("this test needs redis-server: %v", err)
	}
	addr := freeAddr(t)
	_, port, _ := net.SplitHostPort(addr)
	args := []string{"--port", port, "--bind", "127.0.0.1",
		"--save", "", "--appendonly", "no", "--dir", t.TempDir(), "--daemonize", "no"}
	cmd := exec.Command(path, append(args, options...)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return dial(t, addr)
}

// dial connects to a server that may be still starting.
func dial(t *testing.T, addr string) *client {
	t.Helper()
	for range 100 {
		if conn, err := net.Dial("tcp", addr); err == nil {
			t.Cleanup(func() { conn.Close() })
			return &client{t, conn, resp.NewReader(conn, resp.DefaultLimits)}
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("no server listens on %s", addr)
	return nil
}

// freeAddr returns an address on which nobody listens.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// do sends a command and returns the reply.
func (c *client) do(args ...string) resp.Value {
	c.t.Helper()
	c.send([][]string{args})
	return c.receive()
}

// send sends commands; receive must be called as often.
func (c *client) send(commands [][]string) {
	c.t.Helper()
	var b []byte
	for _, args := range commands {
		b = resp.Strs(args...).Append(b, resp.RESP2)
	}
	c.conn.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := c.conn.Write(b); err != nil {
		c.t.Fatal(fmt.Errorf("send %.1000q: %w", commands, err))
	}
}

// receive returns the next reply.
func (c *client) receive() resp.Value {
	c.t.Helper()
	v, err := c.r.ReadValue()
	if err != nil {
		c.t.Fatal(err)
	}
	return v
}
