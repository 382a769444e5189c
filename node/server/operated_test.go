package server

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestWait(t *testing.T) {
	f := start(t, Options{})
	f.node.set(func() { f.node.holders = 1 })
	w, op := dial(t, f.redis), dial(t, f.redis)
	w.ask("SET a 1", "+OK\r\n")
	w.ask("WAIT 1 0", ":1\r\n")
	w.ask("WAIT 0 0", ":1\r\n")
	w.ask("WAIT 2 20", ":1\r\n")
	w.ask("WAITAOF 1 1 0", "*2\r\n:1\r\n:1\r\n")
	w.ask("WAITAOF 2 1 0", "-ERR value is out of range, must be between 0 and 1\r\n")
	w.ask("WAITAOF 1 -1 0", "-ERR value is out of range, must be positive\r\n")
	w.ask("WAITAOF 1 x 0", "-ERR value is not an integer or out of range\r\n")
	w.ask("WAITAOF 1 1 -1", "-ERR timeout is negative\r\n")
	w.ask("MULTI", "+OK\r\n")
	w.ask("WAIT 5 0", "+QUEUED\r\n")
	w.ask("EXEC", "*1\r\n:1\r\n")
	waiting := func() {
		t.Helper()
		eventually(t, "a client that waits", func() bool { return f.counts.blocked.Load() == 1 })
	}
	w.send("WAIT 2 0\r\nPING\r\n")
	waiting()
	f.node.set(func() { f.node.holders = 2 })
	w.expect(":2\r\n+PONG\r\n")
	id := w.value("CLIENT ID").Int
	w.send("WAIT 3 0\r\n")
	waiting()
	op.ask(fmt.Sprint("CLIENT UNBLOCK ", id), ":1\r\n")
	w.expect(":2\r\n")
	w.send("WAIT 3 0\r\n")
	waiting()
	op.ask(fmt.Sprint("CLIENT UNBLOCK ", id, " ERROR"), ":1\r\n")
	w.expect("-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n")
	w.send("WAIT 3 0\r\n")
	waiting()
	w.Close()
	eventually(t, "no client", func() bool { return f.counts.blocked.Load() == 0 && f.conns.total() == 1 })
	op.send("WAIT 3 0\r\n") // Shutdown ends it
	waiting()
}

func TestDebug(t *testing.T) {
	w := dial(t, start(t, Options{}).redis)
	w.ask("SET a 1", "+OK\r\n")
	if got := w.value("DEBUG OBJECT a").Str; !strings.HasPrefix(got, "Value at:0x0 refcount:1 encoding:int serializedlength:") {
		t.Errorf("DEBUG OBJECT: %q", got)
	}
	w.ask("DEBUG ERROR 'FOO \\n'", "-FOO \\n\r\n")
	w.ask("DEBUG ERROR \"FOO \\n\"", "-FOO  \r\n")
	began := time.Now()
	w.send("DEBUG SLEEP 0.1\r\nPING\r\n")
	w.expect("+OK\r\n+PONG\r\n")
	if took := time.Since(began); took < 100*time.Millisecond {
		t.Errorf("it slept for %v", took)
	}
	w.send("DEBUG SLEEP 1e300\r\n")
	w.Close() // is noticed, else Shutdown would wait
}

