package wire

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trivetdb/trivet/test/cluster"
)

// seeds are requests that the random sender damages. It finds its way into them
// further than with bytes of chance alone.
var seeds = []string{
	words("SET", "wire:random", "value", "EX", "100"),
	words("GET", "wire:random"),
	words("MSET", "wire:random:a", "1", "wire:random:b", "2"),
	words("APPEND", "wire:random", "x"),
	words("COMMAND", "DOCS", "get"),
	words("SCAN", "0", "MATCH", "wire:[a-", "COUNT", "10"),
	"SET wire:random \"a\\x00b\" PX 1000\r\nGET wire:random\r\n",
	"*3\r\n+SET\r\n+wire:random\r\n%2\r\n+a\r\n*3\r\n:1\r\n$-1\r\n$2\r\nxy\r\n:7\r\n%0\r\n+GET wire:random\r\n",
	"*5\r\n+MSET\r\n+wire:random:a\r\n*1\r\n*1\r\n*0\r\n:5\r\n:6\r\n",
	"HELLO 3 SETNAME x\r\nCLIENT LIST\r\nINFO\r\nHELLO 2\r\nRESET\r\n",
}

// damaged returns a row of requests with some bytes wrong.
func damaged(random *rand.Rand) []byte {
	var b []byte
	for range 1 + random.IntN(5) {
		b = append(b, seeds[random.IntN(len(seeds))]...)
	}
	const telling = "*$+-:%\r\n0123456789\x00\xff \"'"
	for range random.IntN(6) {
		if len(b) < 2 {
			break
		}
		at := random.IntN(len(b))
		switch random.IntN(4) {
		case 0:
			b[at] = byte(random.Uint32())
		case 1:
			b[at] = telling[random.IntN(len(telling))]
		case 2:
			b = append(b[:at], b[at+1:]...)
		case 3:
			b = b[:at+1]
		}
	}
	return b
}

// TestRandom sends random and damaged requests to all ports for five seconds.
// Well-behaved clients beside them see no error.
func TestRandom(t *testing.T) {
	_, forwards, _ := roles(t)
	before := look(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	var wait sync.WaitGroup
	for i, addr := range ports() {
		wait.Go(func() {
			random := rand.New(rand.NewPCG(42, uint64(i)))
			for ctx.Err() == nil {
				if err := pester(ctx, addr, random); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for _, n := range shared.Nodes {
		wait.Go(func() { check(ctx, t, n, n == forwards) })
	}
	wait.Wait()
	before.grown("after the random requests", room)
	before.same()
	shared.With(t).SameState()
}

// pester sends requests on one connection until the node closes it. The answers
// are read, or the node would wait.
func pester(ctx context.Context, addr string, random *rand.Rand) error {
	c, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return err
	}
	defer c.Close()
	read := make(chan struct{})
	go func() {
		io.Copy(io.Discard, c)
		close(read)
	}()
	for range 50 {
		b := damaged(random)
		if random.IntN(10) == 0 {
			for i := range b {
				b[i] = byte(random.Uint32())
			}
		}
		c.SetWriteDeadline(time.Now().Add(5 * time.Second))
		if _, err := c.Write(b); err != nil || ctx.Err() != nil {
			break
		}
		select {
		case <-read:
			return nil
		default:
		}
	}
	c.(*net.TCPConn).CloseWrite()
	select {
	case <-read:
	case <-time.After(10 * time.Second):
		return fmt.Errorf("%s does not close the connection after its end", addr)
	}
	return nil
}

// check is a client that means well: any error fails the test.
func check(ctx context.Context, t *testing.T, n *cluster.Node, writes bool) {
	c := n.Client()
	defer c.Close()
	key, done := "wire:check:"+n.Name, 0
	for ; ctx.Err() == nil; done++ {
		// Not the test's context: its end is no error.
		err := c.Ping(context.Background()).Err()
		if err == nil && writes {
			err = c.Set(context.Background(), key, done, 0).Err()
		}
		var got string
		if err == nil {
			got, err = c.Get(context.Background(), key).Result()
		}
		if writes && got != fmt.Sprint(done) {
			t.Errorf("%s: %s is %q, %d was set", n.Name, key, got, done)
		}
		if err != nil && (writes || err != redis.Nil) {
			t.Errorf("%s: %v", n.Name, err)
			return
		}
	}
	t.Logf("%s answered %d rounds", n.Name, done)
}
