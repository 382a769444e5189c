package server

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/trivetdb/trivet/resp"
)

var timestamp = regexp.MustCompile(`^[0-9]{10}\.[0-9]{6} \[`)

// seen reads what a monitor is shown, without the time and the address.
func (w *wire) seen(of *wire) string {
	w.t.Helper()
	v := w.next()
	line := strings.Replace(v.Str, of.LocalAddr().String(), "addr", 1)
	if v.Kind != resp.Simple || !timestamp.MatchString(line) {
		w.t.Fatalf("a monitor sees %v", v)
	}
	_, line, _ = strings.Cut(line, " ")
	return line
}

func TestMonitor(t *testing.T) {
	f := start(t, Options{})
	m, w := dial(t, f.redis), dial(t, f.redis)
	w.ask("PING", "+PONG\r\n")
	m.ask("MONITOR", "+OK\r\n")
	w.send("SET a 1\r\nINCR a\r\nGET a\r\n")
	w.expect("+OK\r\n:2\r\n$1\r\n2\r\n")
	for _, want := range []string{`[0 addr] "SET" "a" "1"`, `[0 addr] "INCR" "a"`, `[0 addr] "GET" "a"`} {
		if got := m.seen(w); got != want {
			t.Errorf("a monitor sees %s, want %s", got, want)
		}
	}
	m.ask("GET a", "-ERR Replica can't interact with the keyspace\r\n")
	m.ask("SET a 1", "-ERR Replica can't interact with the keyspace\r\n")
	if got := w.value("CLIENT LIST").Str; !strings.Contains(got, " flags=O ") {
		t.Errorf("CLIENT LIST: %s", got)
	}
	m.send("PING\r\n")
	if a, b := m.next(), m.next(); a.Str != "PONG" && b.Str != "PONG" {
		t.Errorf("PING: %v, %v", a, b)
	}
	m.send("MONITOR\r\nRESET\r\n")
	for m.next().Str != "RESET" {
	}
	w.ask("ECHO x", "$1\r\nx\r\n")
	m.send("PING\r\n")
	for v := m.next(); v.Str != "PONG"; v = m.next() { // RESET itself may come late
		if !strings.Contains(v.Str, `"RESET"`) {
			t.Errorf("who monitors no longer sees %v", v)
		}
	}
	if n := f.monitors.count.Load(); n != 0 {
		t.Errorf("%d monitors", n)
	}
	m.ask("SET a 1", "+OK\r\n")
	m.ask("MONITOR", "+OK\r\n")
	m.Close()
	eventually(t, "no monitor", func() bool { return f.monitors.count.Load() == 0 })
	w.Close()
	c := dial(t, f.classic)
	m = dial(t, f.redis)
	m.ask("MONITOR", "+OK\r\n")
	c.send("+SET k v\r\n")
	c.next()
	if got := m.seen(c); got != `[0 addr] "SET" "k" "v"` {
		t.Errorf("of a classic client a monitor sees %s", got)
	}
	c.send("+ECHO " + strings.Repeat("x", maxShownLine) + "\r\n")
	c.next()
	if got := m.seen(c); len(got) > maxShownLine+100 || !strings.HasSuffix(got, `x" ...`) {
		t.Errorf("of a long command a monitor sees %d bytes", len(got))
	}
}

// TestSlowMonitor has a monitor that does not read: it is given up, and nobody
// waits for it.
func TestSlowMonitor(t *testing.T) {
	f := start(t, Options{})
	m, w := dial(t, f.redis), dial(t, f.redis)
	m.ask("MONITOR", "+OK\r\n")
	w.SetDeadline(time.Now().Add(2 * time.Minute))
	text := strings.Repeat("x", 5<<20)
	for range 20 {
		w.send(fmt.Sprintf("*2\r\n$6\r\nEXISTS\r\n$%d\r\n%s\r\n", len(text), text))
		w.expect(":0\r\n")
	}
	eventually(t, "the monitor is given up", func() bool { return f.monitors.count.Load() == 0 })
}

