package fsm

import (
	"fmt"
	"strings"
	"testing"

	"github.com/trivetdb/trivet/fsm/rdb"
	"github.com/trivetdb/trivet/resp"
)

// sampleDumps are what may follow the key of RESTORE.
func sampleDumps() [][]string {
	var many []string
	for i := range 300 {
		many = append(many, fmt.Sprint("m", i))
	}
	values := []rdb.Value{
		{Str: "text"},
		{Kind: rdb.List, Elems: []string{"a", "2", ""}},
		{Kind: rdb.Set, Elems: []string{"3", "1", "2"}},
		{Kind: rdb.Set, Elems: []string{"3", "1", "a"}},
		{Kind: rdb.Set, Elems: many},
		{Kind: rdb.Hash, Elems: many},
		{Kind: rdb.ZSet, Elems: []string{"a", "b"}, Scores: []float64{2, -1}},
		{Kind: rdb.Streams, Stream: &rdb.Stream{Last: rdb.ID{Ms: 7}, Added: 4, Entries: []rdb.Entry{
			{ID: rdb.ID{Ms: 5, Seq: 1}, Fields: []string{"f", "v"}}, {ID: rdb.ID{Ms: 7}, Fields: []string{"f", "w"}},
		}}},
	}
	var tails [][]string
	for i, v := range values {
		tail := []string{fmt.Sprint(i % 2 * 7), string(rdb.AppendDump(nil, &v)), "REPLACE", "IDLETIME", "3"}
		tails = append(tails, tail[:2+i%2], tail)
	}
	return tails
}

// What DUMP answers makes the same value again.
func TestDumpAndRestore(t *testing.T) {
	m := newMachine(t)
	m.check = false
	m.do(0, "SET", "s", "\x00 text \xff")
	m.do(0, "SET", "n", "-9223372036854775808")
	for i := range 1000 {
		n := fmt.Sprint(i)
		m.do(0, "RPUSH", "l", n)
		m.do(0, "HSET", "h", "f"+n, "v"+n)
		m.do(0, "SADD", "set", "m"+n)
		m.do(0, "SADD", "ints", n)
		m.do(0, "ZADD", "z", fmt.Sprint(float64(i)/8-3), "m"+n)
		m.do(0, "XADD", "x", "*", "f", n, "g"+fmt.Sprint(i/300), n)
		if i == 9 || i == 400 {
			for _, key := range []string{"l", "h", "set", "ints", "z", "x"} {
				m.do(0, "COPY", key, key+n)
			}
		}
	}
	m.do(0, "ZADD", "z9", "inf", "a", "-inf", "b", "5e-324", "c")
	m.do(0, "SADD", "set9", "5", "4")
	m.do(0, "XADD", "empty", "5-7", "f", "v")
	m.do(0, "XDEL", "empty", "5-7")
	m.check = true
	for _, key := range m.do(0, "KEYS", "*").Elems {
		payload := m.do(0, "DUMP", key.Str)
		if v := m.do(0, "RESTORE", "copy", "0", payload.Str, "REPLACE"); v.Str != "OK" {
			t.Fatalf("%s: %v", key.Str, v)
		}
		a, b := m.st.dbs[0].get([]byte(key.Str)), m.st.dbs[0].get([]byte("copy"))
		b.rev = a.rev
		if o, p := encodedObject(a), encodedObject(b); o != p {
			t.Errorf("%s: the copy is\n%q, not\n%q", key.Str, p, o)
		}
		if v := m.do(0, "DUMP", "copy"); v.Str != payload.Str {
			t.Errorf("%s: another dump", key.Str)
		}
	}
	restored(t, m.st)
}

func encodedObject(o *object) string {
	var b strings.Builder
	e := newEncoder(&b)
	e.object(o)
	e.w.Flush()
	return b.String()
}

// What only damaged payloads hold makes no key.
func TestRestoreRefuses(t *testing.T) {
	entry := func(ms uint64) rdb.Entry { return rdb.Entry{ID: rdb.ID{Ms: ms}, Fields: []string{"f", "v"}} }
	for want, values := range map[string][]rdb.Value{
		errDumpFormat.Str: {
			{Kind: rdb.List}, {Kind: rdb.Set}, {Kind: rdb.Hash}, {Kind: rdb.ZSet},
			{Kind: rdb.Set, Elems: []string{"a", "a"}},
			{Kind: rdb.Set, Elems: []string{"1", "1"}},
			{Kind: rdb.Hash, Elems: []string{"a", "1", "a", "2"}},
			{Kind: rdb.ZSet, Elems: []string{"a", "a"}, Scores: []float64{1, 2}},
			{Kind: rdb.Streams, Stream: &rdb.Stream{Entries: []rdb.Entry{entry(2), entry(1)}, Last: rdb.ID{Ms: 2}, Added: 2}},
			{Kind: rdb.Streams, Stream: &rdb.Stream{Entries: []rdb.Entry{entry(2)}, Last: rdb.ID{Ms: 1}, Added: 1}},
			{Kind: rdb.Streams, Stream: &rdb.Stream{Entries: []rdb.Entry{entry(2)}, Last: rdb.ID{Ms: 2}}},
			{Kind: rdb.Streams, Stream: &rdb.Stream{Entries: []rdb.Entry{entry(0)}, Last: rdb.ID{Ms: 2}, Added: 1}},
			{Kind: rdb.Streams, Stream: &rdb.Stream{Groups: []rdb.Group{{Name: "g"}, {Name: "g"}}}},
			{Kind: rdb.Streams, Stream: &rdb.Stream{Groups: []rdb.Group{{Name: "g", Consumers: []rdb.Consumer{{Name: "c"}, {Name: "c"}}}}}},
		},
	} {
		for _, v := range values {
			m := newMachine(t)
			m.do(0, "SET", "k", "old")
			if got := m.do(0, "RESTORE", "k", "0", string(rdb.AppendDump(nil, &v)), "REPLACE"); got.Str != want {
				t.Errorf("%+v: got %v", v, got)
			}
			if got := m.do(0, "GET", "k"); got.Str != "old" {
				t.Errorf("%+v: the old value is gone", v)
			}
		}
	}
}

func TestDumpOfClassicValues(t *testing.T) {
	m := newMachine(t)
	for i, v := range typedValues {
		args := bulks("", "k", string(v.Append(nil, resp.Canonical)))
		m.write(0, 0, Lookup("CLASSIC|SET"), args, []bool{false, false, true})
		got := m.do(0, "DUMP", "k")
		if o := m.st.dbs[0].get([]byte("k")); (o.kind == kindClassic) != (got.Str == errDumpClassic.Str) {
			t.Errorf("value %d: %v", i, got)
		}
	}
}