func TestStop(t *testing.T) {
	f := start(t, Options{})
	asked := func() string {
		f.node.mu.Lock()
		defer f.node.mu.Unlock()
		all := strings.Join(f.node.asked, ",")
		f.node.asked = nil
		return all
	}
	for line, want := range map[string]string{
		"SHUTDOWN": "stop ", "SHUTDOWN NOSAVE": "stop ", "SHUTDOWN save now force": "save ,stop ",
	} {
		w := dial(t, f.redis)
		w.send(line + "\r\n")
		w.closed()
		if got := asked(); got != want {
			t.Errorf("%s asks the node to %q", line, got)
		}
	}
	w := dial(t, f.redis)
	w.ask("FAILOVER", "+OK\r\n")
	w.ask("FAILOVER TO 10.0.0.2 6379 TIMEOUT 100", "+OK\r\n")
	w.ask("FAILOVER TO 10.0.0.2 6379 FORCE", "-ERR FAILOVER with force option requires both a timeout and target HOST and IP.\r\n")
	w.ask("FAILOVER TO 10.0.0.2 6380", "-ERR FAILOVER target HOST and PORT is not a replica.\r\n")
	w.ask("FAILOVER TO 127.0.0.1 6379", "-ERR FAILOVER target HOST and PORT is not a replica.\r\n")
	if got := asked(); got != "transfer ,transfer b-1" {
		t.Errorf("FAILOVER asks the node to %q", got)
	}
	f.node.set(func() { f.node.follows = true })
	w.ask("FAILOVER", "-ERR FAILOVER is not valid when server is a replica.\r\n")
	w.ask("SAVE", "+OK\r\n")
	w.ask("BGSAVE", "+Background saving started\r\n")
	eventually(t, "two snapshots", func() bool {
		return infoFields(t, w, "INFO persistence")["rdb_saves"] == "4" || infoFields(t, w, "INFO persistence")["rdb_saves"] == "3"
	})
	eventually(t, "a third", func() bool { return w.value("BGREWRITEAOF").Str == "Background append only file rewriting started" })
	eventually(t, "its end", func() bool { return f.saves.begin() })
	w.ask("BGREWRITEAOF", "-ERR Background append only file rewriting already in progress\r\n")
	w.ask("BGSAVE SCHEDULE", "-ERR Background save already in progress\r\n")
	w.ask("SAVE", "-ERR Background save already in progress\r\n")
	w.ask("LASTSAVE", fmt.Sprintf(":%d\r\n", f.started.Unix()))
}

func TestMemory(t *testing.T) {
	w := dial(t, start(t, Options{}).redis)
	w.ask("MEMORY PURGE", "+OK\r\n")
	w.ask("SET a 1", "+OK\r\n")
	got := w.value("MEMORY STATS").Elems
	fields := map[string]int64{}
	for i := 0; i < len(got); i += 2 {
		fields[got[i].Str] = got[i+1].Int
	}
	if fields["keys.count"] != 1 || fields["total.allocated"] <= 0 || fields["peak.allocated"] < fields["total.allocated"] {
		t.Errorf("MEMORY STATS: %v", fields)
	}
	for _, line := range []string{"MEMORY DOCTOR", "MEMORY MALLOC-STATS", "LOLWUT", "LOLWUT VERSION 5 4"} {
		if text := w.value(line).Str; !strings.HasSuffix(text, "\n") {
			t.Errorf("%s: %q", line, text)
		}
	}
	if got := texts(w.value("MEMORY HELP")); got[0] != "MEMORY <subcommand> [<arg> [value] [opt] ...]. Subcommands are:" {
		t.Errorf("MEMORY HELP: %v", got)
	}
	w.ask("LOLWUT x", "-ERR value is not an integer or out of range\r\n")
}

func TestInfoCounts(t *testing.T) {
	f := start(t, Options{})
	w := dial(t, f.redis)
	w.send("SET a 1\r\nGET a\r\nGET b\r\nMGET a b c\r\nEXISTS a a\r\nSUBSCRIBE x\r\nUNSUBSCRIBE x\r\n")
	for range 7 {
		w.next()
	}
	got := infoFields(t, w, "INFO")
	for name, want := range map[string]string{
		"keyspace_hits": "4", "keyspace_misses": "3", "connected_slaves": "1", "pubsub_channels": "0",
		"slave0": "ip=10.0.0.2,port=6379,state=online,offset=7,lag=0", "rdb_last_save_time": fmt.Sprint(f.started.Unix()),
		"rdb_bgsave_in_progress": "0", "rdb_last_bgsave_time_sec": "-1", "master_failover_state": "no-failover",
	} {
		if got[name] != want {
			t.Errorf("INFO says %s:%s, want %s", name, got[name], want)
		}
	}
	eventually(t, "a rate", func() bool {
		w.ask("PING", "+PONG\r\n")
		got := infoFields(t, w, "INFO stats")
		return got["instantaneous_ops_per_sec"] != "0" && got["instantaneous_input_kbps"] != "0.00"
	})
}

