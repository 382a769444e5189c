package fsm

import (
	"fmt"

	"github.com/trivetdb/trivet/resp"
)

// The cluster's level says which behaviour all nodes share: what is new in a
// version stays off until every member knows it. The leader raises the level,
// through the log, so that each entry is applied at the level that it was made
// for, also when it is applied again at a later start.
const (
	// LevelBounds brings the bounds of work and replies, see work.go, and the undo
	// of what was written by what they end.
	LevelBounds = 1

	// NewestLevel is the highest level that this version knows.
	NewestLevel = LevelBounds
)

var levelCommands = []Command{
	{Spec{"TX|LEVEL", 2, Write | Internal | Alias, Keys{}, "server", "Raise the cluster's level, from the next entry on.", "7.2.0"}, txLevel},
}

// Level returns the cluster's level.
func (s *State) Level() uint64 { return s.level }

// txLevel never lowers the level.
func txLevel(tx *Tx, args [][]byte) resp.Value {
	n, ok := parseInt(args[1])
	switch {
	case !ok || n < 0:
		return errSyntax
	case n > NewestLevel:
		tx.fault = fmt.Errorf("level %d of the cluster, past %d: %w", n, NewestLevel, ErrNewer)
		return resp.Nil
	}
	tx.st.raised = max(tx.st.raised, uint64(n))
	return resp.OK
}

// raise takes the level on that an entry has asked for.
func (s *State) raise() {
	s.level = max(s.level, s.raised)
	s.raised = 0
}

// level writes the level, behind a byte that no database has, and what was left
// out; where there is nothing to say, nothing.
func (e *encoder) level(level uint64, skipped []uint64) {
	if level > 0 {
		e.byte(levelMark)
		e.uvarint(level)
	}
	if len(skipped) > 0 {
		e.byte(skippedMark)
		e.uvarint(uint64(len(skipped)))
		for _, index := range skipped {
			e.uvarint(index)
		}
	}
}

func (d *stateReader) level(s *State) {
	again := s.level > 0
	switch s.level = d.uvarint(); {
	case d.err != nil:
	case again || s.level == 0:
		d.fail("level that is wrong")
	case s.level > NewestLevel:
		d.err = fmt.Errorf("state of level %d of the cluster, past %d: %w", s.level, NewestLevel, ErrNewer)
	}
}
