package fsm

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"testing"
)

// A plainStream is the entries of a stream, as simple as can be.
type plainStream []streamEntry

func sameEntry(a, b streamEntry) bool { return a.id == b.id && slices.Equal(a.fields, b.fields) }

// within returns the entries from one ID to another.
func (p plainStream) within(from, to streamID) plainStream {
	return slices.DeleteFunc(slices.Clone(p), func(e streamEntry) bool { return e.id.less(from) || to.less(e.id) })
}

// within is the same of a stream, in either order.
func (s *stream) within(from, to streamID, back bool) plainStream {
	var found plainStream
	s.each(from, to, back, func(e *streamEntry) bool {
		found = append(found, *e)
		return true
	})
	return found
}

// same reports how a stream differs from a plain one.
func (p plainStream) same(s *stream) error {
	if err := s.check(); err != nil {
		return err
	}
	if got := s.within(streamID{}, maxStreamID, false); !slices.EqualFunc(got, p, sameEntry) {
		return fmt.Errorf("got %d entries, want %d", len(got), len(p))
	}
	if len(p) > 0 && (s.edge(false).id != p[0].id || s.edge(true).id != p[len(p)-1].id) {
		return fmt.Errorf("its edges are wrong")
	}
	return nil
}

// idNear draws an ID that s may have.
func (g *generator) idNear(s *stream) streamID {
	return streamID{g.Uint64N(s.last.ms + 2), g.Uint64N(4)}
}

// trimming draws one, and returns how many entries of p go by it.
func (g *generator) trimming(s *stream, p plainStream) (t trimming, n int) {
	t.limit = -1
	if g.IntN(2) == 0 {
		t.by, t.maxLen = trimMaxLen, int64(max(len(p)-g.IntN(len(p)/4+2), 0))
		n = len(p) - int(t.maxLen)
	} else {
		t.by, t.minID = trimMinID, streamID{g.Uint64N(s.last.ms/3 + 1), 2}
		n = len(p.within(streamID{}, streamID{t.minID.ms, 1}))
	}
	if g.IntN(3) == 0 {
		t.limit = 1 + int64(g.IntN(300))
		n = min(n, int(t.limit))
	}
	return t, n
}

// changeStream makes one random change to s and the same to its model.
func (g *generator) changeStream(t *testing.T, s *stream, p plainStream, grow bool) plainStream {
	t.Helper()
	switch op := g.IntN(10); {
	case op < 5 && grow || op < 2:
		for range g.IntN(400) {
			id := streamID{s.last.ms, s.last.seq + 1}
			if g.IntN(2) == 0 {
				id = streamID{s.last.ms + 1 + g.Uint64N(3), 0}
			}
			e := streamEntry{id, []string{"n", fmt.Sprint(g.IntN(100))}}
			s.add(e.id, e.fields)
			p = append(p, e)
		}
	case op < 7: // runs of neighbours empty chunks
		id := g.idNear(s)
		for range g.IntN(300) {
			at := slices.IndexFunc(p, func(e streamEntry) bool { return e.id == id })
			if s.has(id) != (at >= 0) || s.remove(id) != (at >= 0) {
				t.Fatalf("%v is at %d of the model", id, at)
			}
			if at >= 0 {
				p = slices.Delete(p, at, at+1)
			}
			if id.seq++; id.seq > 3 {
				id = streamID{id.ms + 1, 0}
			}
		}
	default:
		trim, n := g.trimming(s, p)
		if got := trim.run(freeTx(), s); got != int64(n) {
			t.Fatalf("%+v removed %d entries, want %d", trim, got, n)
		}
		p = p[n:]
	}
	return p
}

// A stream does what a slice does, and its clones stay as they were.
func TestStreamIsASlice(t *testing.T) {
	t.Parallel()
	g := newGenerator(t)
	rounds := 3000
	if testing.Short() {
		rounds = 300
	}
	type frozen struct {
		s    *stream
		want plainStream
	}
	s, epoch := newStream(1), uint64(1)
	var model plainStream
	var old []frozen
	for i := range rounds {
		model = g.changeStream(t, s, slices.Clone(model), i%1000 < 500)
		if err := model.same(s); err != nil {
			t.Fatalf("round %d: %v", i, err)
		}
		from, to := g.idNear(s), g.idNear(s)
		want := model.within(from, to)
		if !slices.EqualFunc(s.within(from, to, false), want, sameEntry) {
			t.Fatalf("round %d: another range from %v to %v", i, from, to)
		}
		slices.Reverse(want)
		if !slices.EqualFunc(s.within(from, to, true), want, sameEntry) {
			t.Fatalf("round %d: another range back to %v from %v", i, from, to)
		}
		if g.IntN(5) == 0 {
			old = append(old, frozen{s, slices.Clone(model)})
			epoch++
			s = s.clone(epoch).(*stream)
		}
		if len(old) > 8 {
			if err := old[0].want.same(old[0].s); err != nil {
				t.Fatalf("round %d: a clone changed: %v", i, err)
			}
			old = old[1:]
		}
	}
}

// The encoding tells nothing of how a stream came to be.
func TestStreamEncoding(t *testing.T) {
	run := func(commands ...string) []byte {
		st := NewState()
		for i := range 1000 {
			applied(t, st, 1000, fmt.Sprintf("XADD s %d f v", i+1))
		}
		applied(t, st, 1000, commands...)
		var b bytes.Buffer
		e := newEncoder(&b)
		st.dbs[2].get([]byte("s")).val.(*stream).encode(e)
		if err := e.w.Flush(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	if !bytes.Equal(run("XTRIM s MAXLEN 300"), run("XTRIM s MINID 200", "XTRIM s MAXLEN ~ 500", "XTRIM s MINID 701")) {
		t.Error("two ways to the same stream give two encodings")
	}
}

func TestXReadKeys(t *testing.T) {
	for words, want := range map[string]string{
		"XREAD STREAMS a 0":                         "[2]",
		"XREAD COUNT 2 BLOCK 0 streams a b c 0 0 $": "[6 7 8]",
		"XREAD STREAMS a b 0":                       "[]",
		"XREAD COUNT 1 2":                           "[]",
	} {
		args := bytes.Fields([]byte(words))
		if got := fmt.Sprint(Lookup("XREAD").KeysOf(args)); got != want {
			t.Errorf("%s: got %s, want %s", words, got, want)
		}
	}
}

func TestStreamIDs(t *testing.T) {
	low, high := streamID{7, 0}, streamID{6, math.MaxUint64}
	if id, ok := high.next(); id != low || !ok {
		t.Errorf("after %v comes %v", high, id)
	}
	if id, ok := low.before(); id != high || !ok {
		t.Errorf("ahead of %v is %v", low, id)
	}
	if _, ok := maxStreamID.next(); ok {
		t.Error("an ID past the last")
	}
	if _, ok := (streamID{}).before(); ok {
		t.Error("an ID ahead of the first")
	}
}
