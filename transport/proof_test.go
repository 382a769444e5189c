package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trivetdb/trivet/test/certs"
)

const (
	ourSecret   = Secret("what our nodes know")
	otherSecret = Secret("what others' nodes know")
)

func knowing(secrets ...Secret) *Secrets { return NewSecrets(secrets) }

// A lines is a log that a test reads.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// await fails the test unless the log says something soon.
func (l *lines) await(t *testing.T, text string) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); !strings.Contains(l.String(), text); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Errorf("no %q in the log: %s", text, l)
			return
		}
	}
}

func (l *lines) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// strictly returns a handler that fails the test: a stranger got in.
func strictly(t *testing.T) Handler {
	return func(context.Context, []byte) ([]byte, error) {
		t.Error("a stranger's call was handled")
		return nil, nil
	}
}

// TestProof lets those in that know the secret, by both kinds of connection, and
// nobody else; both sides say why.
func TestProof(t *testing.T) {
	ours := certs.New(t)
	for _, test := range []struct {
		name             string
		acceptor, dialer *Secrets
		accepts, dials   string // what the logs say; empty where all is well
	}{
		{"same", knowing(ourSecret), knowing(ourSecret), "", ""},
		{"none", nil, nil, "", ""},
		{"one of two", knowing(ourSecret, otherSecret), knowing(otherSecret), "", ""},
		{"another", knowing(ourSecret), knowing(otherSecret), "knows none of this node's peer secrets", "our proof of the peer secret was not taken"},
		{"stranger", knowing(ourSecret), nil, "proves no secret", "refused by peer: the peer proves no secret"},
		{"stranger listens", nil, knowing(ourSecret), "", "has no secret to prove itself with"},
	} {
		for _, secured := range []bool{false, true} {
			name := test.name
			if secured {
				name += " by TLS"
			}
			t.Run(name, func(t *testing.T) {
				onFields(t, func(t *testing.T, server, client Network, addr, local string) {
					var said, heard lines
					accepting := Options{Secrets: test.acceptor, Logger: said.logger()}
					dialing := Options{Secrets: test.dialer, Logger: heard.logger()}
					if secured {
						accepting.TLS, dialing.TLS = issued(t, ours), issued(t, ours)
					}
					if test.accepts != "" {
						accepting.Admit = func(byte, string, string) error {
							t.Error("a stranger's hello was read")
							return nil
						}
					}
					s := listen(t, server, addr, accepting)
					c := listen(t, client, local, dialing)
					fine := test.dials == ""
					if s.Serve(echo); !fine {
						s.Serve(strictly(t))
					}
					at := s.Addr().String()
					_, err := c.Link(at).Call(within(t, 5*time.Second), []byte("x"))
					if (err == nil) != fine {
						t.Fatalf("call: %v", err)
					}
					if !fine && !strings.Contains(err.Error()+heard.String(), test.dials) {
						t.Errorf("the dialer says %v and logs %s", err, &heard)
					}
					accepted := make(chan net.Conn, 1)
					go func() {
						if conn, err := s.Raft().Accept(); err == nil {
							accepted <- conn
						}
					}()
					conn, err := c.DialRaft(within(t, 5*time.Second), at, "")
					if (err == nil) != fine {
						t.Fatalf("raft: %v", err)
					}
					if fine {
						conn.Close()
						(<-accepted).Close()
					}
					said.await(t, test.accepts)
				})
			})
		}
	}
}

// A tap relays connections to a mux, and keeps what the dialer sent.
type tap struct {
	addr string
	mu   sync.Mutex
	sent bytes.Buffer
}

func (p *tap) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sent.Write(b)
}

// relay listens, and joins each connection that open makes of one that came in
// with one to addr.
func relay(t *testing.T, addr string, open func(in, out net.Conn) (net.Conn, net.Conn)) *tap {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &tap{addr: ln.Addr().String()}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			in, err := ln.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", addr)
			if err != nil {
				in.Close()
				continue
			}
			in, out = open(in, out)
			go func() {
				io.Copy(in, out)
				in.Close()
			}()
			go func() {
				io.Copy(io.MultiWriter(out, p), in)
				out.Close()
			}()
		}
	}()
	return p
}

