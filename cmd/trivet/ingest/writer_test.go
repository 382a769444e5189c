package ingest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trivetdb/trivet/fsm/rdb"
	"github.com/trivetdb/trivet/test/cluster"
)

// records are a Source. Before each it calls before, if there is one.
type records struct {
	list   []*Record
	before func(i int)
	at     int
}

func (s *records) Next(context.Context) (*Record, error) {
	if s.at == len(s.list) {
		return nil, io.EOF
	}
	if s.before != nil {
		s.before(s.at)
	}
	s.at++
	return s.list[s.at-1], nil
}

func (s *records) Done() float64 { return 0 }
func (s *records) Close() error  { return nil }

// to returns the target that a node is.
func to(replace bool, addrs ...string) Target {
	return Target{Addresses: addrs, Replace: replace, Client: func(addr string, db int) *redis.Client {
		return redis.NewClient(&redis.Options{Addr: addr, DB: db, MaxRetries: -1, DialerRetries: 1, ReadTimeout: time.Minute})
	}}
}

// record returns that of a key.
func record(db int, key string, v rdb.Value) *Record {
	return fromValue(&rdb.Key{DB: db, Name: key, Value: v})
}

// shown imports records and returns the printed report.
func shown(t *testing.T, target Target, list ...*Record) string {
	t.Helper()
	report, err := Run(t.Context(), &records{list: list}, target, &Progress{})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	report.Print(&b)
	return b.String()
}

