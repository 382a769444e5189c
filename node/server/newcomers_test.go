package server

import (
	"context"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/trivetdb/trivet/fsm/acl"
)

func refusalOf(user, object string) acl.Refusal {
	return acl.Refusal{User: user, Reason: acl.DeniedKey, Object: object}
}

// Connections that say nothing, or not who they are, end after a time.
func TestNewcomersHaveATime(t *testing.T) {
	f := start(t, Options{Password: "secret", GuestTime: 300 * time.Millisecond})
	silent, guest, in := dial(t, f.redis), dial(t, f.classic), dial(t, f.redis)
	in.ask("AUTH secret", "+OK\r\n")
	guest.ask("+PING", "-NOAUTH Authentication required.\r\n")
	silent.closed()
	guest.closed()
	in.ask("PING", "+PONG\r\n")
	if got := f.counts.ended[endedAsNewcomer].Load(); got != 2 {
		t.Errorf("%d newcomers were ended", got)
	}
}

// Where connections that say nothing have taken all places, a client still gets in.
func TestNewcomersMakeRoom(t *testing.T) {
	f := start(t, Options{MaxClients: 4})
	in := dial(t, f.redis)
	in.ask("PING", "+PONG\r\n")
	for range 6 {
		dial(t, f.redis)
	}
	time.Sleep(newcomerGrace + 50*time.Millisecond)
	for range 3 {
		w := dial(t, f.redis)
		w.ask("PING", "+PONG\r\n")
	}
	in.ask("PING", "+PONG\r\n")
	w := dial(t, f.redis)
	w.expect("-ERR max number of clients reached\r\n")
}

// An operator gets in by the socket in the data directory, though clients have
// taken all places.
func TestOperatorsPlace(t *testing.T) {
	f := start(t, Options{MaxClients: 1})
	dial(t, f.redis).ask("PING", "+PONG\r\n")
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Skip(err)
	}
	go f.Serve(l, false)
	conn, err := (&net.Dialer{}).DialContext(context.Background(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	w := wireOf(t, conn)
	w.ask("PING", "+PONG\r\n")
	w.ask("CLIENT KILL TYPE normal", ":1\r\n")
	eventually(t, "a free place", func() bool { return f.conns.total() == 1 })
	dial(t, f.redis).ask("PING", "+PONG\r\n")
}
