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
	helloAdmitted byte = 0
	helloRefused  byte = 1
)

// maxText is the longest identity or reason: its length is one byte.
const maxText = 255

// A RefusedError says that the peer is there and wants no connection with us,
// for one because it belongs to another cluster.
type RefusedError struct{ Reason string }

func (e *RefusedError) Error() string { return "refused by peer: " + e.Reason }

// dial makes a connection of a kind, up to and including the hello, to the node
// with the identity at addr, or to any that is there where node is empty.
func (m *Mux) dial(ctx context.Context, kind byte, addr, node string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, m.opts.DialTimeout)
	defer cancel()
	defer context.AfterFunc(m.ctx, cancel)()
	if m.ctx.Err() != nil {
		return nil, fmt.Errorf("dial %s: %w", addr, net.ErrClosed)
	}
	raw, err := m.network.Dial(ctx, addr)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", addr, err)
	}
	// From here on the end of ctx shows as a deadline that has passed.
	stop := context.AfterFunc(ctx, func() { raw.SetDeadline(time.Unix(1, 0)) })
	conn, err := m.greet(ctx, raw, kind, addr, node)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		raw.Close()
		if ctx.Err() != nil {
			err = ctx.Err() // says more than the deadline it was made into
		}
		return nil, fmt.Errorf("greet %s: %w", addr, err)
	}
	return conn, nil
}

func (m *Mux) greet(ctx context.Context, conn net.Conn, kind byte, addr, node string) (net.Conn, error) {
	if m.opts.TLS != nil {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		session := tls.Client(conn, m.opts.TLS.ClientConfig(host))
		if err := session.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		conn = session
	}
	hello := []byte{kind}
	for _, text := range []string{m.opts.Cluster(), node} {
		if len(text) > maxText {
			return nil, fmt.Errorf("identity of %d bytes exceeds %d", len(text), maxText)
		}
		hello = append(append(hello, byte(len(text))), text...)
	}
	if _, err := conn.Write(hello); err != nil {
		return nil, err
	}
	var status [1]byte
	if _, err := io.ReadFull(conn, status[:]); err != nil {
		return nil, err
	}
	switch status[0] {
	case helloAdmitted:
		return conn, nil
	case helloRefused:
		reason, err := readText(conn)
		if err != nil {
			return nil, err
		}
		return nil, &RefusedError{Reason: reason}
	}
	return nil, fmt.Errorf("unknown answer %d to hello", status[0])
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
	var kind [1]byte
	if _, err := io.ReadFull(conn, kind[:]); err != nil {
		return nil, 0, errSilent
	}
	if kind[0] != KindRaft && kind[0] != KindCall {
		return nil, 0, fmt.Errorf("unknown first byte %#x", kind[0])
	}
	cluster, err := readText(conn)
	if err != nil {
		return nil, 0, err
	}
	node, err := readText(conn)
	if err != nil {
		return nil, 0, err
	}
	if err := m.opts.Admit(kind[0], cluster, node); err != nil {
		reason := err.Error()
		reason = reason[:min(len(reason), maxText)]
		conn.Write(append([]byte{helloRefused, byte(len(reason))}, reason...))
		return nil, 0, fmt.Errorf("not admitted: %w", err)
	}
	_, err = conn.Write([]byte{helloAdmitted})
	return conn, kind[0], err
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
