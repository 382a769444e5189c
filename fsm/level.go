package fsm

// The cluster's level says which behaviour all nodes share: what is new in a
// version stays off until every member knows it. The leader raises the level,
// through the log, so that each entry is applied at the level that it was made
// for, also when it is applied again at a later start.
const (
	// LevelBounds brings the bounds of work and replies, see work.go, and undoes what
	// was written by what they end.
	LevelBounds = 1

	// NewestLevel is the highest level that this version knows.
	NewestLevel = LevelBounds
)

// Level returns the cluster's level.
func (s *State) Level() uint64 { return s.level }
