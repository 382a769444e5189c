package fsm

import (
	"fmt"
	"testing"

	"github.com/trivetdb/trivet/resp"
)

func TestExpiryIsInOrderAndBounded(t *testing.T) {
	m := newMachine(t)
	m.check = false
	const extra = 300
	psetex := Lookup("PSETEX")
	for i := range maxExpiredPerEntry + extra {
		// Deadlines 100, 99, ... repeat, over two databases.
		args := bulks("PSETEX", fmt.Sprintf("key:%04d", i), itoa(int64(100-i%100)), "v")
		m.write(0, i%2, psetex, args, nil)
	}
	m.do(0, "SET", "stays", "v")
	m.check = true
	var last deadline
	for _, want := range []int{extra, 0, 0} {
		// What goes is before all that is left.
		before := due(m.st)
		m.entry(1000)
		stays := due(m.st)
		for d := range stays {
			delete(before, d)
		}
		for d, db := range before {
			for left, leftDB := range stays {
				if left.at < d.at || left.at == d.at && (leftDB < db || leftDB == db && left.key < d.key) {
					t.Fatalf("%v went before %v", *d, *left)
				}
			}
			last = *d
		}
		if got := m.st.Expiring(0) + m.st.Expiring(1); got != want || m.st.Len(0)+m.st.Len(1) != want+1 {
			t.Fatalf("%d keys are left, want %d", got, want)
		}
		if v := m.do(1000, "KEYS", "*"); len(v.Elems) != 1 || v.Elems[0].Str != "stays" {
			t.Fatalf("KEYS shows %v", v)
		}
		m.st = restored(t, m.st)
	}
	if last.at == 0 || m.st.Expired() != 0 {
		t.Errorf("last %v, expired %d", last, m.st.Expired())
	}
	if _, ok := m.st.NextDue(); ok {
		t.Error("something is due still")
	}
}

// due returns all deadlines, and the database of each.
func due(s *State) map[*deadline]int {
	all := map[*deadline]int{}
	for db := range s.dbs {
		for _, d := range s.dbs[db].due {
			all[d] = db
		}
	}
	return all
}

func TestNextDue(t *testing.T) {
	m := newMachine(t)
	m.do(0, "SET", "a", "v", "PX", "50")
	m.do(0, "SET", "b", "v", "PX", "20")
	m.do(0, "SET", "c", "v", "PX", "30")
	for _, tt := range []struct {
		next    int64
		expired uint64
	}{{20, 0}, {30, 1}, {50, 2}} {
		at, ok := m.st.NextDue()
		if !ok || at != tt.next || m.st.Expired() != tt.expired {
			t.Errorf("got %d, %v, expired %d; want %+v", at, ok, m.st.Expired(), tt)
		}
		m.entry(at)
	}
}

// Deadlines in the past, which SET allows, go with the next entry.
func TestDeadlineInThePast(t *testing.T) {
	m := newMachine(t)
	m.do(5000, "SET", "k", "v", "PXAT", "1")
	if m.do(0, "EXISTS", "k").Int != 0 || m.st.Len(0) != 1 {
		t.Error("the key shows, or is not there to be removed")
	}
	m.entry(0)
	if m.st.Len(0) != 0 {
		t.Error("the key stays")
	}
}

// A state with keys that are due must answer as one that never had them.
func TestReadsHideWhatIsDue(t *testing.T) {
	g := newGenerator(t)
	full, clean := newMachine(t), newMachine(t)
	for range 60 {
		key, db := g.key(), g.IntN(3)
		set := func(m *machine, args ...string) {
			m.write(1000, db, Lookup(args[0]), bulks(args...), nil)
		}
		if g.IntN(2) == 0 {
			set(full, "SET", key, "v", "PX", "10")
			set(clean, "DEL", key)
		} else {
			set(full, "SET", key, "v")
			set(clean, "SET", key, "v")
		}
	}
	for range 2000 {
		c := g.row(Read)
		if c.Name == "DBSIZE" || c.Name == "RANDOMKEY" || c.Name == "TX|REVISION" {
			continue // it counts what is due, draws anew, tells since when a key is gone
		}
		args, _ := g.args(c)
		r := Request{Command: c, Args: args, DB: g.IntN(3), Now: 1010, Seed: 1}
		a, b := full.st.Read(r), clean.st.Read(r)
		if string(a.Append(nil, resp.Canonical)) != string(b.Append(nil, resp.Canonical)) {
			// A page of SCAN counts what is due, so it may end earlier.
			if c.Name != "SCAN" {
				t.Fatalf("%q: got %v, want %v", args, a, b)
			}
		}
	}
}

func TestRandomKeyAmongManyDue(t *testing.T) {
	m := newMachine(t)
	m.check = false
	for i := range 3000 {
		m.do(0, "SET", fmt.Sprint("due:", i), "v", "PX", "10")
	}
	m.do(0, "SET", "live", "v")
	m.check = true
	if v := m.do(10, "RANDOMKEY"); v.Str != "live" {
		t.Errorf("read: got %v", v)
	}
	// Within a transaction the keys go while they are looked at.
	if v := m.write(10, 0, Lookup("RANDOMKEY"), bulks("RANDOMKEY"), nil); v.Str != "live" {
		t.Errorf("applied: got %v", v)
	}
}
