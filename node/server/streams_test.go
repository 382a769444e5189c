package server

import (
	"fmt"
	"testing"
)

func TestXReadWaits(t *testing.T) {
	f := start(t, Options{})
	w, other := dial(t, f.redis), dial(t, f.redis)
	other.ask("XADD s 5-1 f v", "$3\r\n5-1\r\n")
	w.ask("XREAD BLOCK 0 STREAMS s 5", "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n5-1\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n")
	w.ask("XREAD BLOCK 20 STREAMS s 5-1", nullArray)
	w.ask("XREAD STREAMS s 5-1", nullArray)
	groups := len(f.node.groups)
	w.send("XREAD BLOCK 0 STREAMS t s $ $\r\nPING\r\n")
	f.awaitBlocked(1)
	if n := len(f.node.groups) - groups; n != 0 {
		t.Errorf("%d writes", n)
	}
	f.node.mu.Lock()
	linear := f.node.linearizable[len(f.node.linearizable)-3:]
	f.node.mu.Unlock()
	if fmt.Sprint(linear) != "[true true false]" { // two last IDs, the first attempt
		t.Errorf("linearizable reads: %v", linear)
	}
	other.ask("XADD s 6 f v", "$3\r\n6-0\r\n")
	entry := "*1\r\n*2\r\n$3\r\n6-0\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n"
	w.expect("*1\r\n*2\r\n$1\r\ns\r\n" + entry + "+PONG\r\n")
	f.awaitBlocked(0)
	// A map in RESP3.
	w.value("HELLO 3")
	w.ask("XREAD BLOCK 0 STREAMS s 5-1", "%1\r\n$1\r\ns\r\n"+entry)
	other.ask("XGROUP CREATE s g 5-1", "+OK\r\n")
	w.ask("XREADGROUP GROUP g c BLOCK 0 STREAMS s >", "%1\r\n$1\r\ns\r\n"+entry)
	w.ask("XREADGROUP GROUP g c BLOCK 20 STREAMS s >", "_\r\n")
	w.ask("XREAD BLOCK 20 STREAMS s $", "_\r\n")
}

func TestXReadGroupWaits(t *testing.T) {
	f := start(t, Options{})
	w, other := dial(t, f.redis), dial(t, f.redis)
	other.ask("XGROUP CREATE s g $ MKSTREAM", "+OK\r\n")
	entry := "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n6-0\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n"
	w.send("XREADGROUP GROUP g c BLOCK 0 STREAMS s >\r\n")
	f.awaitBlocked(1)
	other.ask("XADD s 6 f v", "$3\r\n6-0\r\n")
	w.expect(entry)
	w.ask("XREADGROUP GROUP g c STREAMS s >", nullArray)
	w.send("XREADGROUP GROUP g c BLOCK 0 STREAMS s >\r\n")
	f.awaitBlocked(1)
	other.ask("XGROUP DESTROY s g", ":1\r\n")
	w.expect("-NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option\r\n")
	f.awaitBlocked(0)
	// In a transaction nobody waits.
	w.ask("MULTI", "+OK\r\n")
	w.ask("XREAD BLOCK 0 STREAMS s $", "+QUEUED\r\n")
	w.ask("XGROUP CREATE s g $", "+QUEUED\r\n")
	w.ask("XREADGROUP GROUP g c BLOCK 0 STREAMS s >", "+QUEUED\r\n")
	w.ask("EXEC", "*3\r\n*-1\r\n+OK\r\n*-1\r\n")
}

func TestXReadUnblocked(t *testing.T) {
	f := start(t, Options{})
	w, other := dial(t, f.redis), dial(t, f.redis)
	other.ask("XGROUP CREATE s g $ MKSTREAM", "+OK\r\n")
	id := w.value("CLIENT ID").Int
	for _, line := range []string{"XREAD BLOCK 0 STREAMS s $", "XREADGROUP GROUP g c BLOCK 0 STREAMS s >"} {
		for how, want := range map[string]string{"": nullArray, " ERROR": "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n"} {
			w.send(line + "\r\n")
			f.awaitBlocked(1)
			other.ask(fmt.Sprint("CLIENT UNBLOCK ", id, how), ":1\r\n")
			w.expect(want)
			f.awaitBlocked(0)
		}
	}
}

// TestXReadAnywhere has a follower that redirects answer XREAD itself.
func TestXReadAnywhere(t *testing.T) {
	f := start(t, Options{Redirect: true})
	w := dial(t, f.redis)
	w.ask("XGROUP CREATE s g $ MKSTREAM", "+OK\r\n")
	f.node.set(func() { f.node.follows = true })
	w.ask("XREAD BLOCK 10 STREAMS s $", nullArray)
	w.ask("XREADGROUP GROUP g c BLOCK 0 STREAMS s >", "-MOVED 0 10.0.0.2:6379\r\n")
	f.node.set(func() { f.node.noLeader = true })
	w.ask("XREAD BLOCK 10 STREAMS s $", nullArray)
}
