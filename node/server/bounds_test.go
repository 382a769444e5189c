package server

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/trivetdb/trivet/fsm"
)

// A client that writes a whole pipeline before it reads the first reply gets all
// replies, though neither the requests nor the replies fit into the sockets.
func TestPipelineWrittenBeforeItIsRead(t *testing.T) {
	f := start(t, Options{WriteTimeout: 8 * time.Second})
	w := dial(t, f.redis)
	w.SetDeadline(time.Now().Add(time.Minute))
	const n = 12_000
	line := strings.Repeat("x", 2048)
	w.send(strings.Repeat("ECHO "+line+"\r\n", n))
	for i := range n {
		if got := w.next(); got.Str != line {
			t.Fatalf("reply %d is %.20q", i, got.Str)
		}
	}
	w.ask("PING", "+PONG\r\n")
	if got := f.held.bytes.Load(); got != 0 {
		t.Errorf("%d bytes are held after all was read", got)
	}
}

// Past what is read ahead the connection ends, once nothing was taken for a time.
func TestPipelineWithoutEnd(t *testing.T) {
	f := start(t, Options{WriteTimeout: time.Second})
	w := dial(t, f.redis)
	lines := strings.Repeat("ECHO "+strings.Repeat("x", 16<<10)+"\r\n", 64)
	var err error
	sent := 0
	for ; err == nil && sent < 400<<20; sent += len(lines) {
		_, err = io.WriteString(w, lines)
	}
	if err == nil || sent < maxSentAhead {
		t.Errorf("sent %d bytes: %v", sent, err)
	}
	eventually(t, "the end of the client", func() bool { return f.conns.total() == 0 && f.held.bytes.Load() == 0 })
	if got := f.counts.silent.Load(); got != 1 {
		t.Errorf("%d clients took nothing", got)
	}
}

// What a client has the node hold counts, whatever it is; the largest client is
// ended when there is too much, and others go on.
func TestClientsMemory(t *testing.T) {
	mb := strings.Repeat("x", 1<<20)
	bulk := func(words ...string) string {
		s := fmt.Sprintf("*%d\r\n", len(words))
		for _, word := range words {
			s += fmt.Sprintf("$%d\r\n%s\r\n", len(word), word)
		}
		return s
	}
	for _, c := range []struct{ name, first, again string }{
		{"replies", "", strings.Repeat("GET big\r\n", 8)},
		{"a request", "*2\r\n$4\r\nECHO\r\n$60000000\r\n", mb},
		{"a transaction", "MULTI\r\n", bulk("SET", "k", mb)},
		{"watched keys", "", bulk("WATCH", "k%d", mb)},
		{"channels", "", bulk("SUBSCRIBE", "c%d", mb)},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := start(t, Options{})
			me := dial(t, f.redis)
			me.send(bulk("SET", "big", mb))
			me.expect("+OK\r\n")
			me.ask("CONFIG SET maxmemory-clients 10mb", "+OK\r\n")
			for i := range 6 {
				w := dial(t, f.redis)
				w.send(c.first)
				for j := range 4 {
					if _, err := io.WriteString(w, distinct(c.again, i*10+j)); err != nil {
						break // it is one of those that were ended
					}
				}
			}
			eventually(t, "the end of a client", func() bool { return f.counts.ended[endedByMemory].Load() > 0 })
			eventually(t, "less memory", func() bool { return f.held.bytes.Load() <= 10<<20 })
			me.ask("PING", "+PONG\r\n")
			if got := infoFields(t, me, "INFO stats")["evicted_clients"]; got == "0" {
				t.Errorf("evicted_clients:%s", got)
			}
		})
	}
}

// distinct makes names of one form differ, and keeps their length.
func distinct(text string, i int) string {
	if at := strings.LastIndex(text, "xxxx\r\n"); at > 0 {
		return text[:at] + fmt.Sprintf("%04d", i) + text[at+4:]
	}
	return text
}

// Sixty clients that ask for 8 MB each and read nothing hold no more than clients
// may hold together.
func TestSilentReaders(t *testing.T) {
	f := start(t, Options{ClientMemory: 64 << 20})
	me := dial(t, f.redis)
	me.send("*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$8388608\r\n" + strings.Repeat("x", 8<<20) + "\r\n")
	me.expect("+OK\r\n")
	for range 60 {
		dial(t, f.redis).send("GET big\r\n")
		if got := f.held.bytes.Load(); got > 64<<20+8<<20 {
			t.Fatalf("%d bytes are held", got)
		}
	}
	eventually(t, "the end of most", func() bool { return f.counts.ended[endedByMemory].Load() >= 60-64/8 })
	me.ask("PING", "+PONG\r\n")
}

