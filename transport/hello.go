package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// The first byte of a connection.
const (
	KindRaft byte = 'R' // a stream that belongs to raft
	KindCall byte = 'C' // frames of calls and replies
)

// What the acceptor answers to a hello.
const (
	helloAdmitted  byte = 0
	helloRefused   byte = 1 // a length byte and the reason follow
	helloChallenge byte = 2 // to a proof: the acceptor's nonce follows
	helloProved    byte = 3 // to a proof: the acceptor's own follows
	helloNoSecret  byte = 4 // to a proof: the acceptor cannot prove itself, and wants no proof
)

// maxText is the longest identity or reason: its length is one byte.
const maxText = 255

// A RefusedError says that the peer is there and refuses us, for example because
// it belongs to another cluster.
type RefusedError struct{ Reason string }

func (e *RefusedError) Error() string { return "refused by peer: " + e.Reason }

// dial makes a connection of a kind, up to and including the hello, to the node
// with the identity at addr, or to any that is there where node is empty.
func (m *Mux) dial(ctx context.Context, kind byte, addr, node string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, m.opts.DialTimeout)
	defer cancel()
	defer context.AfterFunc(m.ctx, cancel)()
	h := hello{kind: kind, addr: addr, node: node, proved: m.opts.Secrets != nil}
	conn, err := m.dialOnce(ctx, h)
	if m.opts.Unproved && errors.Is(err, errHungUp) {
		h.proved = false
		conn, err = m.dialOnce(ctx, h)
	}
	if unproved := (*ProofError)(nil); errors.As(err, &unproved) {
		m.complain("cannot connect to a peer", addr, err)
	}
	return conn, err
}

// A hello is what a dialer says, and whether it proves itself before.
type hello struct {
	kind       byte
	addr, node string // see dial
	proved     bool
}

func (m *Mux) dialOnce(ctx context.Context, h hello) (net.Conn, error) {
	if m.ctx.Err() != nil {
		return nil, fmt.Errorf("dial %s: %w", h.addr, net.ErrClosed)
	}
	raw, err := m.network.Dial(ctx, h.addr)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", h.addr, err)
	}
	// From here on the end of ctx shows as a deadline that has passed.
	stop := context.AfterFunc(ctx, func() { raw.SetDeadline(time.Unix(1, 0)) })
	conn, err := m.greet(ctx, raw, h)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		raw.Close()
		if ctx.Err() != nil {
			err = ctx.Err() // says more than the deadline it was made into
		}
		return nil, fmt.Errorf("greet %s: %w", h.addr, err)
	}
	return conn, nil
}

func (m *Mux) greet(ctx context.Context, conn net.Conn, h hello) (net.Conn, error) {
	if m.opts.TLS != nil {
		host, _, err := net.SplitHostPort(h.addr)
		if err != nil {
			return nil, err
		}
		session := tls.Client(conn, m.opts.TLS.ClientConfig(host))
		if err := session.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		conn = session
	}
	if h.proved {
		err := m.prove(conn, h.addr)
		if err != nil && !(m.opts.Unproved && errors.Is(err, errNoSecret)) {
			return nil, err
		}
	}
	said := []byte{h.kind}
	for _, text := range []string{m.opts.Cluster(), h.node} {
		if len(text) > maxText {
			return nil, fmt.Errorf("identity of %d bytes exceeds %d", len(text), maxText)
		}
		said = append(append(said, byte(len(text))), text...)
	}
	if _, err := conn.Write(said); err != nil {
		return nil, err
	}
	return conn, readStatus(conn, helloAdmitted)
}

// readStatus reads one byte, and the reason where it is a refusal. The error is
// nil if it is the one that is wanted.
func readStatus(conn net.Conn, want byte) error {
	var status [1]byte
	if _, err := io.ReadFull(conn, status[:]); err != nil {
		return err
	}
	switch status[0] {
	case want:
		return nil
	case helloRefused:
		reason, err := readText(conn)
		if err != nil {
			return err
		}
		return &RefusedError{Reason: reason}
	case helloNoSecret:
		return errNoSecret
	}
	return fmt.Errorf("unknown answer %d to hello", status[0])
}

// refuse tells the dialer why, and returns the reason. What it sent on, which we
// have not read, must not reset the connection before the dialer has read that.
func refuse(conn net.Conn, why error) error {
	reason := why.Error()
	reason = reason[:min(len(reason), maxText)]
	if _, err := conn.Write(append([]byte{helloRefused, byte(len(reason))}, reason...)); err == nil {
		io.CopyN(io.Discard, conn, 4*maxText)
	}
	return why
}

// errSilent marks a connection that ended before it said anything, as the
// probes of load balancers and kubelets do. It is not worth a log line.
var errSilent = errors.New("no hello")

// welcome is the acceptor's half of the hello. conn has a deadline already.
func (m *Mux) welcome(conn net.Conn) (net.Conn, byte, error) {
	if m.opts.TLS != nil {
		session := tls.Server(conn, m.opts.TLS.ServerConfig())
		if err := session.HandshakeContext(m.ctx); err != nil {
			if errors.Is(err, io.EOF) {
				err = errSilent
			}
			return nil, 0, err
		}
		conn = session
	}
	kind, err := m.firstByte(conn)
	if err != nil {
		return nil, 0, err
	}
	cluster, err := readText(conn)
	if err != nil {
		return nil, 0, err
	}
	node, err := readText(conn)
	if err != nil {
		return nil, 0, err
	}
	if err := m.opts.Admit(kind, cluster, node); err != nil {
		return nil, 0, fmt.Errorf("not admitted: %w", refuse(conn, err))
	}
	_, err = conn.Write([]byte{helloAdmitted})
	return conn, kind, err
}

// firstByte returns the first byte of the hello, after the proof where there is to
// be one.
func (m *Mux) firstByte(conn net.Conn) (byte, error) {
	var kind [1]byte
	if _, err := io.ReadFull(conn, kind[:]); err != nil {
		return 0, errSilent
	}
	proves := kind[0] == kindProof
	if proves {
		if err := m.checkProof(conn); err != nil {
			return 0, err
		}
		if _, err := io.ReadFull(conn, kind[:]); err != nil {
			return 0, err
		}
	}
	if kind[0] != KindRaft && kind[0] != KindCall {
		return 0, fmt.Errorf("unknown first byte %#x", kind[0])
	}
	if m.opts.Secrets != nil && !proves {
		if !m.opts.Unproved {
			return 0, refuse(conn, errNoProof)
		}
		m.unproved.Add(1)
	}
	return kind[0], nil
}

// readText reads a length byte and so many bytes, and not one more: what
// follows may be raft's.
func readText(r io.Reader) (string, error) {
	var buf [1 + maxText]byte
	if _, err := io.ReadFull(r, buf[:1]); err != nil {
		return "", err
	}
	text := buf[1 : 1+int(buf[0])]
	if _, err := io.ReadFull(r, text); err != nil {
		return "", err
	}
	return string(text), nil
}
