package node

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/trivetdb/trivet/fsm"
)

// What nodes say to one another of clients that wait. A claim is one client's
// wish for what comes to its keys; its node, the claimant, makes it at the
// leader.

// A claimNote is a call from a claimant to the leader. Notes of a stream are
// numbered from 0; a claimant that is not sure that the leader has understood all
// of them begins a new stream, which says everything anew.
type claimNote struct {
	origin fsm.Origin
	addr   string // where turns are to be sent
	stream uint64
	number uint64
	words  []claimWord
	count  uint64 // claims there are after the words
	sum    uint64 // the exclusive or of their numbers
}

// A claimWord says what has become of a claim.
type claimWord struct {
	kind byte
	id   uint64
	turn uint64 // the number of the turn that it had or, where it is made, has
	// of a claim that is made
	since int64         // when a leader heard of it, by that one's clock; 0 where none has
	age   time.Duration // how long the client has waited
	key   int           // the place among its keys of the one that it has a turn for, -1 for none
	db    int
	wait  fsm.Wait
}

// The kinds of claimWord.
const (
	claimMade   = 'm'
	claimStays  = 's' // it had its turn and found nothing
	claimLeaves = 'l'
)

// A claimAnswer is the leader's answer to a claimNote.
type claimAnswer struct {
	verdict
	at    int64  // when it was taken, microseconds by the leader's clock
	turns []turn // that there are, those for claims of this note among them
	// after are the claims of this note that stand behind others who try just now:
	// what is there may be left for them.
	after []uint64
}

// A verdict says what became of a note.
type verdict byte

const (
	noteTaken  verdict = 't'
	noteNoTerm verdict = 'n' // this node does not lead, or not yet
	noteAgain  verdict = 'a' // tell me everything
)

// A turnNote is a call from the leader to a claimant.
type turnNote struct {
	origin fsm.Origin
	stream uint64 // the claimant's
	turns  []turn
}

// A turn says that a client should try.
type turn struct {
	id     uint64
	number uint64
	key    int  // its place among the claim's keys
	first  bool // the key is of a wrong type
}

var errNote = errors.New("a note on waiting clients makes no sense")

func appendString(b []byte, s []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

func appendOrigin(b []byte, o fsm.Origin) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(b, o.ID), uint64(o.Life))
}

func (n *claimNote) append(b []byte) []byte {
	b = appendString(appendOrigin(b, n.origin), []byte(n.addr))
	for _, v := range []uint64{n.stream, n.number, n.count, n.sum, uint64(len(n.words))} {
		b = binary.AppendUvarint(b, v)
	}
	for i := range n.words {
		w := &n.words[i]
		b = binary.AppendUvarint(append(b, w.kind), w.id)
		b = binary.AppendUvarint(b, w.turn)
		if w.kind != claimMade {
			continue
		}
		b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(max(0, w.since))), uint64(max(0, w.age)))
		b = binary.AppendUvarint(b, uint64(w.key+1))
		b = append(b, byte(w.db), byte(w.wait.Kind))
		b = binary.AppendUvarint(b, uint64(len(w.wait.Keys)))
		for _, key := range w.wait.Keys {
			b = appendString(b, key)
		}
		if w.wait.Kind == fsm.WaitGroup {
			b = binary.AppendUvarint(appendString(b, []byte(w.wait.Group)), uint64(max(0, w.wait.Count)))
		}
	}
	return b
}

func decodeClaimNote(b []byte) (n claimNote, err error) {
	r := noteReader{b: b}
	n.origin, n.addr = r.origin(), string(r.bytes())
	n.stream, n.number, n.count, n.sum = r.uvarint(), r.uvarint(), r.uvarint(), r.uvarint()
	for words := r.uvarint(); words > 0 && !r.bad; words-- {
		w := claimWord{kind: r.byte(), id: r.uvarint(), turn: r.uvarint()}
		if w.kind == claimMade {
			w.since, w.age = int64(r.uvarint()), time.Duration(r.uvarint())
			w.key = int(r.uvarint()) - 1
			w.db, w.wait.Kind = int(r.byte()), fsm.WaitKind(r.byte())
			for keys := r.uvarint(); keys > 0 && !r.bad; keys-- {
				w.wait.Keys = append(w.wait.Keys, r.bytes())
			}
			if w.wait.Kind == fsm.WaitGroup {
				w.wait.Group, w.wait.Count = string(r.bytes()), int64(r.uvarint())
			}
			r.bad = r.bad || w.db >= fsm.Databases || w.key >= len(w.wait.Keys)
		}
		n.words = append(n.words, w)
	}
	return n, r.err()
}

func (a *claimAnswer) append(b []byte) []byte {
	b = appendTurns(binary.AppendUvarint(append(b, byte(a.verdict)), uint64(a.at)), a.turns)
	b = binary.AppendUvarint(b, uint64(len(a.after)))
	for _, id := range a.after {
		b = binary.AppendUvarint(b, id)
	}
	return b
}

func decodeClaimAnswer(b []byte) (a claimAnswer, err error) {
	r := noteReader{b: b}
	a.verdict, a.at, a.turns = verdict(r.byte()), int64(r.uvarint()), r.turns()
	for n := r.uvarint(); n > 0 && !r.bad; n-- {
		a.after = append(a.after, r.uvarint())
	}
	return a, r.err()
}

func (n *turnNote) append(b []byte) []byte {
	return appendTurns(binary.AppendUvarint(appendOrigin(b, n.origin), n.stream), n.turns)
}

func appendTurns(b []byte, turns []turn) []byte {
	b = binary.AppendUvarint(b, uint64(len(turns)))
	for _, t := range turns {
		for _, v := range []uint64{t.id, t.number, uint64(t.key)} {
			b = binary.AppendUvarint(b, v)
		}
		b = appendBool(b, t.first)
	}
	return b
}

func decodeTurnNote(b []byte) (n turnNote, err error) {
	r := noteReader{b: b}
	n.origin, n.stream, n.turns = r.origin(), r.uvarint(), r.turns()
	return n, r.err()
}

// A noteReader reads one value after the other; bad says that one was not there.
type noteReader struct {
	b   []byte
	bad bool
}

func (r *noteReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.b, r.bad = nil, true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *noteReader) bytes() []byte {
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		r.b, r.bad = nil, true
		return nil
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

func (r *noteReader) byte() byte {
	if len(r.b) == 0 {
		r.bad = true
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *noteReader) origin() fsm.Origin {
	return fsm.Origin{ID: r.uvarint(), Life: uint32(r.uvarint())}
}

func (r *noteReader) turns() (turns []turn) {
	for n := r.uvarint(); n > 0 && !r.bad; n-- {
		turns = append(turns, turn{r.uvarint(), r.uvarint(), int(r.uvarint()), r.byte() == 1})
	}
	return turns
}

func (r *noteReader) err() error {
	if r.bad || len(r.b) > 0 {
		return errNote
	}
	return nil
}
