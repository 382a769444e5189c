package fsm

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/trivetdb/trivet/resp"
)

// incrBatch is a batch of one INCR of n.
func incrBatch(o Origin, seq uint64) Batch {
	return Batch{Origin: o, Seq: seq, Body: groupOf(Lookup("INCR"), bulks("INCR", "n"), nil).Append(nil, 0)}
}

// expect checks a result: its outcome, and its one reply where it has any.
func expect(t *testing.T, r Result, outcome Outcome, replies ...resp.Value) {
	t.Helper()
	if r.Outcome != outcome || fmt.Sprint(r.Replies) != fmt.Sprint(replies) {
		t.Errorf("got %v %v, want %v %v", r.Outcome, r.Replies, outcome, replies)
	}
}

func TestExactlyOnce(t *testing.T) {
	m := newMachine(t)
	a, b := Origin{ID: 1, Life: 1}, Origin{ID: 2, Life: 5}
	send := func(o Origin, seq uint64) Result {
		t.Helper()
		r := m.entry(0, incrBatch(o, seq))[0]
		m.st = restored(t, m.st)
		return r
	}
	expect(t, send(a, 1), Applied, resp.Int(1))
	expect(t, send(a, 1), Replayed, resp.Int(1))
	expect(t, send(b, 1), Applied, resp.Int(2))
	expect(t, send(a, 1), Replayed, resp.Int(1))
	expect(t, send(a, 2), Applied, resp.Int(3))
	expect(t, send(a, 1), Superseded)
	expect(t, send(a, 10), Applied, resp.Int(4)) // a gap: what lay between was given up
	expect(t, send(a, 9), Superseded)
	expect(t, send(a, 10), Replayed, resp.Int(4))
	a.Life++ // the node starts anew, and counts from 1
	expect(t, send(a, 1), Applied, resp.Int(5))
	expect(t, send(a, 1), Replayed, resp.Int(5))
	expect(t, send(Origin{ID: 1, Life: 1}, 11), Superseded)
	expect(t, send(b, 1), Replayed, resp.Int(2))
	if v := m.do(0, "GET", "n"); v.Str != "5" {
		t.Errorf("n is %s", v.Str)
	}
}

func TestOneEntryOfManyBatches(t *testing.T) {
	m := newMachine(t)
	a, b := Origin{ID: 1, Life: 1}, Origin{ID: 2, Life: 1}
	r := m.entry(0, incrBatch(a, 1), incrBatch(b, 1), incrBatch(a, 1), incrBatch(a, 2), incrBatch(a, 1))
	expect(t, r[0], Applied, resp.Int(1))
	expect(t, r[1], Applied, resp.Int(2))
	expect(t, r[2], Replayed, resp.Int(1))
	expect(t, r[3], Applied, resp.Int(3))
	expect(t, r[4], Superseded)
}

func TestBatchOfManyGroups(t *testing.T) {
	m := newMachine(t)
	g := groupOf(Lookup("INCR"), bulks("INCR", "n"), nil)
	g.Add(Lookup("INCR"), bulks("INCR", "n"), nil)
	body := g.Append(g.Append(nil, 0), 1)
	r := m.entry(0, Batch{Origin: testOrigin, Seq: 1, Body: body})[0]
	expect(t, r, Applied, resp.Int(1), resp.Int(2), resp.Int(1), resp.Int(2))
	if m.st.Len(0) != 1 || m.st.Len(1) != 1 || m.st.Index() != 1 {
		t.Error("the groups did not go to their databases")
	}
}

func TestSetMembers(t *testing.T) {
	m := newMachine(t)
	stays, goes := Origin{ID: 1, Life: 1}, Origin{ID: 2, Life: 1}
	m.entry(0, incrBatch(stays, 7), incrBatch(goes, 7))
	m.index++
	m.st.SetMembers(m.index, []uint64{1, 3})
	m.st = restored(t, m.st)
	if m.st.Index() != m.index {
		t.Errorf("index %d, want %d", m.st.Index(), m.index)
	}
	r := m.entry(0, incrBatch(stays, 7), incrBatch(goes, 7), incrBatch(goes, 6), incrBatch(goes, 8))
	expect(t, r[0], Replayed, resp.Int(1))
	expect(t, r[1], Replayed) // never applied twice, though its replies are gone
	expect(t, r[2], Superseded)
	expect(t, r[3], Applied, resp.Int(3))
}

