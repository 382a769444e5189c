package wire

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// room is what a node may hold for some hundred idle clients.
const room = 64 << 20

// TestClaims opens 200 connections at a time that claim much and send little.
// None of it may cost memory.
func TestClaims(t *testing.T) {
	for _, claim := range []struct {
		name, redis, classic string
	}{
		{"array", "*1048576\r\n", "*1048576\r\n"},
		{"string", "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$67108864\r\n", "*3\r\n+SET\r\n+k\r\n$67108864\r\n"},
		{"strings", "*1048576\r\n" + strings.Repeat("$1\r\na\r\n", 100) + "$67108864\r\nabc", "*1048576\r\n" + strings.Repeat(":1\r\n", 100) + "$67108864\r\nabc"},
		{"dictionary", "*2\r\n$67108864\r\n", "%524288\r\n"},
		{"nested", "*1\r\n$67108000\r\n", strings.Repeat("*1048576\r\n", 1000)},
		{"dictionaries", "*1048576\r\n$1", strings.Repeat("%524288\r\n+k\r\n", 1000)},
	} {
		t.Run(claim.name, func(t *testing.T) {
			before := look(t)
			var open []*conn
			for i := range 200 {
				for _, n := range shared.Nodes[i%3 : i%3+1] {
					r, c := dial(t, n.Redis), dial(t, n.Classic)
					r.send(claim.redis)
					c.send(claim.classic)
					open = append(open, r, c)
				}
			}
			open[len(open)-2].silent()
			open[len(open)-1].silent()
			before.grown("with all connections open", room)
			for _, c := range open {
				c.Close()
			}
			before.same()
		})
	}
}

// TestZeros sends 1 MB of zeros on many connections at once.
func TestZeros(t *testing.T) {
	before := look(t)
	var wait sync.WaitGroup
	for _, addr := range ports() {
		for range 20 {
			wait.Go(func() {
				c, err := net.Dial("tcp", addr)
				if err != nil {
					t.Error(err)
					return
				}
				defer c.Close()
				c.SetDeadline(time.Now().Add(30 * time.Second))
				io.WriteString(c, zeros)
				if got, _ := io.ReadAll(c); string(got) != inline && string(got) != bad {
					t.Errorf("got %.100q", got)
				}
			})
		}
	}
	wait.Wait()
	before.grown("after the zeros", room)
	before.same()
}

// TestDeepValue stores a value as deep as is allowed, and reads it on all ports.
func TestDeepValue(t *testing.T) {
	leader, forwards, _ := roles(t)
	const depth = 1000
	lists := strings.Repeat("*1\r\n", depth) + ":7\r\n"
	dicts := strings.Repeat("%1\r\n$1\r\nk\r\n", depth) + ":7\r\n"
	for _, value := range []string{lists, dicts} {
		before := look(t)
		classic := dial(t, forwards.Classic)
		classic.ask("*3\r\n+SET\r\n+wire:deep\r\n"+value, ":1\r\n")
		classic.ask("+GET wire:deep\r\n", value)
		resp3 := dial(t, leader.Redis)
		resp3.send("HELLO 3\r\n")
		resp3.expect("%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n")
		resp3.send("GET wire:deep\r\nECHO end\r\n")
		if got := resp3.until("$3\r\nend\r\n"); !strings.HasSuffix(got, value) {
			t.Errorf("RESP3 got %.100q...", got)
		}
		resp2 := dial(t, leader.Redis)
		resp2.send("GET wire:deep\r\nECHO end\r\n")
		if got, want := resp2.until("$3\r\nend\r\n"), strings.ReplaceAll(value, "%1", "*2"); got != want {
			t.Errorf("RESP2 got %.100q...", got)
		}
		classic.ask("+DELETE wire:deep\r\n", ":1\r\n")
		before.same()
	}
	shared.With(t).SameState()
}

// until reads up to end, and returns what came ahead of it.
func (c *conn) until(end string) string {
	c.t.Helper()
	var b strings.Builder
	for !strings.HasSuffix(b.String(), end) {
		line, err := c.r.ReadString('\n')
		if err != nil {
			c.t.Fatalf("got %.200q (%v) ahead of %q", b.String(), err, end)
		}
		b.WriteString(line)
	}
	return strings.TrimSuffix(b.String(), end)
}

// TestGarbage opens thousands of connections that send random bytes and close,
// half of them without reading and with a reset.
func TestGarbage(t *testing.T) {
	before := look(t)
	const senders, each = 24, 150
	addrs := ports()
	var wait sync.WaitGroup
	for i := range senders {
		random := rand.New(rand.NewPCG(7, uint64(i)))
		wait.Go(func() {
			for range each {
				if err := litter(addrs[i%len(addrs)], random); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wait.Wait()
	before.grown(fmt.Sprintf("after %d connections", senders*each), room)
	before.same()
}

func litter(addr string, random *rand.Rand) error {
	c, err := net.DialTimeout("tcp", addr, 10*time.Second)
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	b := make([]byte, random.IntN(2000))
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	if random.IntN(2) == 0 {
		b = append([]byte("*3\r\n$3\r\nSET\r\n"), b...)
	}
	c.Write(b)
	if random.IntN(2) == 0 {
		c.(*net.TCPConn).SetLinger(0)
		return nil
	}
	c.(*net.TCPConn).CloseWrite()
	io.Copy(io.Discard, c) // a reset is as good as an end
	return nil
}
