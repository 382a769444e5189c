package fsm

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// A loader applies entries, one command each.
type loader struct {
	t     *testing.T
	s     *State
	index uint64
	now   int64
}

func (l *loader) apply(origin Origin, seq uint64, args ...string) (Result, error) {
	l.t.Helper()
	name := args[0]
	row := Lookup(name)
	if row == nil {
		l.t.Fatalf("no row %s", name)
	}
	words := [][]byte{nil}
	for _, a := range args[1:] {
		words = append(words, []byte(a))
	}
	var g Group
	g.Add(row, words, nil)
	l.index++
	l.now++
	r, err := l.s.Apply(l.index, Entry{Time: l.now, Batches: []Batch{{origin, seq, g.Append(nil, 0)}}})
	if err != nil {
		return Result{}, err
	}
	return r[0], nil
}

var loadOrigin = Origin{ID: 7, Life: 1}

// must applies a command as the next batch of one origin, and returns its reply's text.
func (l *loader) must(args ...string) string {
	l.t.Helper()
	r, err := l.apply(loadOrigin, l.index+1, args...)
	if err != nil {
		l.t.Fatal(err)
	}
	return r.Replies[0].Str
}

func newLoader(t *testing.T, index uint64, now int64) *loader {
	return &loader{t: t, s: NewState(), index: index, now: now}
}

// load sends an encoding in parts of a few bytes.
func (l *loader) load(id, force string, b []byte) string {
	l.t.Helper()
	if got := l.must("LOAD|BEGIN", id, force); got != "OK" {
		return got
	}
	for n := 0; len(b) > 0; n++ {
		size := min(len(b), 1000)
		if got := l.must("LOAD|PART", id, fmt.Sprint(n), string(b[:size])); got != "OK" {
			l.t.Fatal(got)
		}
		if got := l.must("LOAD|PART", id, fmt.Sprint(n), string(b[:size])); got != "OK" {
			l.t.Fatal("sent again: ", got)
		}
		b = b[size:]
		if n%3 == 0 { // what has come is part of snapshots
			again, err := Decode(bytes.NewReader(encoded(l.t, l.s)))
			if err != nil {
				l.t.Fatal(err)
			}
			if !bytes.Equal(encoded(l.t, again), encoded(l.t, l.s)) {
				l.t.Fatal("a state with parts changes in a snapshot")
			}
			l.s = again
		}
	}
	return l.must("LOAD|END", id, force)
}

// fixture is a state at a high index, with keys in two databases, a user and a setting.
func fixture(t *testing.T) *loader {
	from := newLoader(t, 90_000, 5_000_000)
	for i := range 200 {
		from.must("SET", fmt.Sprint("key", i), strings.Repeat("x", i))
		from.must("RPUSH", fmt.Sprint("list", i%7), fmt.Sprint(i))
	}
	from.must("PEXPIREAT", "key9", "9000000")
	from.must("ACL|SETUSER", "SETUSER", "joe", "on", ">secret", "~*", "+@read")
	from.must("SWAPDB", "0", "3")
	from.must("SET", "here", "too")
	return from
}

func TestLoad(t *testing.T) {
	from := fixture(t)
	backup := encoded(t, from.s)
	to := newLoader(t, 10, 1000)
	to.must("ACL|SETUSER", "SETUSER", "ann", "on", "nopass")
	frozen := to.s.Freeze()
	if got := to.load("one", "", backup); got != "OK" {
		t.Fatal(got)
	}
	if frozen.Keys() != 0 || to.s.Keys() != from.s.Keys() || to.s.Len(3) != from.s.Len(3) {
		t.Errorf("%d keys, not %d; %d in the view of before", to.s.Keys(), from.s.Keys(), frozen.Keys())
	}
	if got := to.must("GET", "here"); got != "too" {
		t.Errorf("here is %q", got)
	}
	if to.s.Users().Get("joe") == nil || to.s.Users().Get("ann") != nil {
		t.Error("the users are not those of the backup")
	}
	if gone := to.s.TakeDeleted(); len(gone) != 1 || gone[0] != "ann" {
		t.Errorf("users told as deleted: %q", gone)
	}
	if to.s.Index() != to.index || to.s.Now() < 5_000_000 {
		t.Errorf("index %d at %d; time %d", to.s.Index(), to.index, to.s.Now())
	}
	if got := to.must("LOAD|END", "one", ""); got != "OK" {
		t.Errorf("asked again: %s", got)
	}
	if err := to.s.Check(); err != nil {
		t.Error(err)
	}
	if _, err := Decode(bytes.NewReader(encoded(t, to.s))); err != nil {
		t.Errorf("the state cannot be a snapshot: %v", err)
	}
}

