package fsm

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

// Rows that only tests have: they end the command, and what was written before
// in its group, in the ways in which that can be.
var endings = map[string]*Command{
	"TEST|PANIC":   {Spec{"TEST|PANIC", -1, Write, Keys{}, "server", "-", "-"}, func(*Tx, [][]byte) resp.Value { panic("a fault") }},
	"TEST|OVERRUN": {Spec{"TEST|OVERRUN", -1, Write, Keys{}, "server", "-", "-"}, func(tx *Tx, _ [][]byte) resp.Value { tx.charge(cost.Limit + 1); return resp.OK }},
	"TEST|REPLY":   {Spec{"TEST|REPLY", -1, Write, Keys{}, "server", "-", "-"}, func(*Tx, [][]byte) resp.Value { return resp.Str(strings.Repeat("x", MaxReply)) }},
	// writes, then is at fault
	"TEST|HALF": {Spec{"TEST|HALF", -1, Write, Keys{}, "server", "-", "-"}, func(tx *Tx, args [][]byte) resp.Value {
		tx.put([]byte("half"), &object{str: "done"})
		tx.remove([]byte("key:1"))
		was := *tx.chance
		table[string(args[1])].Run(tx, args[1:])
		*tx.chance = was // so that what follows draws as it does without this
		panic("a fault in the middle")
	}},
}

func init() {
	for name, c := range endings {
		table[name] = c
	}
}

// A transaction that is ended has no effect, whatever its commands were: the state
// is what it is with nothing in its place.
func TestUndo(t *testing.T) {
	t.Parallel()
	n := 20 * len(rows)
	if testing.Short() {
		n = 1000
	}
	g := newGenerator(t)
	plain, undoing := newMachine(t), newMachine(t)
	plain.check = false
	for i := range n {
		undoing.check = i%20 == 0
		at := undoing.st.Now() + int64(g.IntN(10))
		// what has an effect
		c := g.row(Write | Logged)
		args, typed := g.args(c)
		want := plain.write(at, i%3, c, args, typed).Append(nil, resp.Canonical)
		plain.st.TakeMessages()
		if got := undoing.write(at, i%3, c, args, typed).Append(nil, resp.Canonical); !bytes.Equal(got, want) {
			t.Fatalf("step %d, %q: got %q, want %q", i, args, got, want)
		}
		undoing.st.TakeMessages()
		// what has none
		group := &Group{Atomic: true}
		for range 1 + g.IntN(5) {
			c := g.row(Write | Logged | Read)
			if c.Name == "TX|ADMIT" || c.Name == "TX|WATCH" {
				continue // may leave out the rest
			}
			args, typed := g.args(c)
			group.Add(c, args, typed)
		}
		end := []string{"TEST|PANIC", "TEST|OVERRUN", "TEST|REPLY"}[g.IntN(3)]
		if i%50 > 0 && end == "TEST|REPLY" {
			end = "TEST|PANIC" // that takes much memory
		}
		group.Add(endings[end], [][]byte{nil}, nil)
		if g.IntN(3) == 0 {
			undoing.st.Freeze()
		}
		undoing.seq++
		result := undoing.entry(at, Batch{Origin: testOrigin, Seq: undoing.seq, Body: group.Append(nil, g.IntN(3))})[0]
		for _, v := range result.Replies {
			if !strings.HasPrefix(v.Str, ExecAbort) {
				t.Fatalf("step %d: a command of an ended transaction answers %q", i, v.Str)
			}
		}
		if got := len(result.Replies); got != group.Len() {
			t.Fatalf("step %d: %d replies to %d commands", i, got, group.Len())
		}
		plain.entry(at) // for the index, the time and what is due
		if m, want := undoing.st.TakeMessages(), plain.st.TakeMessages(); !slices.Equal(m, want) {
			t.Fatalf("step %d: an ended transaction tells of %v, not %v", i, m, want)
		}
		undoing.st.TakePanics()
		if i%20 == 0 {
			if !bytes.Equal(withoutOrigins(t, undoing.st), withoutOrigins(t, plain.st)) {
				t.Fatalf("step %d: the state differs after an ended transaction of %q", i, Names(group.Append(nil, 0)))
			}
		}
		if g.IntN(100) == 0 {
			undoing.st = restored(t, undoing.st)
		}
	}
}

