package fsm

import (
	"slices"

	"github.com/trivetdb/trivet/resp"
)

// An entry that ends every process that applies it keeps the cluster down for
// ever. An operator can have all nodes leave it out: its commands answer an error,
// and the state remembers its index, so that no node can be in the same cluster
// that has applied it.

var errSkipped = resp.Err("ERR this request was left out by an operator, since it ended the nodes that applied it")

// Skip is Apply for an entry that is to have no effect.
func (s *State) Skip(index uint64, e Entry) ([]Result, error) {
	s.stretch.end(s)
	s.index = index
	s.now = max(s.now, e.Time)
	s.skipped = append(slices.Clip(s.skipped), index)
	results := make([]Result, len(e.Batches))
	for i := range e.Batches {
		b := &e.Batches[i]
		o := s.origins[b.Origin.ID]
		switch {
		case b.Origin.Life == o.life && b.Seq == o.seq:
			results[i] = Result{Outcome: Replayed, Replies: o.replies}
		case b.Origin.Life < o.life, b.Origin.Life == o.life && b.Seq < o.seq:
			results[i] = Result{Outcome: Superseded}
		default:
			replies := slices.Repeat([]resp.Value{errSkipped}, CountCommands(b.Body))
			s.origins[b.Origin.ID] = origin{b.Origin.Life, b.Seq, replies}
			results[i] = Result{Outcome: Applied, Replies: replies}
		}
	}
	return results, nil
}

// Skipped returns the indexes of the entries that were left out, in order. The
// slice must not be changed.
func (s *State) Skipped() []uint64 { return s.skipped }

// Names returns the names of the commands of a batch's body, each once, in the
// order in which they come, as far as it can be read.
func Names(body []byte) (names []string) {
	d := decoder{b: body}
	for len(d.b) > 0 && d.err == nil {
		d.byte()
		for n := d.uvarint(); n > 0 && d.err == nil; n-- {
			argc := d.uvarint()
			for i := uint64(0); i < argc && d.err == nil; i++ {
				if arg, _ := d.argument(); i == 0 && d.err == nil && !slices.Contains(names, string(arg)) {
					names = append(names, string(arg))
				}
			}
		}
	}
	return names
}

// CountCommands returns how many commands a batch's body has.
func CountCommands(body []byte) int {
	d := decoder{b: body}
	count := 0
	for len(d.b) > 0 && d.err == nil {
		d.byte()
		for n := d.uvarint(); n > 0 && d.err == nil; n-- {
			d.skip()
			count++
		}
	}
	return count
}

func (d *stateReader) skipped(s *State) {
	if s.skipped != nil {
		d.fail("second list of entries that were left out")
	}
	last := uint64(0)
	for n := d.uvarint(); n > 0 && d.err == nil; n-- {
		index := d.uvarint()
		if index <= last || index > s.index {
			d.fail("list of entries that were left out, which is wrong")
		}
		last = index
		s.skipped = append(s.skipped, index)
	}
	if len(s.skipped) == 0 {
		d.fail("empty list of entries that were left out")
	}
}
