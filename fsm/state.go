package fsm

import (
	"fmt"
	"slices"

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
	epoch     uint32 // counts freezes; what is older is shared with a frozen view
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
	messages  []Message   // published by entries, not taken yet
	listens   bool        // note signals
	signals   []Signal    // not taken yet
	refused   []Refused   // by scripts' users, not taken yet
	deleted   []string    // users, not taken yet
	machine   lua.Machine // of scripts that Apply runs
	typed     []bool      // reused by Apply
	argv      [][]byte
	unsettled []unsettled // by the command that runs
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
	return &State{origins: map[uint64]origin{}, epoch: 1, settings: noSettings, users: acl.NewUsers(), level: level}
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

// Outcome says what became of a batch.
type Outcome uint8

// The outcomes of a batch.
const (
	Applied    Outcome = iota // now
	Replayed                  // earlier: the replies are the remembered ones
	Superseded                // never: its origin has gone on without it
)

// A Result is what Apply says of one batch.
type Result struct {
	Outcome Outcome
	Replies []resp.Value // one a command; must not be changed
}

// Apply applies the entry at index and returns a result for each of its
// batches. An error means that this node cannot go on: the entry is damaged or
// from a newer version, and the state may hold a part of it.
func (s *State) Apply(index uint64, e Entry) ([]Result, error) {
	s.index = index
	s.now = max(s.now, e.Time)
	s.removeDue()
	s.forgetLoading()
	results := make([]Result, len(e.Batches))
	chance := newChance(e.Seed)
	for i := range e.Batches {
		r, err := s.applyBatch(&e.Batches[i], chance)
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", index, err)
		}
		results[i] = r
	}
	return results, nil
}

func (s *State) applyBatch(b *Batch, chance *chance) (Result, error) {
	o := s.origins[b.Origin.ID]
	switch {
	case b.Origin.Life == o.life && b.Seq == o.seq:
		return Result{Replayed, o.replies}, nil
	case b.Origin.Life < o.life, b.Origin.Life == o.life && b.Seq < o.seq:
		return Result{Outcome: Superseded}, nil
	}
	replies, err := s.applyGroups(b.Origin.ID, b.Body, chance)
	if err != nil {
		return Result{}, err
	}
	s.origins[b.Origin.ID] = origin{b.Origin.Life, b.Seq, replies}
	return Result{Applied, replies}, nil
}

func (s *State) applyGroups(from uint64, body []byte, chance *chance) ([]resp.Value, error) {
	var replies []resp.Value
	d := decoder{b: body}
	tx := Tx{st: s, now: s.now, write: true, chance: chance, origin: from}
	for len(d.b) > 0 && d.err == nil {
		db := int(d.byte())
		n := d.uvarint()
		if db >= Databases {
			d.fail()
			break
		}
		tx.db, tx.skip, tx.woken, tx.admitted = db, false, false, false
		replies = slices.Grow(replies, int(min(n, uint64(len(d.b)))))
		for ; n > 0 && d.err == nil; n-- {
			v, err := s.applyCommand(&tx, &d)
			if err != nil {
				return nil, err
			}
			replies = append(replies, v)
		}
	}
	return replies, d.err
}

func (s *State) applyCommand(tx *Tx, d *decoder) (resp.Value, error) {
	argc := d.uvarint()
	s.argv, s.typed = s.argv[:0], s.typed[:0]
	for ; argc > 0 && d.err == nil; argc-- {
		head := d.uvarint()
		s.argv = append(s.argv, d.bytes(head>>1))
		s.typed = append(s.typed, head&1 == 1)
	}
	if d.err != nil {
		return resp.Nil, d.err
	}
	if len(s.argv) == 0 {
		d.fail()
		return resp.Nil, d.err
	}
	c := table[string(s.argv[0])]
	if c == nil {
		return resp.Nil, fmt.Errorf("command %q: %w", s.argv[0], ErrNewer)
	}
	if !c.ArityOK(len(s.argv)) { // the door lets none through that this version knows
		return resp.Nil, fmt.Errorf("command %q with %d arguments: %w", s.argv[0], len(s.argv), ErrNewer)
	}
	if tx.skip {
		return resp.Value{Kind: resp.NullArray}, nil
	}
	if tx.refuses(c) {
		return errOOM, nil
	}
	tx.typed, tx.reads = s.typed, c.Flags&Read != 0
	tx.meter = s.allowance()
	v := tx.run(c, s.argv)
	s.settle()
	return v, tx.fault
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
	// Notices is where the read's keyspace notifications go; nil for nowhere.
	Notices *[]Message
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
	*tx = Tx{st: s, db: r.DB, now: max(s.now, r.Now), seed: r.Seed, stop: r.Stop, looked: r.Lookups, reads: true, told: r.Notices}
	tx.meter = cost.New(cost.Limit)
	if r.User != "" {
		tx.become(r.User)
	}
	return tx.run(r.Command, r.Args)
}

// SetMembers tells the state, at a log index, which origins belong to members
// of the cluster. The replies kept for others are dropped; that a batch was
// seen is never forgotten.
func (s *State) SetMembers(index uint64, ids []uint64) {
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