func TestTimeNeverGoesBack(t *testing.T) {
	m := newMachine(t)
	m.do(1000, "SET", "k", "v", "PX", "100")
	for _, at := range []int64{-5, 0, 999, 1000} {
		m.entry(at)
		if m.st.Now() != 1000 {
			t.Fatalf("at %d the time became %d", at, m.st.Now())
		}
		if v := m.do(at, "PTTL", "k"); v.Int != 100 {
			t.Errorf("at %d: PTTL %d", at, v.Int)
		}
	}
	m.do(50, "SET", "l", "v", "PX", "100")
	if v := m.do(0, "PEXPIRETIME", "l"); v.Int != 1100 {
		t.Errorf("got %d", v.Int)
	}
	m.do(2000, "PTTL", "k") // a read's clock does not move the state's
	if m.st.Now() != 1000 {
		t.Errorf("a read moved the time to %d", m.st.Now())
	}
}

func TestRevisions(t *testing.T) {
	m := newMachine(t)
	m.do(0, "SET", "k", "v")
	rev := func() uint64 { return m.st.dbs[0].get([]byte("k")).rev }
	for _, words := range [][]string{
		{"APPEND", "k", "w"}, {"EXPIRE", "k", "100"}, {"PERSIST", "k"}, {"SET", "k", "1"},
		{"INCR", "k"}, {"INCRBYFLOAT", "k", "0.5"}, {"SETRANGE", "k", "0", "x"}, {"GETEX", "k", "EX", "5"},
	} {
		m.do(0, words...)
		if rev() != m.index {
			t.Errorf("%q leaves revision %d at entry %d", words, rev(), m.index)
		}
	}
	before := rev()
	for _, words := range [][]string{
		{"GETEX", "k"}, {"SETNX", "k", "x"}, {"INCR", "k"}, {"EXPIRE", "k", "1", "NX"},
		{"SET", "k", "x", "NX"}, {"SETRANGE", "k", "0", ""}, {"RENAME", "k", "k"}, {"DEL", "other"},
	} {
		m.do(0, words...)
		if rev() != before {
			t.Errorf("%q changes the revision", words)
		}
	}
}

// What a snapshot holds may be larger or deeper than what a client may send.
func TestSnapshotOfLargeReplies(t *testing.T) {
	m := newMachine(t)
	words := make([]string, resp.DefaultLimits.Args+2)
	words[0] = "MGET"
	m.write(0, 0, Lookup("MGET"), bulks(words...), nil)
	restored(t, m.st)

	deep := bytes.Repeat([]byte("*1\r\n"), resp.DefaultLimits.Depth)
	deep = append(deep, ":1\r\n"...)
	set, mget := Lookup("CLASSIC|SET"), Lookup("CLASSIC|MGET")
	m.write(0, 0, set, [][]byte{nil, []byte("k"), deep}, []bool{false, false, true})
	if v := m.write(0, 0, mget, bulks("MGET", "k"), nil); v.Elems[0].Kind != resp.Array {
		t.Fatalf("got %v", v.Elems[0])
	}
	restored(t, m.st)
}

func TestTypedValueThatIsNone(t *testing.T) {
	m := newMachine(t)
	set := Lookup("CLASSIC|SET")
	for _, text := range []string{"", "x", ":5", ":5\r\n:6\r\n", "*1\r\n"} {
		v := m.write(0, 0, set, bulks("SET", "k", text), []bool{false, false, true})
		if !v.IsError() || m.st.Len(0) != 0 {
			t.Errorf("%q: got %v", text, v)
		}
	}
	m.write(0, 0, set, bulks("SET", "k", "$1\r\nx\r\n"), []bool{false, false, true})
	if v := m.do(0, "APPEND", "k", "y"); v.Int != 2 {
		t.Errorf("a typed string is no string: %v", v)
	}
}
