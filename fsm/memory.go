package fsm

import "github.com/trivetdb/trivet/resp"

// The state knows how many bytes its data takes, by an estimate that follows
// from the data alone, so that every node refuses the same commands: those that
// may grow the data, once it takes more than maxmemory says. Containers count
// their elements' bytes as they change; the objects that a command has changed are
// settled, that is measured again, once it is done.

var errOOM = resp.Err("OOM command not allowed when used memory > 'maxmemory'.")

// What a key and a part of a value take besides their bytes, roughly.
const (
	keyOverhead     = 160
	elementOverhead = 32
)

// bytes estimates what the object takes, without its key.
func (o *object) bytes() int {
	switch o.kind {
	case kindString, kindInteger:
		return o.text().len()
	case kindClassic:
		return len(o.val.(resp.Value).Append(nil, resp.Canonical))
	}
	return o.val.(container).bytes()
}

// An unsettled object is being changed by the command that runs. It counts for
// before as yet.
type unsettled struct {
	in     *keyspace
	o      *object
	before int
}

// unsettle notes that o, which is in k and counts for before, is to be measured
// once the command is done. It may have left k by then: what was taken off the
// sum for it was its size then, which is its size still.
func (s *State) unsettle(k *keyspace, o *object, before int) {
	o.unsettled = true
	s.unsettled = append(s.unsettled, unsettled{k, o, before})
}

// settle measures what was changed.
func (s *State) settle() {
	if len(s.unsettled) == 0 {
		return
	}
	for _, u := range s.unsettled {
		u.in.bytes += u.o.bytes() - u.before
		u.o.unsettled = false
	}
	clear(s.unsettled)
	s.unsettled = s.unsettled[:0]
}

// Bytes estimates what the data takes: keys and values, and from LevelBounds on
// scripts and libraries, without what the process needs besides.
func (s *State) Bytes() int64 {
	n := 0
	for db := range s.dbs {
		n += s.dbs[db].bytes
	}
	if s.level >= LevelBounds {
		n += s.scripts.bytes + s.functions.bytes
	}
	return int64(n)
}

// full reports whether the data has outgrown maxmemory.
func (s *State) full() bool { return s.settings.memory > 0 && uint64(s.Bytes()) > s.settings.memory }

// full is that of the state, unless the transaction was admitted.
func (tx *Tx) full() bool { return !tx.admitted && tx.st.full() }

// refuses reports whether a command must not run since it may grow the data.
func (tx *Tx) refuses(c *Command) bool {
	return c.Flags&DenyOOM != 0 && tx.full()
}

func settingsFull(tx *Tx, _ [][]byte) resp.Value { return truth(tx.st.full()) }

// txAdmit stands ahead of a transaction that has commands which may grow the
// data: it is carried out as a whole, or not at all.
func txAdmit(tx *Tx, _ [][]byte) resp.Value {
	if tx.st.full() {
		tx.skip = true
		return errOOM
	}
	tx.admitted = true
	return resp.OK
}
