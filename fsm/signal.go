package fsm

// A Signal names a key whose list, sorted set or stream was made or changed: it
// may have gained what a blocked client waits for. Signals are no part of the
// state.
type Signal struct {
	DB    int
	Key   string
	Every bool // all keys of the database, which was swapped
}

// Listen says whether to note signals. Only a node with clients to wake has a
// use for them.
func (s *State) Listen(on bool) { s.listens = on }

// TakeSignals returns the signals since the last call.
func (s *State) TakeSignals() []Signal {
	signals := s.signals
	s.signals = nil
	return signals
}

// signal notes that o, at key, was made or is about to be changed.
func (tx *Tx) signal(key []byte, o *object) {
	s := tx.st
	if !s.listens || o.kind != kindList && o.kind != kindZSet && o.kind != kindStream {
		return
	}
	if n := len(s.signals); n > 0 && s.signals[n-1].DB == tx.db && s.signals[n-1].Key == string(key) {
		return
	}
	s.signals = append(s.signals, Signal{DB: tx.db, Key: string(key)})
}
