package fsm

import (
	"bytes"
	"testing"

	"github.com/trivetdb/trivet/resp"
)

// A machine is a State with a log of one: what it is told goes through entries,
// encoded and decoded, as on a node. All its failures end the test.
type machine struct {
	t     testing.TB
	st    *State
	index uint64
	seq   uint64
	seed  uint64
	check bool // walk the invariants after each entry
}

var testOrigin = Origin{ID: 7, Life: 1}

func newMachine(t testing.TB) *machine {
	return &machine{t: t, st: NewStateAt(NewestLevel), check: true}
}

// bulks makes arguments of words.
func bulks(words ...string) [][]byte {
	args := make([][]byte, 0, len(words))
	for _, w := range words {
		args = append(args, []byte(w))
	}
	return args
}

// groupOf returns a group of one command.
func groupOf(c *Command, args [][]byte, typed []bool) *Group {
	g := &Group{}
	g.Add(c, args, typed)
	return g
}

// entry applies an entry with the given batches.
func (m *machine) entry(at int64, batches ...Batch) []Result {
	m.t.Helper()
	m.index++
	m.seed++
	data := (&Entry{Time: at, Seed: m.seed, Batches: batches}).Append(nil)
	e, err := DecodeEntry(data)
	if err != nil {
		m.t.Fatal(err)
	}
	results, err := m.st.Apply(m.index, e)
	if err != nil {
		m.t.Fatal(err)
	}
	m.verify()
	return results
}

func (m *machine) verify() {
	m.t.Helper()
	if !m.check {
		return
	}
	if err := m.st.Check(); err != nil {
		m.t.Fatalf("after entry %d: %v", m.index, err)
	}
}

// write applies one command of any row, reads too, at a time.
func (m *machine) write(at int64, db int, c *Command, args [][]byte, typed []bool) resp.Value {
	m.t.Helper()
	m.seq++
	body := groupOf(c, args, typed).Append(nil, db)
	r := m.entry(at, Batch{Origin: testOrigin, Seq: m.seq, Body: body})[0]
	if r.Outcome != Applied || len(r.Replies) != 1 {
		m.t.Fatalf("%q: got %+v", args, r)
	}
	return r.Replies[0]
}

// run runs a command where its row says: a write through an entry, a read on
// the state as it is.
func (m *machine) run(at int64, db int, c *Command, args [][]byte, typed []bool) resp.Value {
	m.t.Helper()
	if c.Flags&Read != 0 {
		m.seed++
		return m.st.Read(Request{Command: c, Args: args, DB: db, Now: at, Seed: m.seed})
	}
	return m.write(at, db, c, args, typed)
}

// do runs a command given in words, in database 0.
func (m *machine) do(at int64, words ...string) resp.Value {
	m.t.Helper()
	c := Lookup(words[0])
	if c == nil {
		m.t.Fatalf("no command %s", words[0])
	}
	return m.run(at, 0, c, bulks(words...), nil)
}

// encoded returns the encoding of a state.
func encoded(t testing.TB, s *State) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := s.Freeze().Encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// restored returns a state that went through a snapshot, and checks that it
// encodes to the same bytes.
func restored(t testing.TB, s *State) *State {
	t.Helper()
	before := encoded(t, s)
	back, err := Decode(bytes.NewReader(before))
	if err != nil {
		t.Fatal(err)
	}
	if err := back.Check(); err != nil {
		t.Fatalf("after a restore: %v", err)
	}
	if after := encoded(t, back); !bytes.Equal(before, after) {
		t.Fatalf("a restored state encodes to other bytes:\n%q\n%q", before, after)
	}
	return back
}
