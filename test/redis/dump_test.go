//go:build redis

package redis

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/fsm/rdb"
	"github.com/trivetdb/trivet/resp"
	"github.com/trivetdb/trivet/test/transcript"
)

// A doer answers commands: Redis or a State.
type doer func(words ...string) resp.Value

// answers returns a doer that shows replies as a RESP2 client reads them.
func (s *state) answers(t *testing.T) doer {
	return func(words ...string) resp.Value {
		t.Helper()
		v, _, err := resp.ParseValue(s.do(t, words).Append(nil, resp.RESP2), resp.NoLimits)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// content shows all that is at a key; what has no order is sorted.
func content(do doer, key string) string {
	kind := do("TYPE", key).Str
	shown := kind + "\n"
	var v resp.Value
	switch kind {
	case "string":
		v = do("GET", key)
	case "list":
		v = do("LRANGE", key, "0", "-1")
	case "set":
		v = do("SMEMBERS", key)
		slices.SortFunc(v.Elems, func(a, b resp.Value) int { return strings.Compare(a.Str, b.Str) })
	case "hash":
		var pairs []string
		v = do("HGETALL", key)
		for i := 0; i < len(v.Elems); i += 2 {
			pairs = append(pairs, fmt.Sprintf("%q %q", v.Elems[i].Str, v.Elems[i+1].Str))
		}
		slices.Sort(pairs)
		v = resp.Strs(pairs...)
	case "zset":
		v = do("ZRANGE", key, "0", "-1", "WITHSCORES")
		for i := 1; i < len(v.Elems); i += 2 { // Redis 7.2 shows fewer digits than 7.0
			score, _ := strconv.ParseFloat(v.Elems[i].Str, 64)
			v.Elems[i].Str = strconv.FormatFloat(score, 'g', -1, 64)
		}
	case "stream":
		v = do("XRANGE", key, "-", "+")
		info := do("XINFO", "STREAM", key)
		for i := 0; i+1 < len(info.Elems); i += 2 {
			if name := info.Elems[i].Str; !strings.HasPrefix(name, "radix") {
				shown += name + " " + transcript.Format(info.Elems[i+1])
			}
		}
	}
	return shown + transcript.Format(v)
}

// words returns n different words, of a size at least.
func words(n, size int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprint("word", i, strings.Repeat("x", size)))
	}
	return list
}

// fill makes values of all kinds and sizes, by key.
func fill(do doer) {
	for i, s := range []string{
		"", "a", "0", "-1", "127", "128", "-32769", "2147483647", "2147483648", "9223372036854775807", "01", "-0", "1.5",
		"\x00\xff\r\n", strings.Repeat("a", 44), strings.Repeat("a", 45), strings.Repeat("abcdef", 40_000), strings.Repeat("\x00", 2_000_000),
	} {
		do("SET", fmt.Sprint("string", i), s)
	}
	integers := strings.Fields(`0 1 -1 127 128 4095 4096 -4096 -4097 32767 32768 -32768 -32769 8388607 8388608 -8388608 -8388609
		2147483647 2147483648 -2147483648 -2147483649 9223372036854775807 -9223372036854775808`)
	odd := []string{"", "\x00\xff", "01", "-0", "+1", " 1", "1.5", strings.Repeat("x", 63), strings.Repeat("y", 64), strings.Repeat("z", 300), strings.Repeat("abc", 2000)}
	for name, elems := range map[string][]string{
		"one": {"a"}, "ints": integers, "odd": odd, "mixed": append(slices.Clone(integers), "a"), "most": words(128, 1), "more": words(129, 1),
		"many": words(5000, 1), "long": words(3, 9000), "larger": words(2, 65), "manyints": numbers(513), "someints": numbers(512),
	} {
		do(append([]string{"RPUSH", "list:" + name}, elems...)...)
		do(append([]string{"SADD", "set:" + name}, elems...)...)
		scores := []string{"1", "-1", "2.5", "inf", "-inf", "1e300", "-5e-324", "0.1", "3"}
		hash, zset := []string{"HSET", "hash:" + name}, []string{"ZADD", "zset:" + name}
		for i, e := range elems {
			hash = append(hash, e, elems[len(elems)-1-i])
			zset = append(zset, scores[i%len(scores)], e)
		}
		do(hash...)
		do(zset...)
		for i, e := range elems {
			fields := []string{"f", e}
			if i/20%3 == 1 {
				fields = append(fields, e, "v")
			}
			do(append([]string{"XADD", "stream:" + name, fmt.Sprintf("%d-%d", i/3+1, i*7)}, fields...)...)
			if i%5 == 2 {
				do("XDEL", "stream:"+name, fmt.Sprintf("%d-%d", i/3+1, i*7))
			}
		}
	}
	do("XADD", "stream:max", "18446744073709551615-18446744073709551615", "f", "v")
	do("XADD", "stream:empty", "5-5", "f", "v")
	do("XDEL", "stream:empty", "5-5")
}

