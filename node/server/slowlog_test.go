package server

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/resp"
)

// texts returns the strings of a list.
func texts(v resp.Value) []string {
	var list []string
	for _, e := range v.Elems {
		list = append(list, e.Str)
	}
	return list
}

func TestSlowlog(t *testing.T) {
	f := start(t, Options{})
	w := dial(t, f.redis)
	w.ask("SLOWLOG GET", "*0\r\n")
	w.ask("CLIENT SETNAME bob", "+OK\r\n")
	f.config("slowlog-log-slower-than", 0)
	w.ask("slowlog reset", "+OK\r\n")
	w.send("set a 1\r\nset b 2\r\nset c 3\r\nget a\r\n")
	w.expect("+OK\r\n+OK\r\n+OK\r\n$1\r\n1\r\n")
	w.ask("MULTI", "+OK\r\n")
	w.ask("INCR a", "+QUEUED\r\n")
	w.ask("PING", "+QUEUED\r\n")
	w.ask("INCR a", "+QUEUED\r\n")
	w.ask("EXEC", "*3\r\n:2\r\n+PONG\r\n:3\r\n")
	w.ask("AUTH x y", "-WRONGPASS invalid username-password pair or user is disabled.\r\n")
	f.config("slowlog-log-slower-than", -1)
	w.ask("PING", "+PONG\r\n")
	var got []string
	entries := w.value("SLOWLOG GET -1").Elems
	for i, e := range entries {
		if len(e.Elems) != 6 || e.Elems[0].Int != int64(len(entries)-i) || time.Since(time.Unix(e.Elems[1].Int, 0)) > time.Hour ||
			e.Elems[2].Int < 0 || e.Elems[4].Str != w.LocalAddr().String() || e.Elems[5].Str != "bob" {
			t.Errorf("an entry: %v", e)
		}
		got = append(got, strings.Join(texts(e.Elems[3]), " "))
	}
	want := "AUTH (redacted) (redacted)|INCR a ... (1 more commands)|MULTI|get a|SET a 1 ... (2 more commands)|slowlog reset"
	if text := strings.Join(got, "|"); text != want {
		t.Errorf("SLOWLOG GET: %q, want %q", text, want)
	}
	w.ask("SLOWLOG LEN", ":6\r\n")
	if got := w.value("SLOWLOG GET 2"); len(got.Elems) != 2 || got.Elems[0].Elems[0].Int != 6 {
		t.Errorf("SLOWLOG GET 2: %v", got)
	}
	f.config("slowlog-max-len", 3)
	f.config("slowlog-log-slower-than", 0)
	w.ask("PING", "+PONG\r\n")
	w.ask("SLOWLOG LEN", ":3\r\n")
	w.ask("SLOWLOG RESET", "+OK\r\n")
	w.ask("SLOWLOG LEN", ":1\r\n") // the RESET itself
}

func TestSlowArgs(t *testing.T) {
	args := [][]byte{[]byte("MSET"), bytes.Repeat([]byte("x"), 130)}
	for i := range 40 {
		args = append(args, fmt.Append(nil, i))
	}
	got := slowArgs(args, 0)
	if len(got) != 32 || got[1] != strings.Repeat("x", 128)+"... (2 more bytes)" || got[30] != "28" || got[31] != "... (11 more arguments)" {
		t.Errorf("got %q", got)
	}
	if got := slowArgs(args[:2], 0); len(got) != 2 {
		t.Errorf("got %q", got)
	}
}

// TestSlowTimes has commands that wait: DEBUG SLEEP is slow, as in Redis; WAIT and
// BRPOP are not.
func TestSlowTimes(t *testing.T) {
	f := start(t, Options{})
	w := dial(t, f.redis)
	f.config("slowlog-log-slower-than", 2_000_000)
	waits, pops := dial(t, f.redis), dial(t, f.redis)
	w.send("DEBUG SLEEP 2.1\r\n")
	waits.send("WAIT 1 2500\r\n")
	pops.send("BRPOP nothing 2.5\r\n")
	w.expect("+OK\r\n")
	waits.expect(":0\r\n")
	pops.expect("*-1\r\n")
	got := w.value("SLOWLOG GET").Elems
	if len(got) != 1 || strings.Join(texts(got[0].Elems[3]), " ") != "DEBUG SLEEP 2.1" || got[0].Elems[2].Int < 2_100_000 {
		t.Errorf("SLOWLOG GET: %v", got)
	}
}

func TestRedacted(t *testing.T) {
	table := newTable()
	for line, want := range map[string]string{
		"AUTH a":                     "AUTH (redacted)",
		"HELLO 3 AUTH a b SETNAME c": "HELLO 3 AUTH (redacted) (redacted) SETNAME c",
		"HELLO 3 AUTH a":             "HELLO 3 AUTH (redacted)",
		"GET auth":                   "GET auth",
	} {
		args := bytes.Fields([]byte(line))
		if got := string(bytes.Join(redacted(table.find(args[0], false), args), []byte(" "))); got != want {
			t.Errorf("%s: %s", line, got)
		}
	}
	for line, want := range map[string]string{
		"CONFIG SET requirepass a maxmemory 100 masterauth": "CONFIG SET requirepass (redacted) maxmemory 100 masterauth",
		"ACL SETUSER bob on >secret":                        "ACL SETUSER (redacted) (redacted) (redacted)",
	} {
		args := bytes.Fields([]byte(line))
		r := &row{Spec: &fsm.Spec{Name: string(args[0]) + "|" + string(args[1])}}
		if got := string(bytes.Join(redacted(r, args), []byte(" "))); got != want {
			t.Errorf("%s: %s", line, got)
		}
	}
}