func TestRates(t *testing.T) {
	var r rates
	at := time.Unix(1000, 0)
	for i := range uint64(30) {
		r.add(tally{at.Add(time.Duration(i) * 100 * time.Millisecond), 10 * i, 100 * i, 1000 * i})
	}
	if c, in, out := r.get(); c != 100 || in != 1000 || out != 10000 || len(r.samples) != rateSamples+1 {
		t.Errorf("%v, %v, %v of %d samples", c, in, out, len(r.samples))
	}
	r.add(tally{at: at.Add(time.Hour)}) // the counts were reset
	if c, _, _ := r.get(); c != 0 {
		t.Errorf("%v", c)
	}
}

// TestShapes has clients in all states that CLIENT LIST tells of.
func TestShapes(t *testing.T) {
	f := start(t, Options{})
	w, other := dial(t, f.redis), dial(t, f.redis)
	field := func(what string) string {
		t.Helper()
		list := other.value("CLIENT LIST ID " + fmt.Sprint(f.conns.list()[0].id)).Str
		for word := range strings.FieldsSeq(list) {
			if name, value, _ := strings.Cut(word, "="); name == what {
				return value
			}
		}
		t.Fatalf("no %s in %q", what, list)
		return ""
	}
	is := func(what, want string) {
		t.Helper()
		if got := field(what); got != want {
			t.Errorf("%s=%s, want %s", what, got, want)
		}
	}
	w.ask("PING", "+PONG\r\n")
	is("flags", "N")
	is("multi", "-1")
	w.ask("MULTI", "+OK\r\n")
	is("multi", "0")
	w.ask("SET a 1", "+QUEUED\r\n")
	is("multi", "1")
	is("flags", "x")
	w.ask("EXEC", "*1\r\n+OK\r\n")
	is("multi", "-1")
	w.ask("CLIENT NO-EVICT on", "+OK\r\n")
	w.ask("CLIENT NO-TOUCH on", "+OK\r\n")
	is("flags", "eT")
	w.ask("CLIENT NO-TOUCH off", "+OK\r\n")
	w.ask("CLIENT NO-EVICT off", "+OK\r\n")
	w.send("SUBSCRIBE a b\r\nPSUBSCRIBE c\r\nSSUBSCRIBE d\r\n")
	for range 4 {
		w.next()
	}
	is("sub", "2")
	is("psub", "1")
	is("ssub", "1")
	is("flags", "P")
	for kind, want := range map[string]int{"pubsub": 1, "normal": 1, "replica": 0, "master": 0} {
		if got := strings.Count(other.value("CLIENT LIST TYPE "+kind).Str, "\n"); got != want {
			t.Errorf("%d clients of type %s", got, kind)
		}
	}
	other.ask("CLIENT KILL TYPE pubsub", ":1\r\n")
	w.closed()
}

func TestTracking(t *testing.T) {
	w := dial(t, start(t, Options{}).redis)
	w.ask("CLIENT TRACKING on", "-ERR client-side caching is not supported by this server\r\n")
	w.ask("CLIENT TRACKING off", "+OK\r\n")
	w.ask("CLIENT GETREDIR", ":-1\r\n")
	w.value("HELLO 3")
	w.ask("CLIENT TRACKINGINFO", "%3\r\n$5\r\nflags\r\n~1\r\n$3\r\noff\r\n$8\r\nredirect\r\n:-1\r\n$8\r\nprefixes\r\n*0\r\n")
}