func same(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestReport writes what a node takes and what it refuses.
func TestReport(t *testing.T) {
	n := cluster.Start(t, 1).Nodes[0]
	lib := func(result string) *Record {
		return &Record{DB: allDatabases, Library: "#!lua name=lib\nredis.register_function('f', function() return " + result + " end)"}
	}
	future := time.Now().Add(time.Hour).UnixMilli()
	b := record(3, "b", text("1"))
	b.ExpireAt = future
	list := []*Record{
		lib("1"), record(0, "a", text("1")), b, record(0, "c", text("1")),
		{Key: "late", Skip: expired}, {Key: "m", Fault: "odd"}, {DB: 2, Key: "bad", Payload: []byte("not a dump")},
		record(99, "far", text("1")), record(15, "", text("1")),
	}
	failed := `failed 1: ERR DB index is out of range
  database 99, key "far"
failed 1: ERR DUMP payload version or checksum are wrong
  database 2, key "bad"
failed 1: odd
  database 0, key "m"
`
	same(t, shown(t, to(false, "127.0.0.1:1", n.Redis), list...), `database 0: 2 keys written
database 3: 1 key written
database 15: 1 key written
functions: 1 library written
skipped 1: expired
`+failed)
	same(t, shown(t, to(false, n.Redis), list...), `nothing was written
skipped 1: expired
skipped 1: library that is there already
failed 4: `+busy+`
  database 0, key "a"
  database 3, key "b"
  database 0, key "c"
  database 15, key ""
`+failed)
	same(t, shown(t, to(false, n.Redis), lib("2")), "nothing was written\nfailed 1: ERR Library 'lib' already exists\n  functions\n")
	same(t, shown(t, to(true, n.Redis), lib("2"), record(0, "a", text("2"))), "database 0: 1 key written\nfunctions: 1 library written\n")
	c := to(false).Client(n.Redis, 3)
	defer c.Close()
	if at := c.PExpireTime(t.Context(), "b").Val(); at.Milliseconds() != future {
		t.Errorf("b expires at %d, not %d", at.Milliseconds(), future)
	}
	if v := c.Do(t.Context(), "FCALL", "f", 0).Val(); v != int64(2) {
		t.Errorf("the function answers %v", v)
	}
	if _, err := Run(t.Context(), &records{}, to(false, "127.0.0.1:1"), &Progress{}); err == nil ||
		!strings.Contains(err.Error(), "no node answers; name one with --addr") {
		t.Errorf("nobody there: %v", err)
	}
}

// TestManyFailures names some of those with the same reason.
func TestManyFailures(t *testing.T) {
	r := newReport()
	for i := range 25 {
		r.fail(&Record{Key: fmt.Sprint(i)}, "odd")
	}
	var b bytes.Buffer
	r.Print(&b)
	if got := strings.Count(b.String(), "\n"); got != 1+1+namesShown+1 || !strings.HasSuffix(b.String(), "  and 15 more\n") || r.Failures() != 25 {
		t.Errorf("got\n%s", b.String())
	}
}

// large limits what a request may hold, for a test.
func large(t *testing.T, most int) {
	before, whole := maxString, maxWhole
	maxString, maxWhole = most, most/2
	t.Cleanup(func() { maxString, maxWhole = before, whole })
}

// TestParts writes keys of each type that one request shall not hold.
func TestParts(t *testing.T) {
	n := cluster.Start(t, 1).Nodes[0]
	large(t, 20_000)
	var elems, pairs []string
	var scores []float64
	for i := range 3000 {
		elems = append(elems, fmt.Sprint("element", i))
		pairs = append(pairs, fmt.Sprint("field", i), fmt.Sprint("value", i))
		scores = append(scores, float64(i)/3)
	}
	stream := &rdb.Stream{}
	for i := range 3000 {
		stream.Last = rdb.ID{Ms: uint64(i + 1)}
		stream.Entries = append(stream.Entries, rdb.Entry{ID: stream.Last, Fields: []string{"f", "value"}})
	}
	list := []*Record{
		record(4, "list", rdb.Value{Kind: rdb.List, Elems: elems}), record(4, "set", rdb.Value{Kind: rdb.Set, Elems: elems}),
		record(4, "hash", rdb.Value{Kind: rdb.Hash, Elems: pairs}),
		record(4, "zset", rdb.Value{Kind: rdb.ZSet, Elems: elems, Scores: scores}),
		record(4, "string", text(strings.Repeat("x", 20_000))), record(4, "small", text("x")),
		record(4, "toolong", text(strings.Repeat("x", 20_001))),
		record(4, "element", rdb.Value{Kind: rdb.List, Elems: []string{strings.Repeat("x", 20_001)}}),
		record(4, "stream", rdb.Value{Kind: rdb.Streams, Stream: stream}),
	}
	for _, r := range list {
		if (r.Value == nil) != (r.Key == "small") {
			t.Fatalf("%s: %d bytes of payload", r.Key, len(r.Payload))
		}
	}
	if !fits(rdb.Streams, "k", 15_000) || fits(rdb.Streams, "k", 20_001) || fits(rdb.List, "k", 10_001) {
		t.Error("fits")
	}
	list[0].ExpireAt = time.Now().Add(time.Hour).UnixMilli()
	tooLarge := `failed 1: stream whose DUMP is longer than 20000 bytes, the longest string that trivet takes; streams cannot be written in parts: shorten it with XTRIM
  database 4, key "stream"
failed 2: string of more than 20000 bytes, the longest that trivet takes
  database 4, key "toolong"
  database 4, key "element"
`
	same(t, shown(t, to(false, n.Redis), list...), "database 4: 6 keys written\n"+tooLarge)
	c := to(false).Client(n.Redis, 4)
	defer c.Close()
	for _, r := range list[:6] {
		checkKey(t, c, r)
	}
	same(t, shown(t, to(false, n.Redis), list[:2]...), "nothing was written\nfailed 2: "+busy+`
  database 4, key "list"
  database 4, key "set"
`)
	same(t, shown(t, to(true, n.Redis), list[:2]...), "database 4: 2 keys written\n")
	if keys := c.DBSize(t.Context()).Val(); keys != 6 {
		t.Errorf("%d keys, some of them parts", keys)
	}
}

// checkKey fails the test unless the key holds the value.
func checkKey(t *testing.T, c *redis.Client, r *Record) {
	t.Helper()
	dump, err := c.Dump(t.Context(), r.Key).Result()
	if err != nil {
		t.Fatalf("%s: %v", r.Key, err)
	}
	got, err := rdb.ParseDump([]byte(dump))
	if err != nil {
		t.Fatal(err)
	}
	if r.Value == nil {
		if !bytes.Equal([]byte(dump), r.Payload) {
			t.Errorf("%s differs", r.Key)
		}
		return
	}
	if a, b := content(&got), content(r.Value); !slices.Equal(a, b) {
		t.Errorf("%s: got %.300q, want %.300q", r.Key, a, b)
	}
	if at := c.PExpireTime(t.Context(), r.Key).Val(); r.ExpireAt != 0 && at.Milliseconds() != r.ExpireAt || r.ExpireAt == 0 && at >= 0 {
		t.Errorf("%s expires at %v, not %d", r.Key, at, r.ExpireAt)
	}
}

// content is the elements of a value, in order where it has none of its own.
func content(v *rdb.Value) (list []string) {
	width := 1
	if v.Kind == rdb.Hash {
		width = 2
	}
	for i := 0; i < len(v.Elems); i += width {
		word := strings.Join(v.Elems[i:i+width], "=")
		if v.Kind == rdb.ZSet {
			word = fmt.Sprint(word, " ", v.Scores[i])
		}
		list = append(list, word)
	}
	if v.Kind != rdb.List {
		slices.Sort(list)
	}
	return append(list, v.Str)
}
