package wire

import (
	"fmt"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/trivetdb/trivet/resp"
	"github.com/trivetdb/trivet/test/cluster"
	"github.com/trivetdb/trivet/test/transcript"
)

// TestTranscripts runs the corpus over TCP, at the leader and through a follower
// that forwards, but for what depends on the time that a transcript sets.
func TestTranscripts(t *testing.T) {
	files, err := transcript.Load("../../fsm/testdata")
	if err != nil {
		t.Fatal(err)
	}
	leader, forwards, _ := roles(t)
	for _, f := range files {
		for _, at := range []struct {
			name string
			node *cluster.Node
		}{{"leader", leader}, {"follower", forwards}} {
			t.Run(filepath.Base(f.Name)+"/"+at.name, func(t *testing.T) {
				p := newPlayer(t, at.node)
				got, err := f.Run(anyTime, p.do)
				if err != nil {
					t.Fatal(err)
				}
				if diff := f.Diff(got); diff != "" {
					t.Errorf("the replies differ:\n%s", diff)
				}
				shared.With(t).SameState()
			})
		}
	}
	p := newPlayer(t, leader) // leaves nothing to the other tests
	p.close()
}

// anyTime picks the blocks that need no clock of their own.
func anyTime(b *transcript.Block) bool { return !b.Clock }

// A player is one client with a connection to each port of a node.
type player struct {
	redis, classic *speaker
}

// A speaker is one connection.
type speaker struct {
	net.Conn
	r       *resp.Reader
	dialect resp.Dialect
	db      int
}

// newPlayer connects to n, whose keys it deletes. As it reads on one connection
// what it wrote on another, reads are linearizable.
func newPlayer(t *testing.T, n *cluster.Node) *player {
	t.Helper()
	p := &player{redis: &speaker{dialect: resp.RESP2}, classic: &speaker{dialect: resp.Classic}}
	for addr, s := range map[string]*speaker{n.Redis: p.redis, n.Classic: p.classic} {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		s.Conn, s.r = c, resp.NewReader(c, resp.NoLimits)
		if v, err := s.send(resp.Strs("CLIENT", "READS", "LINEARIZABLE")); err != nil || v.IsError() {
			t.Fatalf("CLIENT READS: %v %v", v, err)
		}
	}
	if v, err := p.redis.send(resp.Strs("FLUSHALL")); err != nil || v.IsError() {
		t.Fatalf("FLUSHALL: %v %v", v, err)
	}
	return p
}

func (p *player) close() {
	p.redis.Close()
	p.classic.Close()
}

func (p *player) do(c transcript.Command) (resp.Value, error) {
	s := p.redis
	if c.Classic {
		s = p.classic
	}
	if s.db != c.DB {
		if v, err := s.send(resp.Strs("SELECT", fmt.Sprint(c.DB))); err != nil || v.IsError() {
			return v, fmt.Errorf("SELECT %d: %v %w", c.DB, v, err)
		}
		s.db = c.DB
	}
	return s.send(resp.List(c.Args...))
}

// send sends a request and reads the reply.
func (s *speaker) send(request resp.Value) (resp.Value, error) {
	s.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := s.Write(request.Append(nil, s.dialect)); err != nil {
		return resp.Value{}, err
	}
	return s.r.ReadValue()
}
