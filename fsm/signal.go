package fsm

// A Signal names a key whose list, sorted set or stream was made or changed: it
// may have gained what a blocked client waits for. One is given, too, for a stream
// that has gone, since those who wait for a group of it are to hear of that.
// Signals are no part of the state.
type Signal struct {
	DB  int
	Key string
	All bool // all keys of the database: they have gone, or it was swapped
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
	if tx.st.listens && (o.kind == kindList || o.kind == kindZSet || o.kind == kindStream) {
		tx.st.signal(Signal{DB: tx.db, Key: string(key)})
	}
}

// gone is State.gone for the transaction's database.
func (tx *Tx) gone(key []byte, o *object) {
	if tx.st.listens {
		tx.st.gone(tx.db, string(key), o)
	}
}

// gone notes that what a key held, if anything, is about to go.
func (s *State) gone(db int, key string, o *object) {
	if o != nil && o.kind == kindStream {
		s.signal(Signal{DB: db, Key: key})
	}
}

func (s *State) signal(sig Signal) {
	if n := len(s.signals); s.listens && (n == 0 || s.signals[n-1] != sig) {
		s.signals = append(s.signals, sig)
	}
}
