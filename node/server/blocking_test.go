package server

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

const nullArray = "*-1\r\n"

// awaitBlocked waits until n clients are known to wait.
func (f *fixture) awaitBlocked(n int) {
	f.t.Helper()
	eventually(f.t, fmt.Sprint(n, " blocked clients"), func() bool {
		f.node.mu.Lock()
		defer f.node.mu.Unlock()
		return len(f.node.queue) == n && f.counts.blocked.Load() == int64(n)
	})
}

func TestBlockingTimeouts(t *testing.T) {
	f := start(t, Options{})
	w := dial(t, f.redis)
	for timeout, line := range map[time.Duration]string{
		time.Millisecond:       "BZPOPMIN z 0.001",
		2 * time.Millisecond:   "BLMPOP 0.0011 1 k LEFT",
		50 * time.Millisecond:  "BLPOP k .05",
		300 * time.Millisecond: "BRPOPLPUSH k l 3e-1",
	} {
		began := time.Now()
		w.ask(line, nullArray)
		if took := time.Since(began); took < timeout || took > timeout+10*time.Second {
			t.Errorf("%s took %v", line, took)
		}
	}
	w.ask("PING", "+PONG\r\n")
	f.awaitBlocked(0)
	if n := len(f.node.groups); n != 4 { // the first attempts; the node here knows no better
		t.Errorf("%d writes", n)
	}
}

func TestBlockingServed(t *testing.T) {
	f := start(t, Options{})
	w, other := dial(t, f.redis), dial(t, f.redis)
	// What came before is answered at once, what comes after it later.
	w.send("SET a 1\r\nBLMOVE q to LEFT RIGHT 0\r\nGET a\r\nBRPOP none to q 0\r\nPING\r\n")
	w.expect("+OK\r\n")
	f.awaitBlocked(1)
	w.send("ECHO after\r\n")
	other.ask("CLIENT LIST ID 1", "$")
	if line, _ := other.r.ReadString('\n'); line == "" {
		t.Fatal("no list")
	}
	if line, _ := other.r.ReadString('\n'); !strings.Contains(line, " flags=b ") || !strings.Contains(line, " cmd=blmove ") {
		t.Errorf("CLIENT LIST: %s", line)
	}
	other.r.ReadString('\n')
	if text := other.value("INFO clients").Str; !strings.Contains(text, "blocked_clients:1\r\n") {
		t.Errorf("INFO: %s", text)
	}
	other.ask("RPUSH q x y", ":2\r\n")
	w.expect("$1\r\nx\r\n$1\r\n1\r\n*2\r\n$2\r\nto\r\n$1\r\nx\r\n+PONG\r\n$5\r\nafter\r\n")
	f.awaitBlocked(0)
	// In a transaction nobody waits.
	for line, want := range map[string]string{"BLPOP q 0": nullArray, "BLMOVE none q LEFT LEFT 0": "$-1\r\n", "BZMPOP 0 1 z MIN": nullArray} {
		w.ask("DEL q", ":")
		w.r.ReadString('\n')
		w.ask("MULTI", "+OK\r\n")
		w.ask(line, "+QUEUED\r\n")
		w.ask("EXEC", "*1\r\n"+want)
	}
}

func TestClientUnblock(t *testing.T) {
	f := start(t, Options{})
	w, other := dial(t, f.redis), dial(t, f.redis)
	id := w.value("CLIENT ID").Int
	unblock := fmt.Sprint("CLIENT UNBLOCK ", id)
	other.ask(unblock, ":0\r\n")
	for how, want := range map[string]string{
		"": nullArray, " timeout": nullArray, " ERROR": "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n",
	} {
		w.send("BLPOP q 0\r\n")
		f.awaitBlocked(1)
		other.ask(unblock+how, ":1\r\n")
		w.expect(want)
		f.awaitBlocked(0)
	}
	other.ask("CLIENT UNBLOCK 999", ":0\r\n")
}

// TestBlockingWithoutLeader has a client wait on while nobody leads, and lose its
// connection where its pop may have happened.
func TestBlockingWithoutLeader(t *testing.T) {
	f := start(t, Options{})
	w, other := dial(t, f.redis), dial(t, f.redis)
	f.node.set(func() { f.node.noLeader = true })
	w.ask("BLPOP q 0.05", nullArray)
	w.send("BLPOP q 0\r\n")
	f.awaitBlocked(1)
	f.node.set(func() { f.node.noLeader = false })
	other.ask("RPUSH q x", ":1\r\n")
	w.expect("*2\r\n$1\r\nq\r\n$1\r\nx\r\n")
	w.send("BLPOP q 0\r\n")
	f.awaitBlocked(1)
	f.node.set(func() {
		f.node.unknown = true
		f.node.queue[0].turn(false)
	})
	w.closed()
	f.awaitBlocked(0)
}

func TestBlockingMoved(t *testing.T) {
	f := start(t, Options{Redirect: true})
	f.node.set(func() { f.node.follows = true })
	w := dial(t, f.redis)
	w.ask("BLPOP q 0", "-MOVED 0 10.0.0.2:6379\r\n")
	f.node.set(func() { f.node.follows = false })
	w.ask("BLPOP q 0.01", nullArray)
}

func TestBlockedClientGoes(t *testing.T) {
	f := start(t, Options{})
	gone, killed, half := dial(t, f.redis), dial(t, f.redis), dial(t, f.redis)
	id := killed.value("CLIENT ID").Int
	for _, w := range []*wire{gone, killed, half} {
		w.send("BLPOP q 0\r\nPING\r\n")
	}
	f.awaitBlocked(3)
	gone.Close()
	half.Conn.(interface{ CloseWrite() error }).CloseWrite()
	f.awaitBlocked(1)
	half.closed()
	dial(t, f.redis).ask(fmt.Sprint("CLIENT KILL ID ", id), ":1\r\n")
	f.awaitBlocked(0)
	killed.closed()
}

// TestBlockedShutdown closes the connections of those who wait: to tell them that
// they are unblocked would end some libraries' workers.
func TestBlockedShutdown(t *testing.T) {
	f := start(t, Options{})
	w, full := dial(t, f.redis), dial(t, f.redis)
	w.send("BLPOP q 10\r\n")
	full.send("BLPOP q 10\r\n")
	f.awaitBlocked(2)
	full.send(strings.Repeat("PING\r\n", 2*maxAhead/6)) // more than is read ahead
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := f.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	w.closed()
	f.awaitBlocked(0)
}

// TestBlockedAhead has a client send more than is read ahead while it waits.
func TestBlockedAhead(t *testing.T) {
	f := start(t, Options{})
	w := dial(t, f.redis)
	const pings = 2 * maxAhead / 6
	began := time.Now()
	w.send("BLPOP q 0.2\r\n" + strings.Repeat("PING\r\n", pings))
	w.expect(nullArray)
	if took := time.Since(began); took < 200*time.Millisecond || took > 10*time.Second {
		t.Errorf("took %v", took)
	}
	w.expect(strings.Repeat("+PONG\r\n", pings))
}
