package server

import (
	"net"
	"testing"
)

func TestLook(t *testing.T) {
	f := start(t, Options{})
	near, far := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}, &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1)}
	w := dial(t, f.redis)
	w.ask("ACL SETUSER joe on >pw +raft|status", "+OK\r\n")
	w.ask("ACL SETUSER jim on >pw +@all -raft", "+OK\r\n")
	check := func(from net.Addr, user, password string, given bool, want Sight) {
		t.Helper()
		if got := f.Look(from, user, password, given); got != want {
			t.Errorf("%v, %q, %q, %v: %v, want %v", from, user, password, given, got, want)
		}
	}
	check(near, "", "", false, Seen)
	check(far, "", "", false, Forbidden) // protected mode
	check(far, "default", "x", true, Forbidden)
	check(far, "joe", "pw", true, Seen)
	check(far, "joe", "x", true, Unknown)
	check(near, "jim", "pw", true, Forbidden)
	check(near, "nobody", "pw", true, Unknown)
	w.ask("CONFIG SET protected-mode no", "+OK\r\n")
	f.Settle(t.Context())
	check(far, "", "", false, Seen)
	w.ask("ACL SETUSER default >secret", "+OK\r\n")
	check(near, "", "", false, Unknown)
	check(near, "", "secret", true, Seen)
	check(far, "default", "secret", true, Seen)
	check(far, "default", "pw", true, Unknown)
}
