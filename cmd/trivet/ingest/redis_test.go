package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/trivetdb/trivet/fsm/rdb"
	"github.com/trivetdb/trivet/resp"
	"github.com/trivetdb/trivet/test/cluster"
)

const hangUp = "(hang up)"

// serve is a Redis that answers to a command what answer returns, byte for byte,
// and hangs up after what ends with hangUp.
func serve(t *testing.T, answer func(command string) string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				r := resp.NewReader(conn, resp.DefaultLimits)
				for {
					v, err := r.ReadValue()
					if err != nil {
						return
					}
					var command []string
					for _, e := range v.Elems {
						command = append(command, e.Str)
					}
					reply := answer(strings.Join(command, " "))
					reply, last := strings.CutSuffix(reply, hangUp)
					if _, err := io.WriteString(conn, reply); err != nil || last {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

func origin(t *testing.T, url string) *Origin {
	t.Helper()
	o, err := ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func bulk(s string) string { return fmt.Sprintf("$%d\r\n%s\r\n", len(s), s) }

// scripted answers from a table, else with an error.
func scripted(replies map[string]string) func(string) string {
	return func(command string) string {
		name, rest, _ := strings.Cut(command, " ")
		command = strings.ToUpper(name) + " " + rest
		if reply, ok := replies[command]; ok {
			return reply
		}
		return "-ERR unknown command\r\n"
	}
}

// TestFetch takes what Redis sends to a replica, with its length or a mark.
func TestFetch(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	data, err := os.ReadFile(save(t, "", rdb.Key{Name: "a", Value: text(strings.Repeat("v", 1<<20))}, rdb.Key{DB: 1, Name: "b", Value: text("v")}))
	if err != nil {
		t.Fatal(err)
	}
	mark := strings.Repeat("0123456789", 4)
	for name, reply := range map[string]string{
		"length": fmt.Sprintf("\n\n+FULLRESYNC x 0\r\n\n\n$%d\r\n%s*1\r\n$4\r\nPING\r\n", len(data), data),
		"mark":   "+FULLRESYNC x 0\r\n$EOF:" + mark + "\r\n" + string(data) + mark,
	} {
		t.Run(name, func(t *testing.T) {
			addr := serve(t, scripted(map[string]string{"AUTH joe secret": "+OK\r\n", "PSYNC ? -1": reply}))
			var said bytes.Buffer
			p := &Progress{Out: &said, Terminal: true}
			s, err := origin(t, "redis://joe:secret@"+addr).Open(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			records, err := readAll(t, s)
			if err != nil || len(records) != 2 || records[1].Key != "b" || records[1].DB != 1 {
				t.Errorf("%d records, %v", len(records), err)
			}
			if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 0 {
				t.Errorf("left: %v, %v", left, err)
			}
		})
	}
	for name, c := range map[string]struct {
		replies map[string]string
		want    string
	}{
		"cut off":        {map[string]string{"PSYNC ? -1": fmt.Sprintf("+FULLRESYNC x 0\r\n$%d\r\n%s"+hangUp, len(data)+5, data)}, "Redis stopped after"},
		"wrong password": {map[string]string{"AUTH joe secret": "-WRONGPASS no\r\n"}, "log in to Redis: WRONGPASS no"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.replies["AUTH joe secret"] == "" {
				c.replies["AUTH joe secret"] = "+OK\r\n"
			}
			addr := serve(t, scripted(c.replies))
			_, err := origin(t, "redis://joe:secret@"+addr).Open(t.Context(), &Progress{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v", err)
			}
			if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 0 {
				t.Errorf("left: %v, %v", left, err)
			}
		})
	}
	if _, err := origin(t, "redis://127.0.0.1:1").Open(t.Context(), &Progress{}); err == nil || !strings.Contains(err.Error(), "connect to Redis") {
		t.Errorf("nobody there: %v", err)
	}
}

// awkward are the replies of a Redis that refuses to be copied, that answers a name
// twice, and has keys that go away.
func awkward() map[string]string {
	page := func(cursor string, names ...string) string {
		return string(resp.List(resp.Str(cursor), resp.Strs(names...)).Append(nil, resp.RESP2))
	}
	v := text("v")
	dump := bulk(string(rdb.AppendDump(nil, &v)))
	return map[string]string{
		"PSYNC ? -1": "-NOPERM no\r\n", "SELECT 5": "+OK\r\n",
		"DBSIZE ": ":5\r\n", "INFO keyspace": bulk("# Keyspace\r\ndb0:keys=4,expires=1,avg_ttl=1\r\ndb5:keys=1,expires=0,avg_ttl=0\r\n"),
		"SCAN 0 count 1000":  page("17", "a", "b"),
		"SCAN 17 count 1000": page("18"),
		"SCAN 18 count 1000": page("0", "b", "gone", "c", "odd", "a"),
		"DUMP a":             dump,
		"DUMP b":             dump,
		"DUMP c":             dump,
		"DUMP gone":          "$-1\r\n",
		"DUMP odd":           "-ERR odd\r\n",
		"PTTL a":             ":-1\r\n",
		"PTTL b":             ":60000\r\n",
		"PTTL c":             ":-2\r\n",
		"PTTL gone":          ":-2\r\n",
		"PTTL odd":           ":-1\r\n",
		"FUNCTION dump":      "-NOPERM no functions\r\n",
	}
}

// TestScan reads key by key.
func TestScan(t *testing.T) {
	replies := awkward()
	var said bytes.Buffer
	now := time.Now().UnixMilli()
	s, err := origin(t, "redis://"+serve(t, scripted(replies))).Open(t.Context(), &Progress{Out: &said})
	if err != nil {
		t.Fatal(err)
	}
	records, err := readAll(t, s)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(said.String(), "(NOPERM no)") {
		t.Errorf("said %q", said.String())
	}
	shown := ""
	for _, r := range records {
		shown += fmt.Sprintf("%d %q %d %s%s\n", r.DB, r.Key, len(r.Payload), r.Skip, r.Fault)
		if left := r.ExpireAt - now; r.Key == "b" && (left < 60_000 || left > 120_000) || r.Key != "b" && r.ExpireAt != 0 {
			t.Errorf("%s expires at %d", r.Key, r.ExpireAt)
		}
	}
	of := func(db int) string {
		return strings.ReplaceAll(`# "a" 13 
# "b" 13 
# "gone" 0 deleted or expired while it was read
# "c" 0 deleted or expired while it was read
# "odd" 0 DUMP and PTTL: ERR odd
`, "#", fmt.Sprint(db))
	}
	if want := "-1 \"\" 0 FUNCTION DUMP: NOPERM no functions\n" + of(0) + of(5); shown != want {
		t.Errorf("got\n%s\nwant\n%s", shown, want)
	}
	if s.Done() != 1 {
		t.Errorf("done: %v", s.Done())
	}
	// A connection that ends is not the end of the keys.
	replies["SCAN 18 count 1000"] = hangUp
	s, err = origin(t, "redis://"+serve(t, scripted(replies))+"/5").Open(t.Context(), &Progress{})
	if err != nil {
		t.Fatal(err)
	}
	n := cluster.Start(t, 1).Nodes[0]
	report, err := Run(t.Context(), s, to(false, n.Redis), &Progress{})
	if err == nil || !strings.Contains(err.Error(), "read from Redis: ") || report.Keys[5] != 2 {
		t.Errorf("%+v, %v", report, err)
	}
}

// TestFromTrivet imports from one cluster into another, which SCAN can do.
func TestFromTrivet(t *testing.T) {
	from, into := cluster.Start(t, 1).Nodes[0], cluster.Start(t, 1).Nodes[0]
	if _, err := Run(t.Context(), &records{list: numbered(4000)}, to(false, from.Redis), &Progress{}); err != nil {
		t.Fatal(err)
	}
	s, err := origin(t, "redis://"+from.Redis).Open(t.Context(), &Progress{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var said bytes.Buffer
	report, err := Run(t.Context(), s, to(false, into.Redis), &Progress{Out: &said})
	if err != nil || report.Keys[0] != 2000 || report.Keys[5] != 2000 || report.Failures() > 0 {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestParseURL(t *testing.T) {
	t.Setenv("REDISCLI_AUTH", "fallback")
	for _, c := range []struct {
		url, addr, user, password string
		db                        int
		tls                       bool
	}{
		{"redis://h", "h:6379", "", "fallback", allDatabases, false},
		{"redis://h:7000/", "h:7000", "", "fallback", allDatabases, false},
		{"redis://joe:se%2Fcret@h:7000/0", "h:7000", "joe", "se/cret", 0, false},
		{"rediss://:p@h:7000/3", "h:7000", "", "p", 3, true},
		{"redis://h?db=4", "h:6379", "", "fallback", 4, false},
	} {
		o := origin(t, c.url)
		if o.options.Addr != c.addr || o.options.Username != c.user || o.options.Password != c.password || o.db != c.db || (o.options.TLSConfig != nil) != c.tls {
			t.Errorf("%s: %+v", c.url, o)
		}
	}
	for url, want := range map[string]string{
		"http://h": "use redis://", "redis://joe:se/cret@h": "%2F", "redis://joe:se%zzcret@h": "%2F", "redis://h/x": "database",
	} {
		if _, err := ParseURL(url); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "cret") {
			t.Errorf("%s: %v", url, err)
		}
	}
	if IsURL("dump.rdb") || IsURL("/a/b:c") || !IsURL("redis://h") {
		t.Error("IsURL")
	}
}

// TestCanceled ends as soon as it is told to.
func TestCanceled(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	addr := serve(t, func(command string) string {
		if strings.HasPrefix(command, "PSYNC") {
			time.AfterFunc(50*time.Millisecond, cancel)
			return "+FULLRESYNC x 0\r\n$1000\r\nsome"
		}
		return "+OK\r\n"
	})
	if _, err := origin(t, "redis://"+addr).Open(ctx, &Progress{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestProgress(t *testing.T) {
	line := func(float64) string { return "line" }
	var b bytes.Buffer
	p := &Progress{Out: &b, Terminal: true}
	p.start()
	p.tell(line) // too early
	p.told = p.told.Add(-time.Second)
	p.tell(line)
	p.Say("said %d", 5)
	if got, want := b.String(), "\r\x1b[Kline\nsaid 5\n"; got != want {
		t.Errorf("on a terminal: %q, want %q", got, want)
	}
	b.Reset()
	p = &Progress{Out: &b}
	p.start()
	p.told = p.told.Add(-time.Second)
	p.tell(line) // too early for a log
	p.told = p.told.Add(-logPeriod)
	p.tell(line)
	p.Finish()
	if got := b.String(); got != "line\n" {
		t.Errorf("in a log: %q", got)
	}
}
