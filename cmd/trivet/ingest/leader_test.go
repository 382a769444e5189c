package ingest

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trivetdb/trivet/test/cluster"
)

// numbered returns so many records of strings.
func numbered(n int) (list []*Record) {
	for i := range n {
		list = append(list, record(i%2*5, fmt.Sprint("key", i), text(fmt.Sprint("value", i))))
	}
	return list
}

// TestLeaderChanges writes while another node begins to lead: after a kill where
// followers forward, after a transfer where they say who leads.
func TestLeaderChanges(t *testing.T) {
	for _, mode := range []string{"forward", "redirect"} {
		t.Run(mode, func(t *testing.T) {
			c := cluster.Start(t, 3, "--on-follower", mode)
			leader := c.Settled()
			asked := leader
			if mode == "forward" {
				asked = c.Others(leader)[0]
			}
			client := to(false).Client(asked.Redis, 0)
			defer client.Close()
			src := &records{list: numbered(6000), before: func(i int) {
				switch {
				case i != 3000:
				case mode == "forward":
					leader.Kill()
				default:
					if err := client.Do(t.Context(), "RAFT", "TRANSFER").Err(); err != nil {
						t.Error(err)
					}
					// It ends its connections. What is on its way just then would be lost.
					for end := time.Now().Add(time.Minute); strings.Count(client.ClientList(t.Context()).Val(), "\n") != 1; {
						if time.Now().After(end) {
							t.Fatal("the former leader keeps its connections")
						}
					}
				}
			}}
			report, err := Run(t.Context(), src, to(false, asked.Redis), &Progress{})
			if err != nil || report.Keys[0] != 3000 || report.Keys[5] != 3000 || report.Failures() != 0 {
				t.Errorf("%+v, %v", report, err)
			}
			for db, want := range map[int]int64{0: 3000, 5: 3000} {
				now := to(false).Client(c.Leader().Redis, db)
				if got := now.DBSize(t.Context()).Val(); got != want {
					t.Errorf("database %d has %d keys, not %d", db, got, want)
				}
				now.Close()
			}
		})
	}
}

// TestLostConnection reports what was sent, and may be written, when the
// connection ends.
func TestLostConnection(t *testing.T) {
	n := cluster.Start(t, 1).Nodes[0]
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var sent atomic.Int64
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			go cutOff(in, n.Redis, &sent)
		}
	}()
	report, err := Run(t.Context(), &records{list: numbered(6000)[:5000]}, to(false, l.Addr().String()), &Progress{})
	if err == nil || !strings.Contains(err.Error(), "connection to "+l.Addr().String()) {
		t.Errorf("got %v", err)
	}
	if g := report.Failed[unknown]; g == nil || g.Count == 0 || report.total() == 0 || report.total()+g.Count >= 5000 {
		t.Errorf("got %+v", report)
	}
}

// cutOff forwards a connection until all of them have sent 100 kB.
func cutOff(in net.Conn, to string, sent *atomic.Int64) {
	defer in.Close()
	out, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer out.Close()
	go io.Copy(in, out)
	for b := make([]byte, 4096); sent.Load() < 100_000; {
		n, err := in.Read(b)
		if _, fault := out.Write(b[:n]); err != nil || fault != nil {
			return
		}
		sent.Add(int64(n))
	}
}
