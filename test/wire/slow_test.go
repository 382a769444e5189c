package wire

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestHalfAPipeline sends a part of a pipeline: what is whole is answered while
// the rest is missing.
func TestHalfAPipeline(t *testing.T) {
	leader, forwards, _ := roles(t)
	for _, addr := range []string{leader.Redis, forwards.Redis} {
		c := dial(t, addr)
		c.ask(words("SET", "wire:half", "1")+words("INCR", "wire:half")+words("GET", "wire:half")+"PING\r\n"+
			"*3\r\n$3\r\nSET\r\n$9\r\nwire:half\r\n$5\r\nab", "+OK\r\n:2\r\n$1\r\n2\r\n"+pong)
		c.silent()
		c.ask("cde\r\n"+words("GET", "wire:half"), "+OK\r\n$5\r\nabcde\r\n")
	}
	for _, addr := range []string{leader.Classic, forwards.Classic} {
		c := dial(t, addr)
		c.ask("+SET wire:half 1\r\n+GET wire:half\r\n*3\r\n+SET\r\n+wire:half\r\n%1\r\n$1\r\nk\r\n", ":1\r\n$1\r\n1\r\n")
		c.silent()
		c.ask(":5\r\n+GET wire:half\r\n", ":1\r\n%1\r\n$1\r\nk\r\n:5\r\n")
	}
	// A client that goes away in the middle leaves nothing behind.
	c := dial(t, leader.Redis)
	c.ask(words("SET", "wire:half", "kept")+"*3\r\n$3\r\nSET\r\n$9\r\nwire:half\r\n$5\r\nab", "+OK\r\n")
	c.Conn.(*net.TCPConn).CloseWrite()
	c.ends()
	c = dial(t, leader.Redis)
	c.ask("GET wire:half\r\n", "$4\r\nkept\r\n")
}

// TestSlowWriters sends requests byte by byte over many connections.
func TestSlowWriters(t *testing.T) {
	leader, forwards, _ := roles(t)
	before := look(t)
	type writer struct {
		*conn
		send, want string
	}
	var writers []writer
	for i := range 100 {
		key := fmt.Sprintf("wire:slow:%d", i)
		for _, n := range []string{leader.Redis, forwards.Redis} {
			writers = append(writers, writer{dial(t, n), words("SET", key, "v\x00\r\nw") + "GET " + key + "\r\n", "+OK\r\n$5\r\nv\x00\r\nw\r\n"})
		}
		for _, n := range []string{leader.Classic, forwards.Classic} {
			writers = append(writers, writer{dial(t, n), "*3\r\n+SET\r\n+" + key + "c\r\n%1\r\n$1\r\na\r\n*2\r\n:1\r\n$-1\r\n+GET " + key + "c\r\n",
				":1\r\n%1\r\n$1\r\na\r\n*2\r\n:1\r\n$-1\r\n"})
		}
	}
	for at := 0; ; at++ {
		sent := false
		for _, w := range writers {
			if at < len(w.send) {
				w.conn.send(w.send[at : at+1])
				sent = true
			}
		}
		if !sent {
			break
		}
		time.Sleep(2 * time.Millisecond)
	}
	for _, w := range writers {
		w.expect(w.want)
		w.Close()
	}
	before.grown("after the slow writers", room)
	before.same()
}

// TestSlowReaders pipelines reads of a large value and never takes an answer.
// The node must not keep the answers for them, and others must not wait.
func TestSlowReaders(t *testing.T) {
	leader, forwards, redirects := roles(t)
	set := dial(t, leader.Redis)
	set.ask(words("SET", "wire:large", strings.Repeat("x", 1<<20)), "+OK\r\n")
	shared.With(t).Settled()
	before := look(t)
	const readers, gets = 5, 400 // 2 GB a port
	var open []*conn
	for _, n := range shared.Nodes {
		for range readers {
			r, c := dial(t, n.Redis), dial(t, n.Classic)
			r.send(strings.Repeat("GET wire:large\r\n", gets))
			c.send(strings.Repeat("+GET wire:large\r\n", gets))
			open = append(open, r, c)
		}
	}
	time.Sleep(time.Second)
	for _, c := range open {
		c.r.ReadByte() // all are being served
	}
	for i := range 20 {
		began := time.Now()
		set.ask(fmt.Sprintf("SET wire:beside %d\r\n", i), "+OK\r\n")
		for _, n := range []string{leader.Redis, forwards.Redis, redirects.Redis} {
			dial(t, n).ask("PING\r\n", pong)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("other clients wait %v", took)
		}
	}
	before.grown("with slow readers", 128<<20)
	var wait sync.WaitGroup
	for _, c := range open {
		wait.Go(func() { c.Close() })
	}
	wait.Wait()
	before.same()
	set.ask("DEL wire:large\r\n", ":1\r\n")
}
