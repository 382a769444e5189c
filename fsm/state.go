package fsm

import (
	"github.com/trivetdb/trivet/fsm/acl"
	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/fsm/lua"
	"github.com/trivetdb/trivet/resp"
)

// Databases is the number of databases that SELECT reaches.
const Databases = 16

// maxExpiredPerEntry bounds what one entry removes because it is due. What is
// due beyond it is hidden all the same, and goes with the next entries.
const maxExpiredPerEntry = 1000

// State is all that is replicated. The zero State is not usable; see NewState.
type State struct {
	index     uint64 // of the log entry applied last
	now       int64  // the time of the entries, milliseconds; never goes back
	epoch     uint64 // counts freezes and savepoints: what is older is shared with a frozen view or the undo log
	viewed    uint64 // the epoch that the last freeze began
	freezes   uint32 // counts freezes: shards that are older are shared with a frozen view
	undo      undo
	stretch   stretch
	level     uint64 // of the cluster, see level.go
	dbs       [Databases]keyspace
	origins   map[uint64]origin
	scripts   scripts
	functions functions
	settings  *Settings
	users     *acl.Users
	loading   *loading    // a state that is about to be taken over; nil for none
	graves    graves      // keys that went of late
	loads     uint64      // states taken over
	expired   uint64      // keys removed because they were due
	listens   bool        // note signals
	machine   lua.Machine // of scripts that Apply runs
	typed     []bool      // reused by Apply
	argv      [][]byte
	unsettled []unsettled // by the command that runs
	skipped   []uint64    // indexes of entries that were left out, see skip.go
	raised    uint64      // the level from the next entry on, 0 for the same
	overruns  uint64      // commands and transactions that were ended at a bound
	leavings
}

// leavings are what entries leave for the node, and it has not taken yet.
type leavings struct {
	messages []Message // published
	signals  []Signal
	refused  []Refused // by scripts' users
	deleted  []string  // users
	panics   []Panic   // of commands
}

// An origin is what the state remembers of a node that sends batches: enough
// to know a batch it has seen, and to answer it again.
type origin struct {
	life    uint32
	seq     uint64
	replies []resp.Value
}

// NewState returns an empty state, at level 0: a log begins with it.
func NewState() *State { return NewStateAt(0) }

// NewStateAt returns an empty state at a level, for what begins without a log.
func NewStateAt(level uint64) *State {
	return &State{origins: map[uint64]origin{}, epoch: 1, freezes: 1, settings: noSettings, users: acl.NewUsers(), level: level}
}

// Index returns the index of the log entry applied last.
func (s *State) Index() uint64 { return s.index }

// Now returns the state's time in milliseconds since 1970.
func (s *State) Now() int64 { return s.now }

// Len returns the number of keys of a database, due ones included.
func (s *State) Len(db int) int { return s.dbs[db].len() }

// Expiring returns the number of keys of a database that have a deadline.
func (s *State) Expiring(db int) int { return len(s.dbs[db].due) }

// Expired returns how many keys were removed because they were due. It counts
// since the process started or restored a snapshot, so it is not replicated.
func (s *State) Expired() uint64 { return s.expired }

// NextDue returns the earliest deadline in milliseconds since 1970, and
// whether there is one.
func (s *State) NextDue() (at int64, ok bool) {
	d, _ := s.nextDue()
	if d == nil {
		return 0, false
	}
	return d.at, true
}

// A Request is a read, with all that it may know of the world.
type Request struct {
	Command *Command
	Args    [][]byte
	DB      int
	Now     int64    // milliseconds since 1970; keys due by then are hidden
	Seed    uint64   // the source of chance
	User    string   // whose permissions a script needs; "" for those of all
	Lookups *Lookups // counts the keys that were looked for; may be nil
	// Stop is asked now and then by a script whether it is to end at once. Nil
	// means never.
	Stop func() bool
	// Faulty is told of a fault of trivet that ended the read; nil for nobody.
	Faulty func(Panic)
	// Notices is where the read's keyspace notifications go; nil for nowhere.
	Notices *[]Message
	// Light is how many bytes the reply may have; a larger one is not made, and the
	// answer is TooLarge. 0 means as many as MaxReply.
	Light int
	// Scratch is used instead of new memory; nil for none.
	Scratch *Scratch
}

// A Scratch is memory that reads, one after the other, use again. The zero Scratch
// is ready.
type Scratch struct{ tx Tx }

// Read answers a command of a Read row. It never changes the state.
func (s *State) Read(r Request) resp.Value {
	var tx *Tx
	if r.Scratch != nil {
		tx = &r.Scratch.tx
		defer func() { *tx = Tx{} }() // the state is not to be kept for it
	} else {
		tx = new(Tx)
	}
	*tx = Tx{st: s, db: r.DB, now: max(s.now, r.Now), seed: r.Seed, stop: r.Stop, looked: r.Lookups, reads: true, told: r.Notices, light: r.Light}
	tx.meter = cost.New(cost.Limit)
	if r.User != "" {
		tx.become(r.User)
	}
	return tx.run(r.Command, r.Args, r.Faulty)
}

// SetMembers tells the state, at a log index, which origins belong to members
// of the cluster. The replies kept for others are dropped; that a batch was
// seen is never forgotten.
func (s *State) SetMembers(index uint64, ids []uint64) {
	s.stretch.end(s)
	s.index = index
	member := make(map[uint64]bool, len(ids))
	for _, id := range ids {
		member[id] = true
	}
	for id, o := range s.origins {
		if !member[id] && o.replies != nil {
			o.replies = nil
			s.origins[id] = o
		}
	}
}

// removeDue removes what is due, the earliest first.
func (s *State) removeDue() {
	for range maxExpiredPerEntry {
		d, db := s.nextDue()
		if d == nil || d.at > s.now {
			return
		}
		key := d.key // d is gone with it
		s.gone(db, key, s.dbs[db].get([]byte(key)))
		s.expire(db, key)
		s.expired++
		s.notifyExpired(db, key)
	}
}
