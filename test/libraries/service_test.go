//go:build libraries

package libraries

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
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
	// In mode sentinel there is an address before each node instead, by which the
	// replies call the node; both have ports of as many digits.
	fronts  []string
	renames *strings.Replacer
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
	go s.accept(l, s.dial)
	return s
}

// startFronts runs an address before each node.
func startFronts(t *testing.T, nodes []*cluster.Node) *service {
	t.Helper()
	s := &service{}
	var renames []string
	for _, n := range nodes {
		var l net.Listener
		for l == nil || len(l.Addr().String()) != len(n.Redis) {
			var err error
			if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { l.Close() })
		}
		_, port, _ := net.SplitHostPort(l.Addr().String())
		_, behind, _ := net.SplitHostPort(n.Redis)
		s.fronts = append(s.fronts, l.Addr().String())
		// Not the digits alone: a job's id may have them.
		for _, form := range []string{"$5\r\n%s\r\n", "127.0.0.1 %s", ":%s"} {
			renames = append(renames, fmt.Sprintf(form, behind), fmt.Sprintf(form, port))
		}
		go s.accept(l, func() (net.Conn, error) { return net.DialTimeout("tcp", n.Redis, time.Second) })
	}
	s.renames = strings.NewReplacer(renames...)
	return s
}

func (s *service) accept(l net.Listener, dial func() (net.Conn, error)) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go s.serve(conn, dial)
	}
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
func (s *service) serve(client net.Conn, dial func() (net.Conn, error)) {
	defer client.Close()
	node, err := dial()
	if err != nil {
		return
	}
	defer node.Close()
	w := &wire{node: node.RemoteAddr().String()}
	s.mu.Lock()
	s.wires = append(s.wires, w)
	s.mu.Unlock()
	go func() {
		w.carry(node, client, request, nil)
		w.end(false)
		node.Close()
	}()
	w.carry(client, node, reply, s.renames)
	w.end(true)
}

// carry copies what from sends, noted as what the kind says, until it ends.
func (w *wire) carry(to, from net.Conn, kind kind, renames *strings.Replacer) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			data := buffer[:n]
			if renames != nil {
				data = []byte(renames.Replace(string(data)))
			}
			w.note(kind, data)
			if _, err := to.Write(data); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
