package fsm

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/trivetdb/trivet/resp"
)

// What an entry does follows from no savepoint: one state has them before each entry,
// the other shares them between as many entries as it likes.
func TestStretch(t *testing.T) {
	t.Parallel()
	n := 4000
	if testing.Short() {
		n = 1000
	}
	g := newGenerator(t)
	each, shared := newMachine(t), newMachine(t)
	each.st.Listen(true)
	shared.st.Listen(true)
	again, longest := 0, 0
	other := Origin{testOrigin.ID + 1, 1}
	var view *Frozen
	var seen []byte // of view
	for i := range n {
		each.check, shared.check = false, i%50 == 0
		at := shared.st.Now() + int64(g.IntN(4))
		var group Group
		if i == 0 {
			group.Add(Lookup("SETTINGS|SET"), bulks("", "notify-keyspace-events", "KEA"), nil)
		}
		faults := i/250%2 == 0 // else stretches get long
		for range 1 + g.IntN(3) {
			c := g.row(Write | Read)
			if strings.HasPrefix(c.Name, "TX|") {
				continue // may leave out the rest
			}
			args, typed := g.args(c)
			group.Add(c, args, typed)
			if faults && g.IntN(20) == 0 { // what writes, and is at fault
				if c = g.row(Write); !strings.HasPrefix(c.Name, "TX|") && !strings.HasPrefix(c.Name, "LOAD|") {
					args, _ := g.args(c)
					group.Add(endings["TEST|HALF"], append([][]byte{nil, []byte(c.Name)}, args[1:]...), nil)
				}
			}
			switch g.IntN(500) { // what writes nothing, and is ended
			case 0:
				group.Add(endings["TEST|REPLY"], [][]byte{nil}, nil)
			case 1, 2, 3:
				group.Add(endings["TEST|OVERRUN"], [][]byte{nil}, nil)
			}
		}
		each.st.Freeze()
		before := len(shared.st.stretch.entries)
		longest = max(longest, before)
		shared.seq++
		each.seq++
		body := group.Append(nil, g.IntN(2))
		got := shared.entry(at, Batch{Origin: testOrigin, Seq: shared.seq, Body: body})[0]
		want := each.entry(at, Batch{Origin: testOrigin, Seq: each.seq, Body: body})[0]
		if before > 0 && slices.ContainsFunc(got.Replies, func(v resp.Value) bool { return v.Str == errFault.Str }) {
			again++
		}
		if got.Outcome != want.Outcome || len(got.Replies) != len(want.Replies) {
			t.Fatalf("entry %d: got %+v, want %+v", i, got, want)
		}
		for j := range got.Replies {
			if a, b := got.Replies[j].Append(nil, resp.Canonical), want.Replies[j].Append(nil, resp.Canonical); !bytes.Equal(a, b) {
				t.Fatalf("entry %d, command %d of %q: got %q, want %q", i, j, body, a, b)
			}
		}
		if g.IntN(4) == 0 { // so that some of what was left is heard of, and some is not
			if a, b := shared.st.TakeMessages(), each.st.TakeMessages(); !slices.Equal(a, b) {
				t.Fatalf("entry %d: messages %v, want %v", i, a, b)
			}
			if a, b := shared.st.TakeSignals(), each.st.TakeSignals(); !slices.Equal(a, b) {
				t.Fatalf("entry %d: signals %v, want %v", i, a, b)
			}
			if a, b := shared.st.TakeDeleted(), each.st.TakeDeleted(); !slices.Equal(a, b) {
				t.Fatalf("entry %d: deleted users %v, want %v", i, a, b)
			}
			if a, b := len(shared.st.TakePanics()), len(each.st.TakePanics()); a != b {
				t.Fatalf("entry %d: %d faults, want %d", i, a, b)
			}
		}
		if a, b := shared.st.Expired(), each.st.Expired(); a != b {
			t.Fatalf("entry %d: %d keys expired, want %d", i, a, b)
		}
		if a, b := shared.st.Overruns(), each.st.Overruns(); a != b {
			t.Fatalf("entry %d: %d overruns, want %d", i, a, b)
		}
		if i%250 == 0 && !bytes.Equal(encoded(t, shared.st), encoded(t, each.st)) {
			t.Fatalf("entry %d: the states differ", i)
		}
		if view != nil && i%50 == 40 && !bytes.Equal(encodedView(t, view), seen) {
			t.Fatalf("entry %d: a frozen view has changed", i)
		}
		switch g.IntN(60) {
		case 0:
			view = shared.st.Freeze()
			seen = encodedView(t, view)
		case 1:
			shared.st.SetMembers(shared.index, []uint64{testOrigin.ID})
			each.st.SetMembers(each.index, []uint64{testOrigin.ID})
		case 2:
			shared.index++
			each.index++
			group := groupOf(Lookup("INCR"), bulks("", "n"), nil)
			for _, m := range []*machine{shared, each} {
				if _, err := m.st.Skip(m.index, Entry{at, 0, []Batch{{other, uint64(i), group.Append(nil, 0)}}}); err != nil {
					t.Fatal(err)
				}
			}
		case 3:
			group := groupOf(Lookup("INCR"), bulks("", "n"), nil)
			for _, m := range []*machine{shared, each} {
				m.entry(at, Batch{other, uint64(i), group.Append(nil, 0)})
			}
		}
	}
	if again < n/50 || longest < maxStretchEntries-1 {
		t.Errorf("only %d entries began others again, and the longest stretch was %d", again, longest)
	}
}

// Who was taken out of the cluster stays so when entries begin again.
func TestStretchMembers(t *testing.T) {
	m := newMachine(t)
	other := Origin{testOrigin.ID + 1, 1}
	write := groupOf(Lookup("SET"), bulks("", "k", "v"), nil).Append(nil, 0)
	m.entry(1, Batch{other, 1, write})
	m.st.SetMembers(m.index, []uint64{testOrigin.ID})
	m.entry(2, Batch{testOrigin, 1, groupOf(endings["TEST|HALF"], bulks("", "DEL", "k"), nil).Append(nil, 0)})
	if replies := m.st.origins[other.ID].replies; replies != nil {
		t.Errorf("the replies of a node that is no member are kept: %v", replies)
	}
}
