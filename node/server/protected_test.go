package server

import (
	"bufio"
	"net"
	"testing"
	"time"

	"github.com/trivetdb/trivet/resp"
)

// remote is a listener whose clients seem to come from another machine.
type remote struct{ net.Listener }

type remoteConn struct{ net.Conn }

func (remoteConn) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(10, 1, 2, 3), Port: 4} }

func (l remote) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return remoteConn{conn}, err
}

func wireOf(t *testing.T, conn net.Conn) *wire {
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	return &wire{t, conn, bufio.NewReader(conn)}
}

// afar lets clients in from another machine, and returns where.
func (f *fixture) afar(classic bool) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.t.Fatal(err)
	}
	go f.Serve(remote{l}, classic)
	return l.Addr().String()
}

func TestProtectedMode(t *testing.T) {
	f := start(t, Options{})
	near, redis, classic := dial(t, f.redis), f.afar(false), f.afar(true)
	refused := func() {
		t.Helper()
		for _, addr := range []string{redis, classic} {
			w := dial(t, addr)
			w.expect(string(errProtected.Append(nil, resp.RESP2)))
			w.closed()
		}
	}
	served := func(ping, pong string) *wire {
		t.Helper()
		c := dial(t, classic)
		c.ask("+"+ping, pong)
		w := dial(t, redis)
		w.ask(ping, pong)
		return w
	}
	refused()
	near.ask("CONFIG GET protected-mode", "*2\r\n$14\r\nprotected-mode\r\n$3\r\nyes\r\n")
	near.ask("CONFIG SET protected-mode no", "+OK\r\n")
	near.ask("CONFIG GET protected-mode", "*2\r\n$14\r\nprotected-mode\r\n$2\r\nno\r\n")
	served("PING", "+PONG\r\n")
	near.ask("CONFIG SET protected-mode yes", "+OK\r\n")
	refused()
	near.ask("ACL SETUSER default on >secret", "+OK\r\n")
	guest := served("PING", "-NOAUTH Authentication required.\r\n")
	in := served("AUTH secret", "+OK\r\n")
	near.ask("ACL SETUSER default nopass", "+OK\r\n")
	refused()
	guest.ask("PING", "-NOAUTH Authentication required.\r\n") // is not let in by the way
	in.ask("PING", "+PONG\r\n")
	near.ask("ACL SETUSER default off", "+OK\r\n")
	served("PING", "-NOAUTH Authentication required.\r\n")
}

func TestProtectedModeOff(t *testing.T) {
	f := start(t, Options{Unprotected: true})
	dial(t, f.afar(false)).ask("PING", "+PONG\r\n")
	dial(t, f.redis).ask("CONFIG GET protected-mode", "*2\r\n$14\r\nprotected-mode\r\n$2\r\nno\r\n")
}

// A node that does not know the users yet does not tell that there is no password.
func TestProtectedModeUnsettled(t *testing.T) {
	f := start(t, Options{})
	behind := make(chan struct{})
	f.node.set(func() { f.node.behind = behind })
	w := dial(t, f.afar(false))
	eventually(t, "a client that waits", func() bool { return f.conns.total() == 1 })
	users, fault := f.people.get().Edit("default", []string{"resetpass", ">secret"}, vocabulary{f.table})
	if fault != "" {
		t.Fatal(fault)
	}
	f.SetUsers(users, nil)
	close(behind)
	w.ask("PING", "-NOAUTH Authentication required.\r\n")
}
