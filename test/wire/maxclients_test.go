package wire

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/trivetdb/trivet/test/cluster"
)

// TestMaxClients fills a node with clients: one more, on either port, gets an
// error and is closed, and is taken once another has gone.
func TestMaxClients(t *testing.T) {
	c := cluster.New(t, "--max-clients", "4")
	n := c.Add("--bootstrap-expect", "1")
	n.Start()
	c.Leader()
	clients := []struct{ addr, ping string }{
		{n.Redis, "PING\r\n"}, {n.Classic, "+PING\r\n"}, {n.Redis, "PING\r\n"}, {n.Classic, "+PING\r\n"},
	}
	// The clients of Leader may not have gone yet.
	admitted := func(addr, ping string) (in *conn) {
		c.Until("a client is admitted", 2*time.Minute, func(context.Context) bool {
			in = dial(t, addr)
			in.Write([]byte(ping))
			got := make([]byte, len(pong))
			_, err := io.ReadFull(in.r, got)
			return err == nil && string(got) == pong
		})
		return in
	}
	var in []*conn
	for _, who := range clients {
		in = append(in, admitted(who.addr, who.ping))
	}
	const full = "-ERR max number of clients reached\r\n"
	for range 20 {
		for _, who := range clients[:2] {
			more := dial(t, who.addr)
			more.expect(full)
			more.ends()
			more = dial(t, who.addr) // one that speaks first gets the error too
			more.Write([]byte(who.ping))
			more.expect(full)
			more.ends()
			more.Close()
		}
	}
	for i, who := range clients {
		in[i].ask(who.ping, pong)
	}
	in[0].Conn.(*net.TCPConn).CloseWrite()
	in[0].ends()
	admitted(n.Classic, "+PING\r\n") // the ports share the limit
	if status := n.Stop(); status != 0 {
		t.Errorf("exit status %d", status)
	}
}
