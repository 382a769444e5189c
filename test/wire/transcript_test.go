package wire

import (
	"context"
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
// that forwards, but for what depends on the time that a transcript sets. A file
// during which the nodes elect another leader, as they may on a machine that has
// more to do than it can, is run again.
func TestTranscripts(t *testing.T) {
	files, err := transcript.Load("../../fsm/testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		for _, at := range []string{"leader", "follower"} {
			t.Run(filepath.Base(f.Name)+"/"+at, func(t *testing.T) {
				for tries := 1; ; tries++ {
					node, forwards, _ := roles(t)
					before := term(t, node)
					if at == "follower" {
						node = forwards
					}
					problem := play(t, f, node)
					if problem == "" {
						break
					}
					if term(t, node) == before || tries == 5 {
						t.Fatal(problem)
					}
				}
				shared.With(t).SameState()
			})
		}
	}
	leader, _, _ := roles(t)
	p, err := newPlayer(t, leader) // leaves nothing to the other tests
	if err != nil {
		t.Fatal(err)
	}
	p.close()
}

// play runs a file on a node and returns what is wrong, if anything.
func play(t *testing.T, f *transcript.File, n *cluster.Node) string {
	p, err := newPlayer(t, n)
	if err != nil {
		return err.Error()
	}
	got, err := f.Run(anyTime, p.do)
	if err != nil {
		return err.Error()
	}
	if diff := f.Diff(got); diff != "" {
		return "the replies differ:\n" + diff
	}
	return ""
}

// term waits for a node to answer, and returns raft's term.
func term(t *testing.T, n *cluster.Node) (term uint64) {
	shared.With(t).Until("a status", 2*time.Minute, func(ctx context.Context) bool {
		s, err := n.Status(ctx)
		term = s.Node.Term
		return err == nil
	})
	return term
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
func newPlayer(t *testing.T, n *cluster.Node) (*player, error) {
	p := &player{redis: &speaker{dialect: resp.RESP2}, classic: &speaker{dialect: resp.Classic}}
	for addr, s := range map[string]*speaker{n.Redis: p.redis, n.Classic: p.classic} {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return nil, err
		}
		t.Cleanup(func() { c.Close() })
		s.Conn, s.r = c, resp.NewReader(c, resp.NoLimits)
		if v, err := s.send(resp.Strs("CLIENT", "READS", "LINEARIZABLE")); err != nil || v.IsError() {
			return nil, fmt.Errorf("CLIENT READS: %v %w", v, err)
		}
	}
	if v, err := p.redis.send(resp.Strs("FLUSHALL")); err != nil || v.IsError() {
		return nil, fmt.Errorf("FLUSHALL: %v %w", v, err)
	}
	return p, nil
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
	s.SetDeadline(time.Now().Add(time.Minute))
	if _, err := s.Write(request.Append(nil, s.dialect)); err != nil {
		return resp.Value{}, err
	}
	return s.r.ReadValue()
}