// A fault in the middle of a command or of a transaction takes back what that wrote,
// and nothing of its neighbours in the entry, however many of them are at fault.
func TestFaultInTheMiddle(t *testing.T) {
	g := newGenerator(t)
	plain, faulty := newMachine(t), newMachine(t)
	for _, m := range []*machine{plain, faulty} {
		m.do(0, "SETTINGS|SET", "notify-keyspace-events", "KEA")
	}
	n := 2000
	if testing.Short() {
		n = 200
	}
	for i := range n {
		plain.check, faulty.check = false, i%20 == 0
		at := faulty.st.Now() + int64(g.IntN(10))
		var with, without Group
		var rest []int // the replies that both have
		var aborted, faults, replies int
		var before []byte // the groups of with before it

		for range 1 + g.IntN(6) {
			if g.IntN(3) == 0 {
				c := g.row(Write)
				if strings.HasPrefix(c.Name, "TX|") || strings.HasPrefix(c.Name, "LOAD|") {
					continue
				}
				args, _ := g.args(c)
				args = append([][]byte{nil, []byte(c.Name)}, args[1:]...)
				faults++
				if with.Add(endings["TEST|HALF"], args, nil); g.IntN(3) == 0 { // as a transaction, which ends with another command
					whole := Group{Atomic: true}
					whole.Add(Lookup("INCR"), bulks("", "counter"), nil)
					whole.Add(endings["TEST|HALF"], args, nil)
					whole.Add(Lookup("DEL"), bulks("", "counter"), nil)
					before = whole.Append(with.Append(before, 0), 0)
					replies += with.Len() + whole.Len()
					aborted, faults, with = aborted+whole.Len(), faults+1, Group{}
				}
			}
			c := g.row(Write | Read)
			args, typed := g.args(c)
			if c.Name == "TX|WATCH" || c.Name == "TX|ADMIT" {
				continue // may leave out the rest
			}
			rest = append(rest, replies+with.Len())
			with.Add(c, args, typed)
			without.Add(c, args, typed)
		}
		if without.Len() == 0 {
			continue
		}
		body := with.Append(before, 0)
		faulty.seq++
		plain.seq++
		a := faulty.entry(at, Batch{Origin: testOrigin, Seq: faulty.seq, Body: body})[0]
		b := plain.entry(at, Batch{Origin: testOrigin, Seq: plain.seq, Body: without.Append(nil, 0)})[0]
		for j, v := range a.Replies {
			switch {
			case slices.Contains(rest, j):
			case v.Str == ExecAbort+errFault.Str:
				aborted--
			case v.Str != errFault.Str:
				t.Fatalf("step %d: a faulty command answers %q", i, v.Str)
			}
		}
		if aborted != 0 {
			t.Fatalf("step %d: %d more commands of transactions should have been ended", i, aborted)
		}
		for j, at := range rest {
			if got, want := a.Replies[at].Append(nil, resp.Canonical), b.Replies[j].Append(nil, resp.Canonical); !bytes.Equal(got, want) {
				t.Fatalf("step %d, command %d of %q: got %q, want %q", i, j, body, got, want)
			}
		}
		if got := len(faulty.st.TakePanics()); got != faults {
			t.Fatalf("step %d: %d faults are told of, not %d", i, got, faults)
		}
		if m, o := faulty.st.TakeMessages(), plain.st.TakeMessages(); !slices.Equal(m, o) {
			t.Fatalf("step %d: messages %v, want %v", i, m, o)
		}
		if i%20 == 0 && !bytes.Equal(withoutOrigins(t, faulty.st), withoutOrigins(t, plain.st)) {
			t.Fatalf("step %d: the state differs", i)
		}
	}
}

// What an entry has written already is not noted a second time; a command that is at
// fault after it has written to that has no effect all the same.
func TestFaultAfterASecondWrite(t *testing.T) {
	const loop = "#!lua name=lib\nredis.register_function('f', function(keys) redis.call(unpack(keys)) while true do end end)"
	for _, words := range [][2][]string{
		{{"SET", "k", "first"}, {"SET", "k", "second"}},
		{{"HSET", "k", "a", "1"}, {"HSET", "k", "b", "2"}},
		{{"RPUSH", "k", "a"}, {"RPUSH", "k", "b"}},
		{{"ZADD", "k", "1", "a"}, {"ZADD", "k", "2", "b"}},
		{{"SET", "k", "first"}, {"PEXPIRE", "k", "5"}},
	} {
		m, want := newMachine(t), newMachine(t)
		for _, m := range []*machine{m, want} {
			if v := m.doSub(1, "FUNCTION|LOAD", loop); v.IsError() {
				t.Fatal(v)
			}
		}
		var g, first Group
		first.Add(Lookup(words[0][0]), bulks(words[0]...), nil)
		g.Add(Lookup(words[0][0]), bulks(words[0]...), nil)
		g.Add(Lookup("FCALL"), bulks(append([]string{"FCALL", "f", fmt.Sprint(len(words[1]))}, words[1]...)...), nil)
		r := m.entry(2, Batch{Origin{9, 1}, 1, g.Append(nil, 0)})[0]
		want.entry(2, Batch{Origin{9, 1}, 1, first.Append(nil, 0)})
		if len(r.Replies) != 2 || !r.Replies[1].IsError() {
			t.Fatalf("%v: got %v", words, r)
		}
		if !bytes.Equal(withoutOrigins(t, m.st), withoutOrigins(t, want.st)) {
			t.Errorf("%v: a function that was ended had an effect", words)
		}
	}
}

// What an entry has no room for is left out, and has no effect.
func TestCut(t *testing.T) {
	m := newMachine(t)
	spend := &Command{Spec{"TEST|SPEND", -1, Write, Keys{}, "server", "-", "-"}, func(tx *Tx, _ [][]byte) resp.Value {
		tx.charge(enough / 2)
		return resp.OK
	}}
	table["TEST|SPEND"] = spend
	var g, late Group
	for range 3 {
		g.Add(spend, [][]byte{nil}, nil)
		g.Add(Lookup("INCR"), bulks("", "n"), nil)
	}
	late.Add(Lookup("INCR"), bulks("", "late"), nil)
	body := late.Append(g.Append(nil, 0), 0)
	other := Origin{ID: 8, Life: 1}
	results := m.entry(1, Batch{testOrigin, 1, body}, Batch{other, 1, late.Append(nil, 0)})
	if got := len(results[0].Replies); got != 3 {
		t.Errorf("%d commands were applied, not 3", got)
	}
	if r := results[1]; r.Outcome != Deferred {
		t.Errorf("a batch past the bound: %+v", r)
	}
	if n, late := m.do(2, "GET", "n").Str, m.do(2, "GET", "late"); n != "1" || late.Kind != resp.Null {
		t.Errorf("n is %s, late is %v", n, late)
	}
	again := m.entry(3, Batch{testOrigin, 1, body}) // as its origin may send it
	if r := again[0]; r.Outcome != Replayed || len(r.Replies) != 3 {
		t.Errorf("once more: %+v", r)
	}
}