func TestLatency(t *testing.T) {
	f := start(t, Options{})
	w := dial(t, f.redis)
	f.Delayed(EventSync, time.Hour) // not watched yet
	w.ask("LATENCY LATEST", "*0\r\n")
	if got := w.value("LATENCY DOCTOR").Str; !strings.Contains(got, "latency-monitor-threshold") {
		t.Errorf("LATENCY DOCTOR: %q", got)
	}
	f.config("latency-monitor-threshold", 100)
	w.value("LATENCY DOCTOR")
	f.Delayed(EventSync, 99*time.Millisecond)
	f.latency.add(EventSync, sample{1000, 150})
	f.latency.add(EventSync, sample{1000, 120})
	f.latency.add(EventSync, sample{1002, 130})
	w.ask("LATENCY LATEST", "*1\r\n*4\r\n$16\r\naof-fsync-always\r\n:1002\r\n:130\r\n:150\r\n")
	w.ask("LATENCY HISTORY aof-fsync-always", "*2\r\n*2\r\n:1000\r\n:150\r\n*2\r\n:1002\r\n:130\r\n")
	w.ask("DEBUG SLEEP 0.2", "+OK\r\n")
	w.ask("LATENCY HISTORY nothing", "*0\r\n")
	if got := w.value("LATENCY HISTORY command"); len(got.Elems) == 0 || got.Elems[0].Elems[1].Int < 200 {
		t.Errorf("LATENCY HISTORY: %v", got)
	}
	if got := w.value("LATENCY DOCTOR").Str; !strings.Contains(got, "aof-fsync-always: 2 seconds with delays (average 140ms, mean deviation 10ms, period 1.00 sec). Worst all time event 150ms.") {
		t.Errorf("LATENCY DOCTOR: %q", got)
	}
	graph := w.value("LATENCY GRAPH aof-fsync-always").Str
	if !strings.HasPrefix(graph, "aof-fsync-always - high 150 ms, low 130 ms (all time high 150 ms)\n----") || !strings.Contains(graph, "\n# \n| \n| \n|#\n") {
		t.Errorf("LATENCY GRAPH: %q", graph)
	}
	w.ask("LATENCY RESET nothing aof-fsync-always", ":1\r\n")
	w.ask("LATENCY RESET", ":1\r\n")
	w.ask("LATENCY GRAPH command", "-ERR No samples available for event 'command'\r\n")
	for i := range int64(200) {
		f.latency.add(EventApply, sample{i, i + 1})
	}
	if got := w.value("LATENCY HISTORY apply"); len(got.Elems) != 160 || got.Elems[0].Elems[0].Int != 40 {
		t.Errorf("LATENCY HISTORY: %v", got)
	}
}

func TestHistogram(t *testing.T) {
	var h histogram
	for _, d := range []time.Duration{0, time.Nanosecond, 1023, 1024, 1151, 1152, time.Millisecond, time.Second, 34 * time.Second, time.Hour, 1 << 62} {
		b := bucketOf(d)
		if b < 0 || b >= len(h.buckets) || d > upTo(b) && b < len(h.buckets)-1 || b > 0 && d <= upTo(b-1) && d > 1024 {
			t.Errorf("%v is in bucket %d, up to %v", d, b, upTo(b))
		}
		h.add(d)
	}
	for i := 1; i < len(h.buckets); i++ {
		if bucketOf(upTo(i-1)+1) != i || bucketOf(upTo(i)) != i {
			t.Errorf("bucket %d ends at %v", i, upTo(i))
		}
	}
	if h.total() != 11 || h.percentile(100) != upTo(len(h.buckets)-1) || h.percentile(1) != upTo(0) {
		t.Errorf("%d, %v, %v", h.total(), h.percentile(100), h.percentile(1))
	}
	f := start(t, Options{})
	w := dial(t, f.redis)
	w.ask("HELLO 3 SETNAME a b", "-ERR Syntax error in HELLO option 'b'\r\n")
	w.value("HELLO 3")
	w.ask("SET a 1", "+OK\r\n")
	w.value("CLIENT ID")
	w.value("CLIENT INFO")
	got := w.value("LATENCY HISTOGRAM set client nosuch get")
	if got.Kind != resp.Map || len(got.Elems) != 6 || got.Elems[0].Str != "set" || got.Elems[2].Str != "client|id" || got.Elems[4].Str != "client|info" {
		t.Fatalf("LATENCY HISTOGRAM: %v", got)
	}
	set := got.Elems[1].Elems
	if set[0].Str != "calls" || set[1].Int != 1 || set[2].Str != "histogram_usec" || len(set[3].Elems) != 2 || set[3].Elems[1].Int != 1 {
		t.Errorf("of SET: %v", set)
	}
	if got := w.value("LATENCY HISTOGRAM"); len(got.Elems) != 10 { // with HELLO, and LATENCY HISTOGRAM itself
		t.Errorf("LATENCY HISTOGRAM: %v", got)
	}
	if got := infoFields(t, w, "INFO latencystats"); !strings.HasPrefix(got["latency_percentiles_usec_set"], "p50=") {
		t.Errorf("INFO: %v", got)
	}
	w.ask("CONFIG RESETSTAT", "+OK\r\n")
	w.ask("LATENCY HISTOGRAM set", "%0\r\n")
}

// config sets a parameter, by another client.
func (f *fixture) config(name string, value int) {
	dial(f.t, f.redis).ask(fmt.Sprintf("CONFIG SET %s %d", name, value), "+OK\r\n")
}
