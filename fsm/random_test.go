package fsm

import (
	"bytes"
	"slices"
	"testing"

	"github.com/trivetdb/trivet/resp"
)

// Three states, one of which is restored from a snapshot again and again, must
// answer the same and be the same.
func TestRandomCommands(t *testing.T) {
	t.Parallel()
	n := 160 * len(rows)
	if testing.Short() {
		n = 2000
	}
	g := newGenerator(t)
	ms := []*machine{newMachine(t), newMachine(t), newMachine(t)}
	ran := map[string]int{}
	for i := range n {
		c := g.row(Read | Write | Logged)
		args, typed := g.args(c)
		at, db := ms[0].st.Now()+int64(g.IntN(10)), g.IntN(3)
		var first []byte
		var told []Message
		check := i%10 == 0
		for j, m := range ms {
			m.check = check
			v := m.write(at, db, c, args, typed).Append(nil, resp.Canonical)
			messages := m.st.TakeMessages()
			if j == 0 {
				first, told = v, messages
				if v[0] != '-' {
					ran[c.Name]++
				}
			} else if !bytes.Equal(v, first) {
				t.Fatalf("step %d, %q: state %d says %q, state 0 %q", i, args, j, v, first)
			} else if !slices.Equal(messages, told) {
				t.Fatalf("step %d, %q: state %d tells %v, state 0 %v", i, args, j, messages, told)
			}
		}
		if check {
			want := encoded(t, ms[0].st)
			for j, m := range ms[1:] {
				if !bytes.Equal(encoded(t, m.st), want) {
					t.Fatalf("step %d, %q: state %d differs", i, args, j+1)
				}
			}
		}
		if g.IntN(50) == 0 {
			ms[2].st = restored(t, ms[2].st)
		}
	}
	for _, c := range rows {
		if ran[c.Name] == 0 && c.Group != "stream" && c.Flags&Local == 0 && !testing.Short() {
			t.Errorf("%s never ran without an error", c.Name)
		}
	}
}

// A Read row leaves every state as it is.
func TestReadsChangeNothing(t *testing.T) {
	t.Parallel()
	g := newGenerator(t)
	m := newMachine(t)
	for range 30 {
		g.fill(m, 100)
		before := encoded(t, m.st)
		epoch, expired := m.st.epoch, m.st.expired
		for _, c := range rows {
			if c.Flags&Read == 0 {
				continue
			}
			for range 10 {
				args, _ := g.args(c)
				now := m.st.Now() + int64(g.IntN(100))
				m.st.Read(Request{Command: c, Args: args, DB: g.IntN(3), Now: now, Seed: g.Uint64()})
			}
			if m.st.epoch != epoch || m.st.expired != expired {
				t.Fatalf("%s changed a count", c.Name)
			}
			if !bytes.Equal(encoded(t, m.st), before) {
				t.Fatalf("%s changed the state", c.Name)
			}
			epoch = m.st.epoch // encoding froze it
			m.verify()
		}
	}
}

// A frozen view stays as it was while the state goes on.
func TestFreezeIsolates(t *testing.T) {
	g := newGenerator(t)
	m, twin := newMachine(t), newMachine(t)
	m.check, twin.check = false, false
	rounds := 40
	if testing.Short() {
		rounds = 5
	}
	for round := range rounds {
		for range 150 {
			c := g.row(Read | Write | Logged)
			args, typed := g.args(c)
			at, db := m.st.Now()+int64(g.IntN(20)), g.IntN(3)
			m.write(at, db, c, args, typed)
			twin.write(at, db, c, args, typed)
		}
		frozen := m.st.Freeze()
		if frozen.Index() != m.st.Index() {
			t.Fatal("the view is of another index")
		}
		want := encoded(t, twin.st)
		got := make(chan []byte)
		for range 2 { // a view may be encoded more than once
			go func() {
				var b bytes.Buffer
				if err := frozen.Encode(&b); err != nil {
					t.Error(err)
				}
				got <- b.Bytes()
			}()
		}
		for range 150 {
			c := g.row(Read | Write | Logged)
			args, typed := g.args(c)
			at, db := m.st.Now()+int64(g.IntN(20)), g.IntN(3)
			m.write(at, db, c, args, typed)
			twin.write(at, db, c, args, typed)
		}
		for range 2 {
			if !bytes.Equal(<-got, want) {
				t.Fatalf("round %d: the view changed", round)
			}
		}
		var late bytes.Buffer
		if err := frozen.Encode(&late); err != nil || !bytes.Equal(late.Bytes(), want) {
			t.Fatalf("round %d: the view changed after all: %v", round, err)
		}
		m.check = true
		m.verify()
		m.check = false
	}
}