// TestLoadOrigins restores what holds the same origin with a higher and with a lower
// number: batches go on as if nothing had happened.
func TestLoadOrigins(t *testing.T) {
	for _, at := range []uint64{0, 500_000} {
		backup := encoded(t, fixture(t).s)
		to := newLoader(t, at, 1000)
		if got := to.load("one", "", backup); got != "OK" {
			t.Fatal(got)
		}
		seq := to.index
		r, err := to.apply(loadOrigin, seq+1, "INCR", "n")
		if err != nil || r.Outcome != Applied || r.Replies[0].Int != 1 {
			t.Errorf("next batch: %+v, %v", r, err)
		}
		r, err = to.apply(loadOrigin, seq+1, "INCR", "n")
		if err != nil || r.Outcome != Replayed || r.Replies[0].Int != 1 {
			t.Errorf("the same batch: %+v, %v", r, err)
		}
		r, err = to.apply(loadOrigin, seq, "INCR", "n")
		if err != nil || r.Outcome != Superseded {
			t.Errorf("an older batch: %+v, %v", r, err)
		}
	}
}

func TestLoadRefused(t *testing.T) {
	backup := encoded(t, fixture(t).s)
	to := newLoader(t, 10, 1000)
	to.must("SET", "mine", "1")
	if got := to.load("one", "", backup); !strings.Contains(got, "keys already") {
		t.Errorf("over keys: %s", got)
	}
	if got := to.load("two", "force", backup); got != "OK" || to.must("GET", "mine") != "" {
		t.Errorf("by force: %s", got)
	}
	to = newLoader(t, 10, 1000)
	to.must("LOAD|BEGIN", "a", "")
	for _, c := range []struct{ id, number string }{{"b", "0"}, {"a", "1"}, {"a", "x"}} {
		if got := to.must("LOAD|PART", c.id, c.number, "x"); got == "OK" {
			t.Errorf("%v was taken", c)
		}
	}
	to.must("LOAD|PART", "a", "0", string(backup))
	to.must("SET", "mine", "1") // between the parts and the end
	if got := to.must("LOAD|END", "a", ""); !strings.Contains(got, "keys already") || to.must("GET", "mine") != "1" {
		t.Errorf("a key came meanwhile: %s", got)
	}
	to.must("LOAD|BEGIN", "c", "force")
	to.must("LOAD|DROP", "c")
	if got := to.must("LOAD|END", "c", "force"); got == "OK" {
		t.Error("what was dropped is there")
	}
	to.must("LOAD|BEGIN", "d", "force")
	to.now += maxLoadPause + 1
	if to.must("SET", "a", "b"); to.s.loading != nil {
		t.Error("parts are kept for ever")
	}
}

// TestLoadDamaged ends the use of the state: the others have taken the same parts over.
func TestLoadDamaged(t *testing.T) {
	to := newLoader(t, 10, 1000)
	to.must("LOAD|BEGIN", "a", "")
	to.must("LOAD|PART", "a", "0", "no state")
	if _, err := to.apply(loadOrigin, 99, "LOAD|END", "a", ""); !errors.Is(err, ErrDamaged) {
		t.Errorf("got %v", err)
	}
}

// TestLoadWatched lets a transaction fail whose keys came by a load, though the
// number in the encoding is the one that was seen.
func TestLoadWatched(t *testing.T) {
	from := newLoader(t, 10, 1000)
	from.must("SET", "k", "1") // at 11
	to := newLoader(t, 10, 1000)
	to.must("SET", "k", "1")
	if got := to.load("a", "force", encoded(t, from.s)); got != "OK" {
		t.Fatal(got)
	}
	r, err := to.apply(loadOrigin, to.index+1, "TX|WATCH", "0", "k", "11")
	if err != nil || r.Replies[0].Str == "OK" {
		t.Errorf("the key counts as unchanged: %+v, %v", r, err)
	}
}

// Parts that are no state, as no node of trivet sends them, are refused from the
// level of the bounds on: they must not stop every node.
func TestLoadGarbage(t *testing.T) {
	m := newMachine(t)
	m.do(1, "SET", "k", "v")
	for _, words := range [][]string{{"LOAD|BEGIN", "a", loadForce}, {"LOAD|PART", "a", "0", "garbage"}} {
		if v := m.do(2, words...); v.IsError() {
			t.Fatal(v)
		}
	}
	if v := m.do(3, "LOAD|END", "a", loadForce); v.Str != errLoadParts.Str {
		t.Errorf("got %v", v)
	}
	if v := m.do(4, "GET", "k"); v.Str != "v" || m.st.loading != nil {
		t.Errorf("k is %v", v)
	}
}
