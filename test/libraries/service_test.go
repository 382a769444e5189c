//go:build libraries

package libraries

import (
	"context"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/trivetdb/trivet/test/cluster"
)

// A service is one address before all nodes, as Kubernetes' Service is: each
// connection goes to a node that is ready, and ends with it. It notes what went
// over each, so that a job that fares ill can be traced.
type service struct {
	addr  string
	mu    sync.Mutex // guards what follows
	ready []string   // addresses of nodes
	next  int
	wires []*wire
}

// startService runs a service for the nodes until the test ends.
func startService(t *testing.T, nodes []*cluster.Node) *service {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &service{addr: l.Addr().String()}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() {
		cancel()
		l.Close()
	})
	s.probe(ctx, nodes)
	go func() {
		for ctx.Err() == nil {
			time.Sleep(200 * time.Millisecond)
			s.probe(ctx, nodes)
		}
	}()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(conn)
		}
	}()
	return s
}

// probe asks the nodes whether they are ready, as kubelet does.
func (s *service) probe(ctx context.Context, nodes []*cluster.Node) {
	var ready []string
	for _, n := range nodes {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.HTTP+"/readyz", nil)
		if answer, err := http.DefaultClient.Do(req); err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				ready = append(ready, n.Redis)
			}
		}
		cancel()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ready = ready
}

// dial connects to a node, the next one each time.
func (s *service) dial() (net.Conn, error) {
	s.mu.Lock()
	ready := slices.Clone(s.ready)
	s.next++
	first := s.next
	s.mu.Unlock()
	err := net.ErrClosed
	for i := range ready {
		var conn net.Conn
		if conn, err = net.DialTimeout("tcp", ready[(first+i)%len(ready)], time.Second); err == nil {
			return conn, nil
		}
	}
	return nil, err
}

// serve carries one connection.
func (s *service) serve(client net.Conn) {
	defer client.Close()
	node, err := s.dial()
	if err != nil {
		return
	}
	defer node.Close()
	w := &wire{node: node.RemoteAddr().String()}
	s.mu.Lock()
	s.wires = append(s.wires, w)
	s.mu.Unlock()
	go func() {
		w.carry(node, client, request)
		w.end(false)
		node.Close()
	}()
	w.carry(client, node, reply)
	w.end(true)
}

// carry copies what from sends, noted as what the kind says, until it ends.
func (w *wire) carry(to, from net.Conn, kind kind) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			w.note(kind, buffer[:n])
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
