package transport

import (
	"context"
	"net"
	"time"
)

// A Network makes connections. Both methods may be called concurrently.
//
// Dial looks addr up anew each time: peers are known by names that stay while
// the address behind them changes. Connections support deadlines, and a Close
// wakes all who wait in Read or Write.
type Network interface {
	Listen(addr string) (net.Listener, error)
	Dial(ctx context.Context, addr string) (net.Conn, error)
}

// peerTimeout is how long the kernel lets sent bytes go without progress
// before it breaks the connection. Without it a black-holed peer would hold
// raft's blocking writes for a quarter of an hour. The kernel counts a peer
// that reads nothing the same way.
const peerTimeout = 5 * time.Second

// keepAlive finds dead peers on connections that have nothing to send.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 3 * time.Second, Interval: time.Second, Count: 3}

// TCP is the real network. The zero value is ready for use.
type TCP struct{}

// Listen opens a TCP port.
func (TCP) Listen(addr string) (net.Listener, error) {
	lc := net.ListenConfig{KeepAliveConfig: keepAlive}
	ln, err := lc.Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, err
	}
	return tcpListener{ln}, nil
}

// Dial connects to addr. It uses Go's own resolver, which keeps no cache.
func (TCP) Dial(ctx context.Context, addr string) (net.Conn, error) {
	d := net.Dialer{KeepAliveConfig: keepAlive, Resolver: &net.Resolver{PreferGo: true}}
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return tune(conn)
}

// A tcpListener tunes what it accepts; socket options are not inherited
// everywhere.
type tcpListener struct{ net.Listener }

func (l tcpListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		// Tuning fails when the peer has already gone: not the listener's fault.
		if conn, err := tune(conn); err == nil {
			return conn, nil
		}
	}
}

func tune(conn net.Conn) (net.Conn, error) {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return conn, nil
	}
	err := tcp.SetNoDelay(true)
	if err == nil {
		err = setUserTimeout(tcp, peerTimeout)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}