func straight(in, out net.Conn) (net.Conn, net.Conn) { return in, out }

// TestProofReplayed sends again what a node sent: it is no proof any more.
func TestProofReplayed(t *testing.T) {
	var said lines
	s := listen(t, TCP{}, "127.0.0.1:0", Options{Secrets: knowing(ourSecret), Logger: said.logger()})
	calls := make(chan struct{}, 10)
	s.Serve(func(_ context.Context, req []byte) ([]byte, error) {
		calls <- struct{}{}
		return req, nil
	})
	p := relay(t, s.Addr().String(), straight)
	c := listen(t, TCP{}, "127.0.0.1:0", Options{Secrets: knowing(ourSecret)})
	if _, err := c.Link(p.addr).Call(within(t, 5*time.Second), []byte("x")); err != nil {
		t.Fatal(err)
	}
	<-calls
	p.mu.Lock()
	recorded := bytes.Clone(p.sent.Bytes())
	p.mu.Unlock()
	conn, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	conn.Write(recorded)
	answer, _ := io.ReadAll(conn)
	if len(answer) < 2+nonceSize || answer[0] != helloChallenge || answer[1+nonceSize] != helloRefused || len(calls) > 0 {
		t.Fatalf("the replay was answered %q, %d calls", answer, len(calls))
	}
	said.await(t, "the peer's proof is wrong")
}

// TestProofReflected is a stranger who answers a dialer with the dialer's own
// proof, or with anything else that it has.
func TestProofReflected(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			var start [2 + nonceSize]byte
			io.ReadFull(conn, start[:])
			conn.Write(append([]byte{helloChallenge}, start[2:]...)) // its own nonce
			readText(conn)
			var proof [32]byte
			io.ReadFull(conn, proof[:])
			conn.Write(append(append([]byte{helloProved}, proof[:]...), helloAdmitted))
			if rest, _ := io.ReadAll(conn); len(rest) > 0 {
				t.Errorf("the dialer went on with %q", rest)
			}
			conn.Close()
		}
	}()
	var heard lines
	c := listen(t, TCP{}, "127.0.0.1:0", Options{Secrets: knowing(ourSecret), Logger: heard.logger()})
	if _, err = c.Link(ln.Addr().String()).Call(within(t, 5*time.Second), []byte("x")); !errors.Is(err, errFalseAnswer) {
		t.Fatal(err)
	}
	heard.await(t, errFalseAnswer.Reason)
}

// TestProofRelayed has a node dial a stranger, who passes the proof on to another
// node: that one was not meant. Under TLS a relay fails even where it was, as it
// ends both sessions itself.
func TestProofRelayed(t *testing.T) {
	t.Run("to another address", func(t *testing.T) {
		var said lines
		s := listen(t, TCP{}, "127.0.0.1:0", Options{
			Secrets: knowing(ourSecret), Logger: said.logger(), Self: func(addr string) bool { return addr == "a:1" },
		})
		s.Serve(strictly(t))
		p := relay(t, s.Addr().String(), straight)
		c := listen(t, TCP{}, "127.0.0.1:0", Options{Secrets: knowing(ourSecret)})
		if _, err := c.Link(p.addr).Call(within(t, 5*time.Second), []byte("x")); !errors.Is(err, errNotTaken) {
			t.Fatal(err)
		}
		said.await(t, "this node is not at "+p.addr)
	})
	t.Run("by TLS", func(t *testing.T) {
		ours := certs.New(t)
		s := listen(t, TCP{}, "127.0.0.1:0", Options{Secrets: knowing(ourSecret), TLS: issued(t, ours)})
		s.Serve(strictly(t))
		stolen := issued(t, ours)
		p := relay(t, s.Addr().String(), func(in, out net.Conn) (net.Conn, net.Conn) {
			return tls.Server(in, stolen.ServerConfig()), tls.Client(out, stolen.ClientConfig("127.0.0.1"))
		})
		c := listen(t, TCP{}, "127.0.0.1:0", Options{Secrets: knowing(ourSecret), TLS: issued(t, ours)})
		if _, err := c.Link(p.addr).Call(within(t, 5*time.Second), []byte("x")); !errors.Is(err, errNotTaken) {
			t.Fatal(err)
		}
	})
}

