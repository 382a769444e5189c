package fsm

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

// big runs a command on a machine without walking its invariants, which takes long
// where values are large.
func (m *machine) big(words ...string) resp.Value {
	m.t.Helper()
	c := Lookup(words[0])
	return m.write(1, 0, c, bulks(words...), nil)
}

// A long string is what plain bytes would be, and a clone stays what it was.
func TestLongStringModel(t *testing.T) {
	t.Parallel()
	g := newGenerator(t)
	rounds := 20
	if testing.Short() {
		rounds = 4
	}
	for range rounds {
		epoch := uint64(1)
		model := []byte(strings.Repeat(g.bytes(97), 1+g.IntN(9000)))
		for len(model) < longFrom {
			model = append(model, model...)
		}
		l := newLongString(string(model), epoch)
		var views []*longString
		var want []string
		for range 120 {
			switch b := []byte(g.bytes(1 + g.IntN(3*partSize))); g.IntN(5) {
			case 0:
				epoch++
				views, want = append(views, l), append(want, string(model))
				l = l.clone(epoch).(*longString)
			case 1:
				l.append(b)
				model = append(model, b...)
			case 2:
				gap := g.IntN(3 * partSize)
				if g.IntN(9) == 0 {
					gap = g.IntN(3 * pageSize)
				}
				l.extend(len(model) + gap)
				model = append(model, make([]byte, gap)...)
			default:
				at := g.IntN(len(model))
				l.patch(at, b)
				model = append(model, make([]byte, max(0, at+len(b)-len(model)))...)
				copy(model[at:], b)
			}
			if err := l.check(); err != nil {
				t.Fatal(err)
			}
			from := g.IntN(len(model))
			to := from + g.IntN(len(model)-from+1)
			if got := (text{long: l}).cut(from, to); got != string(model[from:to]) {
				t.Fatalf("bytes %d to %d of %d are others", from, to, len(model))
			}
		}
		views, want = append(views, l), append(want, string(model))
		for i, v := range views {
			if got := (text{long: v}).string(); got != want[i] {
				t.Fatalf("view %d of %d has changed", i, len(views))
			}
		}
	}
}

// stringCommand draws a command on few keys with large strings.
func (g *generator) stringCommand() []string {
	key := func() string { return fmt.Sprintf("s%d", g.IntN(4)) }
	n := func(most int) string { return fmt.Sprint(g.IntN(most) - most/8) }
	some := func(n int) string { return strings.Repeat(g.bytes(37), n/37+1)[:n] }
	bit := func() string { return fmt.Sprint(g.IntN(2)) }
	most := []int{100, longFrom, 4 * longFrom, 3 * pageSize}[g.IntN(4)]
	all := [][]string{
		{"SETBIT", key(), fmt.Sprint(g.IntN(8 * most)), bit()},
		{"SETBIT", key(), fmt.Sprint(g.IntN(8 * most)), bit()},
		{"SETRANGE", key(), fmt.Sprint(g.IntN(most)), some(g.IntN(9000))},
		{"SETRANGE", key(), fmt.Sprint(g.IntN(most)), some(g.IntN(9))},
		{"APPEND", key(), some(g.IntN(9))},
		{"APPEND", key(), some(g.IntN(40_000))},
		{"BITFIELD", key(), "SET", "u8", fmt.Sprint(g.IntN(8 * most)), bit(), "INCRBY", "i33", "#" + fmt.Sprint(g.IntN(most/5)), "77", "GET", "i64", fmt.Sprint(g.IntN(8 * most))},
		{"BITFIELD", key(), "OVERFLOW", "FAIL", "SET", "u4", fmt.Sprint(g.IntN(8 * most)), "16", "GET", "u63", "32767"},
		{"BITFIELD_RO", key(), "GET", "u63", fmt.Sprint(g.IntN(8 * most))},
		{"GETBIT", key(), fmt.Sprint(g.IntN(8 * most))},
		{"GETRANGE", key(), n(most), n(most)},
		{"BITCOUNT", key(), n(most), n(most), "BIT"},
		{"BITCOUNT", key()},
		{"BITPOS", key(), bit(), n(most)},
		{"BITPOS", key(), bit(), n(most), n(most), "BIT"},
		{"BITOP", []string{"AND", "OR", "XOR"}[g.IntN(3)], key(), key(), key()},
		{"BITOP", "NOT", key(), key()},
		{"GET", key()}, {"STRLEN", key()}, {"MGET", key(), "l", key()}, {"DUMP", key()}, {"OBJECT|ENCODING", "ENCODING", key()},
		{"COPY", key(), key(), "REPLACE"}, {"RENAME", key(), key()}, {"MOVE", key(), "1"}, {"DEL", key()},
		{"GETSET", key(), some(g.IntN(2 * longFrom))}, {"GETDEL", key()}, {"GETEX", key(), "PX", "900"},
		{"SET", key(), some(g.IntN(2 * longFrom)), "GET"}, {"MSET", key(), some(most % 20000), key(), "x"},
		{"INCR", key()}, {"INCRBYFLOAT", key(), "1"}, {"PFADD", key(), "a"}, {"PFCOUNT", key()}, {"PFMERGE", key(), key()},
		{"LCS", key(), key(), "LEN"}, {"SORT", "l", "ALPHA", "BY", "s*", "GET", "s*"}, {"SWAPDB", "0", "1"},
		{"MEMORY|USAGE", "USAGE", key()}, {"CLASSIC|GET", key()}, {"SCAN", "0", "TYPE", "string"}, {"EXPIRE", key(), "1"},
	}
	return all[g.IntN(len(all))]
}

