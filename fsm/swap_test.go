package fsm

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/trivetdb/trivet/resp"
)

// in runs a command in a database.
func (m *machine) in(db int, at int64, words ...string) resp.Value {
	m.t.Helper()
	return m.run(at, db, Lookup(words[0]), bulks(words...), nil)
}

// watches reports whether a transaction that watches a key since a revision would
// be carried out.
func (m *machine) watches(db int, key string, rev int64) bool {
	m.t.Helper()
	v := m.write(m.st.Now(), 0, Lookup("TX|WATCH"), bulks("TX|WATCH", itoa(int64(db)), key, itoa(rev)), nil)
	return v.Str == "OK"
}

func (m *machine) revision(db int, key string) int64 {
	m.t.Helper()
	return m.run(m.st.Now(), db, Lookup("TX|REVISION"), bulks("TX|REVISION", key), nil).Int
}

// A swap is a change to each watched key that is in one of the databases, even
// where it is undone.
func TestSwapTouchesWatchedKeys(t *testing.T) {
	m := newMachine(t)
	g := &Group{} // both keys have the same revision
	for _, words := range [][]string{{"SET", "both", "1"}, {"TX|SELECT", "1"}, {"SET", "both", "2"}, {"SET", "one", "v"}} {
		g.Add(Lookup(words[0]), bulks(words...), nil)
	}
	m.seq++
	m.entry(0, Batch{Origin: testOrigin, Seq: m.seq, Body: g.Append(nil, 0)})
	type place struct {
		key string
		db  int
	}
	for times := range 2 {
		revs := map[place]int64{}
		for _, key := range []string{"both", "one", "none"} {
			for db := range 3 {
				revs[place{key, db}] = m.revision(db, key)
			}
		}
		m.do(0, "SWAPDB", "0", "1")
		if times == 1 {
			m.do(0, "SWAPDB", "1", "0")
		}
		m.st = restored(t, m.st)
		for p, rev := range revs {
			never := p.key == "none" || p.db == 2
			if ok := m.watches(p.db, p.key, rev); ok != never {
				t.Errorf("%d: %+v: %v", times, p, ok)
			}
		}
	}
}

func TestSwapKeepsDeadlinesAndFrozenViews(t *testing.T) {
	m := newMachine(t)
	m.in(0, 0, "SET", "a", "zero", "PX", "50")
	m.in(0, 0, "RPUSH", "l", "1", "2")
	m.in(3, 0, "SET", "a", "three", "PX", "30")
	m.in(3, 0, "SET", "b", "three")
	frozen := m.st.Freeze()
	before := encodedView(t, frozen)
	m.do(0, "SWAPDB", "0", "3")
	m.in(3, 0, "RPUSH", "l", "3")
	m.in(0, 0, "PERSIST", "b")
	m.in(3, 0, "PEXPIRE", "a", "60")
	if !bytes.Equal(encodedView(t, frozen), before) {
		t.Error("a frozen view changed")
	}
	if m.st.Expiring(0) != 1 || m.st.Expiring(3) != 1 {
		t.Errorf("%d and %d keys expire", m.st.Expiring(0), m.st.Expiring(3))
	}
	m.st = restored(t, m.st)
	for _, want := range []struct {
		at          int64
		zero, three int
	}{{29, 2, 2}, {30, 1, 2}, {59, 1, 2}, {60, 1, 1}} {
		m.entry(want.at)
		if zero, three := m.st.Len(0), m.st.Len(3); zero != want.zero || three != want.three {
			t.Errorf("at %d: %d and %d keys", want.at, zero, three)
		}
	}
	m.do(100, "FLUSHALL")
	m.st = restored(t, m.st)
}

func encodedView(t *testing.T, f *Frozen) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := f.Encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestSwapSignals(t *testing.T) {
	m := newMachine(t)
	m.do(0, "RPUSH", "l", "1")
	m.st.Listen(true)
	m.do(0, "SWAPDB", "4", "0")
	if got := m.st.TakeSignals(); !slices.Equal(got, []Signal{{DB: 4, All: true}, {DB: 0, All: true}}) {
		t.Errorf("got %v", got)
	}
	m.in(4, 0, "MOVE", "l", "2")
	if got := m.st.TakeSignals(); !slices.Equal(got, []Signal{{DB: 2, Key: "l"}}) {
		t.Errorf("got %v", got)
	}
	m.do(0, "SWAPDB", "4", "4")
	if got := m.st.TakeSignals(); len(got) > 0 {
		t.Errorf("got %v", got)
	}
}

func TestKeysOfSort(t *testing.T) {
	for words, want := range map[string][]int{
		"SORT k":                           {1},
		"SORT k BY store GET store DESC":   {1},
		"SORT k LIMIT store store STORE d": {1, 6},
		"SORT k STORE a store b":           {1, 5},
		"SORT k GET STORE STORE z":         {1, 5},
		"SORT k STORE":                     {1},
		"SORT k LIMIT 1":                   {1},
		"SORT_RO k STORE d":                {1},
	} {
		args := bulks(strings.Fields(words)...)
		if got := Lookup(string(args[0])).KeysOf(args); !slices.Equal(got, want) {
			t.Errorf("%s: keys at %v, want %v", words, got, want)
		}
	}
}