// TestSecretChanged changes the secret of two nodes, one after the other: they get
// through to each other all the time, and who knows the old one alone does not in the end.
func TestSecretChanged(t *testing.T) {
	old, young := ourSecret, otherSecret
	held := [2]*Secrets{knowing(old), knowing(old)}
	nodes := [2]*Mux{}
	for i := range nodes {
		nodes[i] = listen(t, TCP{}, "127.0.0.1:0", Options{Secrets: held[i]})
		nodes[i].Serve(echo)
	}
	dial := func(m *Mux, to *Mux) error {
		conn, err := m.dial(within(t, 5*time.Second), KindCall, to.Addr().String(), "")
		if err == nil {
			conn.Close()
		}
		return err
	}
	for _, step := range [][]Secret{{old, young}, {young, old}, {young}} {
		for i := range held {
			held[i].Set(step)
			for j := range nodes {
				if err := dial(nodes[j], nodes[1-j]); err != nil {
					t.Fatalf("with %d secrets at node %d: %v", len(step), i, err)
				}
			}
		}
	}
	late := listen(t, TCP{}, "127.0.0.1:0", Options{Secrets: knowing(old)})
	if err := dial(late, nodes[0]); !errors.Is(err, errNotTaken) {
		t.Fatalf("with the old secret: %v", err)
	}
}

// before runs a peer of the version before proofs, which hangs up on a first byte
// that it does not know.
func before(t *testing.T) (addr string) {
	old := listen(t, TCP{}, "127.0.0.1:0", Options{})
	old.Serve(echo)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			in, err := ln.Accept()
			if err != nil {
				return
			}
			var kind [1]byte
			if io.ReadFull(in, kind[:]); kind[0] == kindProof {
				in.Close()
				continue
			}
			out, err := net.Dial("tcp", old.Addr().String())
			if err != nil {
				in.Close()
				continue
			}
			out.Write(kind[:])
			go func() { io.Copy(out, in); out.Close() }()
			go func() { io.Copy(in, out); in.Close() }()
		}
	}()
	return ln.Addr().String()
}

// TestUnproved has nodes with and without secrets talk while an upgrade lasts, and
// not after it. A wrong secret is refused all the same.
func TestUnproved(t *testing.T) {
	call := func(m *Mux, to string) error {
		_, err := m.Link(to).Call(within(t, 5*time.Second), []byte("x"))
		return err
	}
	node := func(o Options) *Mux {
		m := listen(t, TCP{}, "127.0.0.1:0", o)
		m.Serve(echo)
		return m
	}
	both := node(Options{Secrets: knowing(ourSecret), Unproved: true})
	done := node(Options{Secrets: knowing(ourSecret)})
	none := node(Options{})
	wrong := node(Options{Secrets: knowing(otherSecret), Unproved: true})
	old := before(t)
	at := func(m *Mux) string { return m.Addr().String() }
	for _, c := range []struct {
		name string
		from *Mux
		to   string
		fine bool
	}{
		{"both to the version before", both, old, true},
		{"both to none", both, at(none), true},
		{"both to done", both, at(done), true},
		{"done to both", done, at(both), true},
		{"none to both", none, at(both), true},
		{"none to done", none, at(done), false},
		{"done to none", done, at(none), false},
		{"done to the version before", done, old, false},
		{"wrong to both", wrong, at(both), false},
		{"both to wrong", both, at(wrong), false},
	} {
		if err := call(c.from, c.to); (err == nil) != c.fine {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	// The acceptor counts once the dialer has read why and gone.
	for end := time.Now().Add(5 * time.Second); done.Refused() == 0 && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
	}
	if both.Unproved() != 1 || done.Unproved() != 0 || done.Refused() != 1 {
		t.Errorf("both admitted %d without proof, done %d and refused %d", both.Unproved(), done.Unproved(), done.Refused())
	}
}