// plain makes all strings of a state plain ones, as a restore does.
func plain(s *State) {
	for db := range s.dbs {
		for o := range s.dbs[db].all() {
			if o.text().long != nil {
				s.dbs[db].own(s, []byte(o.key), o).setText(o.text().string())
				s.settle()
			}
		}
	}
}

// Whether strings are in parts is not to be seen: replies, costs, sizes and
// encodings are those of a state whose strings are all plain.
func TestLongStringsUnseen(t *testing.T) {
	t.Parallel()
	n := 4000
	if testing.Short() {
		n = 1000
	}
	g := newGenerator(t)
	parts, flat := newMachine(t), newMachine(t)
	seen := 0
	var views []*Frozen
	var want [][]byte
	for _, m := range []*machine{parts, flat} {
		m.check = false
		m.do(0, "RPUSH", "l", "0", "1", "2", "3")
	}
	for i := range n {
		words := g.stringCommand()
		c, at := Lookup(words[0]), parts.st.Now()+int64(g.IntN(9))
		if c == nil {
			t.Fatal(words[0])
		}
		replies, left := [2]resp.Value{}, [2]int{}
		for j, m := range []*machine{parts, flat} {
			m.index++
			m.st.index, m.st.now = m.index, at
			m.st.removeDue()
			tx := &Tx{st: m.st, now: at, write: true, chance: newChance(1), meter: cost.New(cost.Limit)}
			replies[j] = tx.run(c, bulks(words...), nil)
			m.st.settle()
			left[j] = tx.meter.Left()
		}
		for db := range parts.st.dbs {
			for o := range parts.st.dbs[db].all() {
				if o.text().long != nil {
					seen++
				}
			}
		}
		plain(flat.st)
		a, b := replies[0].Append(nil, resp.Canonical), replies[1].Append(nil, resp.Canonical)
		switch {
		case !bytes.Equal(a, b):
			t.Fatalf("step %d, %.60q: %.90q and %.90q", i, words, a, b)
		case left[0] != left[1]:
			t.Fatalf("step %d, %.60q: %d steps left, and %d", i, words, left[0], left[1])
		case parts.st.Bytes() != flat.st.Bytes():
			t.Fatalf("step %d, %.60q: %d bytes, and %d", i, words, parts.st.Bytes(), flat.st.Bytes())
		}
		if g.IntN(20) == 0 {
			for _, m := range []*machine{parts, flat} {
				if err := m.st.Check(); err != nil {
					t.Fatalf("step %d, %.60q: %v", i, words, err)
				}
			}
			now := encoded(t, parts.st)
			if !bytes.Equal(now, encoded(t, flat.st)) {
				t.Fatalf("step %d, %.60q: the encodings differ", i, words)
			}
			if g.IntN(4) == 0 {
				views, want = append(views, parts.st.Freeze()), append(want, now)
			}
			if g.IntN(10) == 0 {
				parts.st = restored(t, parts.st)
				parts.st.level = NewestLevel
			}
		}
	}
	for i, f := range views {
		var b bytes.Buffer
		if err := f.Encode(&b); err != nil || !bytes.Equal(b.Bytes(), want[i]) {
			t.Fatalf("view %d changed: %v", i, err)
		}
	}
	if seen < n {
		t.Errorf("a string was in parts only %d times", seen)
	}
}

