package fsm

import "github.com/trivetdb/trivet/fsm/acl"

// An undo log takes back what was written since a savepoint, for a command, a
// script or a transaction that must have no effect: it passed a bound, or it is
// at fault. A savepoint begins an epoch, so that containers and their parts that are
// older are copied before they change, as after a freeze; the log keeps what each key
// held. It lasts for a stretch of entries.
type undo struct {
	on      bool
	writes  uint64 // counts what was written, also what an entry writes again and notes no more
	changes []undone
	filled  []object // what objects were that have other contents now
}

// An undone is one thing to take back.
type undone struct {
	what  undoneKind
	db    uint8     // of a grave
	k     *keyspace // of what a key held
	key   string
	old   *object // nil for nothing
	index uint64  // at which a key went last, 0 for never
	back  func()  // takes back something rarer
}

type undoneKind uint8

const (
	undoneHeld     undoneKind = iota // a key held old
	undoneContents                   // what old was, which a key still holds, is the last of filled
	undoneGrave                      // when a key went before
	undoneOther
)

// wrote reports whether anything was written since m.
func (u *undo) wrote(m mark) bool { return u.writes > m.writes || len(u.changes) > m.changes }

// object notes what a key held; nil for nothing.
func (u *undo) object(k *keyspace, key string, old *object) {
	if u.on {
		u.changes = append(u.changes, undone{what: undoneHeld, k: k, key: key, old: old})
	}
}

// contents notes what an object is that is about to get other contents.
func (u *undo) contents(k *keyspace, o *object) {
	if u.on {
		u.changes = append(u.changes, undone{what: undoneContents, k: k, old: o})
		u.filled = append(u.filled, *o)
	}
}

// grave notes when a key went before.
func (u *undo) grave(p place, index uint64) {
	if u.on {
		u.changes = append(u.changes, undone{what: undoneGrave, db: uint8(p.db), key: p.key, index: index})
	}
}

// other notes how to take back what is neither.
func (u *undo) other(back func()) {
	if u.on {
		u.changes = append(u.changes, undone{what: undoneOther, back: back})
	}
}

// forget drops what was noted.
func (u *undo) forget() {
	const keep = 1 << 13
	u.on = false
	clear(u.changes)
	if u.changes = u.changes[:0]; cap(u.changes) > keep {
		u.changes = nil
	}
	clear(u.filled)
	if u.filled = u.filled[:0]; cap(u.filled) > keep {
		u.filled = nil
	}
}

// A mark is a place in the undo log, and in what an entry leaves for the node.
type mark struct {
	changes, messages, signals, refused, deleted, panics int
	writes                                               uint64
}

func (s *State) mark() mark {
	return mark{
		len(s.undo.changes), len(s.messages), len(s.signals), len(s.refused), len(s.deleted), len(s.panics), s.undo.writes,
	}
}

// unsay drops what was left for the node since m.
func (s *State) unsay(m mark) {
	s.messages, s.signals = s.messages[:m.messages], s.signals[:m.signals]
	s.refused, s.deleted = s.refused[:m.refused], s.deleted[:m.deleted]
	s.panics = s.panics[:m.panics]
}

// A savepoint is what rollback goes back to.
type savepoint struct {
	mark
	dbs       [Databases]struct{ size, bytes int }
	now       int64
	level     uint64
	functions functions
	settings  *Settings
	users     *acl.Users
	loading   *loading
	loads     uint64
	raised    uint64
	expired   uint64
	overruns  uint64
}

// save begins a savepoint. Nothing may be unsettled.
func (s *State) save() savepoint {
	s.undo.on = true
	s.epoch++
	p := savepoint{
		mark: s.mark(), now: s.now, level: s.level, functions: s.functions, settings: s.settings, users: s.users,
		loading: s.loading, loads: s.loads, raised: s.raised, expired: s.expired, overruns: s.overruns,
	}
	for db := range s.dbs {
		p.dbs[db].size, p.dbs[db].bytes = s.dbs[db].size, s.dbs[db].bytes
	}
	return p
}

// rollback makes the state what it was at p, but for its index.
func (s *State) rollback(p *savepoint) {
	for _, u := range s.unsettled {
		u.o.unsettled = false
	}
	clear(s.unsettled)
	s.unsettled = s.unsettled[:0]
	s.undo.on = false
	for i := len(s.undo.changes) - 1; i >= p.changes; i-- {
		s.takeBack(&s.undo.changes[i])
		s.undo.changes[i] = undone{}
	}
	s.undo.changes, s.undo.on = s.undo.changes[:p.changes], true
	for db := range s.dbs {
		s.dbs[db].size, s.dbs[db].bytes = p.dbs[db].size, p.dbs[db].bytes
	}
	s.now, s.level, s.functions, s.settings, s.users = p.now, p.level, p.functions, p.settings, p.users
	s.loading, s.loads, s.raised, s.expired, s.overruns = p.loading, p.loads, p.raised, p.expired, p.overruns
	s.epoch++ // what was made since may be shared with what is left of it
}

func (s *State) takeBack(c *undone) {
	switch c.what {
	case undoneHeld:
		c.k.restore(s, c.key, c.old)
	case undoneContents:
		last := len(s.undo.filled) - 1
		c.k.refill(c.old, s.undo.filled[last])
		s.undo.filled[last] = object{}
		s.undo.filled = s.undo.filled[:last]
	case undoneGrave:
		s.graves.takeBack(place{int(c.db), c.key}, c.index)
	default:
		c.back()
	}
}