func numbers(n int) (list []string) {
	for i := range n {
		list = append(list, itoa(i*i-1000))
	}
	return list
}

func keysOf(do doer) (keys []string) {
	for _, k := range do("KEYS", "*").Elems {
		keys = append(keys, k.Str)
	}
	slices.Sort(keys)
	return keys
}

// TestDumps brings values from Redis to a State and back.
func TestDumps(t *testing.T) {
	r, st := startRedis(t), &state{State: fsm.NewStateAt(fsm.NewestLevel)}
	ours := st.answers(t)
	fill(r.do)
	for _, key := range keysOf(r.do) {
		want := content(r.do, key)
		if v := ours("RESTORE", key, "0", r.do("DUMP", key).Str); v.Str != "OK" {
			t.Errorf("%s: trivet answers %v", key, v)
			continue
		}
		if got := content(ours, key); got != want {
			t.Errorf("%s: from Redis:\n%.2000s\nwant\n%.2000s", key, got, want)
		}
		if v := r.do("RESTORE", "back", "0", ours("DUMP", key).Str, "REPLACE"); v.Str != "OK" {
			t.Errorf("%s: Redis answers %v", key, v)
			continue
		}
		if got := content(r.do, "back"); got != want {
			t.Errorf("%s: back in Redis:\n%.2000s\nwant\n%.2000s", key, got, want)
		}
		if a, b := r.do("OBJECT", "ENCODING", key).Str, r.do("OBJECT", "ENCODING", "back").Str; a != b {
			t.Errorf("%s: encoding %s, now %s", key, a, b)
		}
	}
}

// TestSampleDumps has Redis read what package rdb is tested with, and what that
// writes.
func TestSampleDumps(t *testing.T) {
	r := startRedis(t)
	files, err := filepath.Glob("../../fsm/rdb/testdata/*.dump")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		v, err := rdb.ParseDump(data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if reply := r.do("RESTORE", "written", "0", string(rdb.AppendDump(nil, &v)), "REPLACE"); reply.Str != "OK" {
			t.Errorf("%s: what we make of it: %v", name, reply)
		}
		if base := filepath.Base(name); base == "set-listpack.dump" || base == "stream-3.dump" {
			continue // of Redis 7.2
		}
		if reply := r.do("RESTORE", "given", "0", string(data), "REPLACE"); reply.Str != "OK" {
			t.Errorf("%s: %v", name, reply)
		}
		given, written := content(r.do, "given")+groups(r.do, "given"), content(r.do, "written")+groups(r.do, "written")
		if given != written {
			t.Errorf("%s:\n%.2000s\nwe make of it\n%.2000s", name, given, written)
		}
	}
}

// groups shows the consumer groups of a stream.
func groups(do doer, key string) string {
	if do("TYPE", key).Str != "stream" {
		return ""
	}
	info := do("XINFO", "STREAM", key, "FULL", "COUNT", "0")
	for i := 0; i+1 < len(info.Elems); i += 2 {
		if info.Elems[i].Str == "groups" {
			return transcript.Format(info.Elems[i+1])
		}
	}
	return ""
}