func TestReplies(t *testing.T) {
	f := start(t, Options{})
	w := dial(t, f.redis)
	w.send("CLIENT REPLY SKIP\r\nSET a 1\r\nSET b 2\r\nSET c 3\r\n")
	w.expect("+OK\r\n+OK\r\n")
	w.send("CLIENT REPLY SKIP\r\nNOSUCH\r\nGET a\r\n")
	w.expect("$1\r\n1\r\n")
	w.send("CLIENT REPLY OFF\r\nSET a 2\r\nGET a\r\nCLIENT REPLY SKIP\r\nPING\r\nNOSUCH\r\nCLIENT REPLY ON\r\nGET a\r\n")
	w.expect("+OK\r\n$1\r\n2\r\n")
	w.send("CLIENT REPLY OFF\r\nSUBSCRIBE x\r\nPUBLISH x y\r\nUNSUBSCRIBE\r\nRESET\r\nPING\r\n")
	w.expect("*3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:1\r\n*3\r\n$11\r\nunsubscribe\r\n$1\r\nx\r\n:0\r\n+RESET\r\n+PONG\r\n")
	w.ask("CLIENT REPLY maybe", "-ERR syntax error\r\n")
	w.send("MULTI\r\nCLIENT REPLY OFF\r\nSET a 3\r\nEXEC\r\nCLIENT REPLY ON\r\nGET a\r\n")
	w.expect("+OK\r\n+QUEUED\r\n+QUEUED\r\n+OK\r\n$1\r\n3\r\n")
}

func TestPause(t *testing.T) {
	f := start(t, Options{})
	op, w := dial(t, f.redis), dial(t, f.redis)
	w.ask("SET a 1", "+OK\r\n")
	op.ask("CLIENT PAUSE 1000000 WRITE", "+OK\r\n")
	w.ask("GET a", "$1\r\n1\r\n")
	w.ask("MULTI", "+OK\r\n")
	w.ask("GET a", "+QUEUED\r\n")
	w.ask("EXEC", "*1\r\n$1\r\n1\r\n")
	w.send("GET a\r\nSET a 2\r\nGET a\r\n")
	w.expect("$1\r\n1\r\n")
	f.awaitCommand("SET")
	eventually(t, "a client that is held back", func() bool { return f.counts.blocked.Load() == 1 })
	list := op.value("CLIENT LIST").Str
	if !strings.Contains(list, " flags=b ") {
		t.Errorf("CLIENT LIST: %s", list)
	}
	op.ask(fmt.Sprint("CLIENT UNBLOCK ", f.conns.list()[1].id), ":0\r\n")
	op.ask("GET a", "$1\r\n1\r\n")
	op.ask("CLIENT UNPAUSE", "+OK\r\n")
	w.expect("+OK\r\n$1\r\n2\r\n")

	op.ask("CLIENT PAUSE 1000000", "+OK\r\n")
	op.ask("CLIENT UNPAUSE", "+OK\r\n")
	began := time.Now()
	op.ask("CLIENT PAUSE 100 WRITE", "+OK\r\n")
	w.ask("SET a 3", "+OK\r\n")
	if took := time.Since(began); took < 100*time.Millisecond {
		t.Errorf("SET was held back for %v", took)
	}
	op.ask("CLIENT PAUSE 1000000 ALL", "+OK\r\n")
	w.send("PING\r\n")
	eventually(t, "a client that is held back", func() bool { return f.counts.blocked.Load() == 1 })
	w.Close() // is noticed
	eventually(t, "no client is held back", func() bool { return f.counts.blocked.Load() == 0 && f.conns.total() == 1 })
	op.send("PING\r\n") // Shutdown ends it
}

// TestPauseGrows begins pauses while there is one.
func TestPauseGrows(t *testing.T) {
	var p pause
	now := time.Now()
	b := &blocked{wake: make(chan struct{}, 1)}
	p.begin(now.Add(time.Hour), true)
	p.begin(now.Add(time.Minute), false)
	if !p.hold(b, false) || !b.until.Equal(now.Add(time.Hour)) {
		t.Errorf("until %v", b.until)
	}
	p.end()
	if b.next != turn || p.on.Load() {
		t.Error("who is held back was not told")
	}
	p.release(b)
	p.begin(now.Add(-time.Second), true)
	if p.hold(b, true) || p.on.Load() {
		t.Error("a pause that is over holds back")
	}
	p.begin(now.Add(time.Hour), false)
	if p.hold(b, false) || !p.hold(b, true) {
		t.Error("a pause of writes")
	}
}
