package fsm

import (
	"fmt"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/fsm/lua"
)

// How long a stretch may be. What it holds back from the collector, and the work
// of doing it again, stay as small as those of an entry.
const (
	maxStretchEntries = 64
	maxStretchSteps   = cost.Limit / 20
	maxStretchBytes   = 1 << 20
	maxStretchChanges = 1 << 9
)

// A stretch is the entries since a savepoint that they share: after a savepoint each
// part of a container is copied when it is first written to, and entries that come
// one after the other write to the same parts. Where one of them is to begin again,
// the state goes back to the savepoint, and the others are applied as they were.
// Nodes have their savepoints in different places; it follows from none of them what
// an entry does.
type stretch struct {
	start   savepoint
	entries []pastEntry // none of them began again
	steps   int         // that they took
	bytes   int         // of their batches, and of what they removed
	before  int64       // the state's bytes before the last of them
}

// A pastEntry was applied.
type pastEntry struct {
	index uint64
	Entry
}

// begin begins a stretch, unless one goes on.
func (t *stretch) begin(s *State) {
	if !s.undo.on {
		t.start = s.save()
	}
	t.before = s.Bytes()
}

// add notes an entry that was applied, and ends the stretch where it is long.
func (t *stretch) add(s *State, index uint64, e Entry, steps int) {
	t.entries = append(t.entries, pastEntry{index, e})
	t.steps += steps
	for i := range e.Batches {
		t.bytes += len(e.Batches[i].Body)
	}
	t.bytes += int(max(t.before-s.Bytes(), 0))
	if len(t.entries) >= maxStretchEntries || t.steps >= maxStretchSteps || t.bytes >= maxStretchBytes ||
		len(s.undo.changes) >= maxStretchChanges || s.level != t.start.level {
		t.end(s)
	}
}

// again goes back to the savepoint, applies the entries as they were, and begins a
// stretch for the one that is applied now. The node has heard already what they left
// for it.
func (t *stretch) again(s *State) error {
	heard := s.leavings
	s.leavings = leavings{}
	s.rollback(&t.start)
	s.machine = lua.Machine{} // it may be in the middle of something
	for _, p := range t.entries {
		if _, err := s.applyEntry(&applying{fenced: true}, p.index, p.Entry); err != nil {
			return fmt.Errorf("applied once more: %w", err)
		}
	}
	s.leavings = heard
	t.end(s)
	t.begin(s)
	return nil
}

// end ends the stretch, if there is one: its entries stay as they are.
func (t *stretch) end(s *State) {
	s.undo.forget()
	clear(t.entries)
	*t = stretch{entries: t.entries[:0]}
}