// TestDumpedGroups brings consumer groups through package rdb and a State.
func TestDumpedGroups(t *testing.T) {
	r := startRedis(t)
	for i := range 300 {
		r.do("XADD", "s", fmt.Sprintf("%d-%d", i+1, i%3), "f", itoa(i))
	}
	r.do("XGROUP", "CREATE", "s", "none", "$")
	for _, g := range []string{"g", "123", "\x00 h"} {
		r.do("XGROUP", "CREATE", "s", g, "0")
		r.do("XGROUP", "CREATECONSUMER", "s", g, "idle")
		for i := range 40 {
			r.do("XREADGROUP", "GROUP", g, fmt.Sprint("c", i%3), "COUNT", "5", "STREAMS", "s", ">")
		}
		r.do("XACK", "s", g, "4-0", "5-1", "100-0")
		r.do("XCLAIM", "s", g, "c1", "0", "1-0", "7-0")
	}
	r.do("XDEL", "s", "1-0", "30-2")
	r.do("XGROUP", "SETID", "s", "123", "50-0")
	v, err := rdb.ParseDump([]byte(r.do("DUMP", "s").Str))
	if err != nil {
		t.Fatal(err)
	}
	if reply := r.do("RESTORE", "back", "0", string(rdb.AppendDump(nil, &v))); reply.Str != "OK" {
		t.Fatal(reply)
	}
	if got, want := content(r.do, "back")+groups(r.do, "back"), content(r.do, "s")+groups(r.do, "s"); got != want {
		t.Errorf("got\n%.3000s\nwant\n%.3000s", got, want)
	}
	st := &state{State: fsm.NewStateAt(fsm.NewestLevel)}
	st.do(t, []string{"RESTORE", "s", "0", r.do("DUMP", "s").Str})
	if reply := r.do("RESTORE", "back", "0", st.do(t, []string{"DUMP", "s"}).Str, "REPLACE"); reply.Str != "OK" {
		t.Fatal(reply)
	}
	if got, want := content(r.do, "back")+groups(r.do, "back"), content(r.do, "s")+groups(r.do, "s"); got != want {
		t.Errorf("by way of a State: got\n%.3000s\nwant\n%.3000s", got, want)
	}
}

// TestFiles reads a file that Redis saved, and has Redis read one that we wrote
// from it.
func TestFiles(t *testing.T) {
	r := startRedis(t)
	fill(r.do)
	r.do("FUNCTION", "LOAD", "#!lua name=lib\nredis.register_function('f', function() return 5 end)")
	r.do("PEXPIREAT", "string3", "4102444800123")
	r.do("COPY", "list:many", "other", "DB", "9")
	r.do("SAVE")
	saved, err := os.Open(filepath.Join(r.do("CONFIG", "GET", "dir").Elems[1].Str, "dump.rdb"))
	if err != nil {
		t.Fatal(err)
	}
	defer saved.Close()
	dir := t.TempDir()
	written, err := os.Create(filepath.Join(dir, "dump.rdb"))
	if err != nil {
		t.Fatal(err)
	}
	defer written.Close()
	copyFile(t, saved, written)

	again := startRedis(t, "--dir", dir)
	for again.do("PING").Str != "PONG" { // it loads
	}
	if got := again.do("FCALL", "f", "0"); got.Int != 5 {
		t.Errorf("the function: %v", got)
	}
	for _, db := range []string{"0", "9"} {
		r.do("SELECT", db)
		again.do("SELECT", db)
		keys := keysOf(r.do)
		if got := keysOf(again.do); !slices.Equal(got, keys) {
			t.Fatalf("keys %q, want %q", got, keys)
		}
		for _, key := range keys {
			if got, want := content(again.do, key), content(r.do, key); got != want {
				t.Errorf("%s:\n%.2000s\nwant\n%.2000s", key, got, want)
			}
			if got, want := again.do("PEXPIRETIME", key), r.do("PEXPIRETIME", key); got.Int != want.Int {
				t.Errorf("%s expires at %d, not %d", key, got.Int, want.Int)
			}
		}
	}
}

func copyFile(t *testing.T, from io.Reader, to io.Writer) {
	t.Helper()
	r, w := rdb.NewReader(from), rdb.NewWriter(to)
	for i := 0; ; i++ {
		k, err := r.Next()
		if i == 0 {
			for _, code := range r.Libraries() {
				w.Library(code)
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = w.Write(k)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}