func TestOutputLimit(t *testing.T) {
	f := start(t, Options{})
	me, w := dial(t, f.redis), dial(t, f.redis)
	me.ask("CONFIG SET client-output-buffer-limit 'normal 100kb 0 0'", "+OK\r\n")
	if got := brief(me.value("CONFIG GET client-output-buffer-limit")); got != "*2 $client-output-buffer-limit $normal 102400 0 0 slave 0 0 0 pubsub 33554432 0 0" {
		t.Error(got)
	}
	me.ask("CONFIG SET client-output-buffer-limit ''", "-ERR CONFIG SET failed (possibly related to argument 'client-output-buffer-limit') - Wrong number of arguments in buffer limit configuration.\r\n")
	me.send("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$200000\r\n" + strings.Repeat("x", 200_000) + "\r\n")
	me.expect("+OK\r\n")
	w.send("GET a\r\n")
	eventually(t, "the end of a client with too large a reply", func() bool { return f.conns.total() == 1 })
	if got := infoFields(t, me, "INFO stats")["client_output_buffer_limit_disconnections"]; got != "1" {
		t.Errorf("client_output_buffer_limit_disconnections:%s", got)
	}
	me.ask("CONFIG SET client-output-buffer-limit 'normal 0 0 0'", "+OK\r\n")
	if got := me.value("GET a"); len(got.Str) != 200_000 {
		t.Errorf("without a limit: %.40q", got.Str)
	}
}

// What everybody may have the node keep is small.
func TestLongNames(t *testing.T) {
	f := start(t, Options{})
	w := dial(t, f.redis)
	long := strings.Repeat("n", maxClientName+1)
	w.ask("CLIENT SETNAME "+long, "-ERR client name is longer than 512 bytes\r\n")
	w.ask("HELLO 2 SETNAME "+long, "-ERR client name is longer than 512 bytes\r\n")
	w.ask("CLIENT SETINFO lib-name "+long, "-ERR lib-name is longer than 512 bytes\r\n")
	w.ask("CLIENT SETINFO LIB-VER "+long, "-ERR lib-ver is longer than 512 bytes\r\n")
	w.ask("CLIENT SETNAME "+long[1:], "+OK\r\n")
	f.counts.failed(strings.Repeat("E", 1<<20))
	for code := range f.counts.codes {
		if len(code) > maxCode {
			t.Errorf("a code of %d bytes is kept", len(code))
		}
	}
	for range 2 * fsm.MaxDenied {
		f.denials.add(refusalOf("u", long), "toplevel", strings.Repeat("c", 1<<20), 3)
		long += "n"
	}
	if got := f.denials.list; len(got) != 3 || len(got[0].client) > maxDeniedWho || len(got[0].Object) > maxDenied {
		t.Errorf("%d denials are kept, the first with %d bytes", len(got), len(got[0].client))
	}
	w.ask("CONFIG SET slowlog-max-len 10001", "-ERR CONFIG SET failed (possibly related to argument 'slowlog-max-len') - argument must be between 0 and 10000 inclusive\r\n")
	w.ask("CONFIG SET acllog-max-len 1001", "-ERR CONFIG SET failed (possibly related to argument 'acllog-max-len') - argument must be between 0 and 1000 inclusive\r\n")
}

// Reads that may be heavy wait for one another; others do not wait for them.
func TestHeavyReadsAreBounded(t *testing.T) {
	f := start(t, Options{})
	for range cap(f.reads) {
		f.reads <- struct{}{}
	}
	heavy, light := dial(t, f.redis), dial(t, f.redis)
	heavy.send("LRANGE l 0 -1\r\n")
	f.awaitCommand("LRANGE")
	light.ask("GET a", "$-1\r\n")
	heavy.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if got, err := heavy.r.Peek(1); err == nil {
		t.Fatalf("a heavy read was answered with %q", got)
	}
	heavy.SetReadDeadline(time.Now().Add(20 * time.Second))
	f.reads.leave()
	heavy.expect("*0\r\n")
	heavy.ask("LRANGE l 0 -1", "*0\r\n") // the slot is free again
	for range cap(f.reads) - 1 {
		f.reads.leave()
	}
	if len(f.reads) != 0 {
		t.Errorf("%d slots are taken", len(f.reads))
	}
}

// A client that goes away while replies wait for it leaves nothing behind.
func TestReaderGoesAway(t *testing.T) {
	f := start(t, Options{})
	me := dial(t, f.redis)
	me.send("*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$1048576\r\n" + strings.Repeat("x", 1<<20) + "\r\n")
	me.expect("+OK\r\n")
	var gone []*wire
	for range 5 {
		w, c := dial(t, f.redis), dial(t, f.classic)
		w.send(strings.Repeat("GET big\r\n", 400))
		c.send(strings.Repeat("+GET big\r\n", 400))
		gone = append(gone, w, c)
	}
	for _, w := range gone {
		w.r.ReadByte()
	}
	time.Sleep(200 * time.Millisecond)
	for _, w := range gone {
		w.Close()
	}
	eventually(t, "the end of the clients", func() bool { return f.conns.total() == 1 })
}