// taken returns the bytes of memory that f takes.
func taken(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// What changes a part of a large string costs what it changes, also right after a
// freeze.
func TestLongStringChangesCostLittle(t *testing.T) {
	m := newMachine(t)
	m.check = false
	m.big("SETRANGE", "k", itoa(int64(maxString-99)), "x")
	commands := [][]string{
		{"SETBIT", "k", "77777777", "1"}, {"SETBIT", "k", "77777777", "0"}, {"APPEND", "k", "x"},
		{"SETRANGE", "k", "33333333", "some text"}, {"BITFIELD", "k", "INCRBY", "u8", "#44444444", "7"},
	}
	for _, prepare := range []struct {
		what string
		f    func()
	}{
		{"as it is", func() {}},
		{"after a freeze", func() { m.st.Freeze() }},
		{"plain", func() { plain(m.st) }},
	} {
		for _, words := range commands {
			prepare.f()
			var v resp.Value
			if n := taken(func() { v = m.big(words...) }); n > 128<<10 || v.IsError() {
				t.Errorf("%s, %s: takes %d bytes: %v", words[0], prepare.what, n, v)
			}
		}
	}
	if n := taken(func() { m.big("SETBIT", "new", "500000000", "1") }); n > 128<<10 {
		t.Errorf("a new bitmap takes %d bytes", n)
	}
}

// What a transaction that is ended did to long strings is taken back.
func TestLongStringsUndone(t *testing.T) {
	g := newGenerator(t)
	m := newMachine(t)
	m.check = false
	rounds := 200
	if testing.Short() {
		rounds = 40
	}
	m.big("RPUSH", "l", "0", "1")
	for i := range rounds {
		m.big(g.stringCommand()...)
		if i%7 == 0 {
			m.st.Freeze()
		}
		before, size := withoutOrigins(t, m.st), m.st.Bytes()
		group := &Group{Atomic: true}
		for range 4 {
			words := g.stringCommand()
			group.Add(Lookup(words[0]), bulks(words...), nil)
		}
		group.Add(endings["TEST|OVERRUN"], bulks("TEST|OVERRUN"), nil)
		m.seq++
		m.entry(1, Batch{Origin: testOrigin, Seq: m.seq, Body: group.Append(nil, 0)})
		if !bytes.Equal(withoutOrigins(t, m.st), before) || m.st.Bytes() != size {
			t.Fatalf("round %d: something is left", i)
		}
		if err := m.st.Check(); err != nil {
			t.Fatalf("round %d: %v", i, err)
		}
	}
}

// withoutOrigins is encoded without the index and what origins were answered.
func withoutOrigins(t *testing.T, s *State) []byte {
	origins, index := s.origins, s.index
	s.origins, s.index = map[uint64]origin{}, 0
	defer func() { s.origins, s.index = origins, index }()
	b := encoded(t, s)
	return b[:len(b)-4] // the checksum
}
