package fsm

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

// A whole state, as Frozen.Encode wrote it, comes back through the log: LOAD
// BEGIN, the encoding in parts, LOAD END. Until the end nothing of it is seen.
// Every node then holds the same, at the index of the last command, and no batch
// is lost or applied twice: what the state knows of origins is that of this
// cluster, not of the one that the encoding is from.
var loadCommands = []Command{
	{Spec{"LOAD|BEGIN", 3, Write | Internal | Alias, Keys{}, "server", "Begin to take over a whole state, under a name.", "7.2.0"}, loadBegin},
	{Spec{"LOAD|PART", 4, Write | Internal | Alias, Keys{}, "server", "Add a part of the state's encoding.", "7.2.0"}, loadPart},
	{Spec{"LOAD|END", 3, Write | Internal | Alias, Keys{}, "server", "Take over the state that has come, or only do so where there are no keys.", "7.2.0"}, loadEnd},
	{Spec{"LOAD|DROP", 2, Write | Internal | Alias, Keys{}, "server", "Forget the parts that have come.", "7.2.0"}, loadDrop},
}

// maxLoadPause is how long, in milliseconds, parts are kept that no other follows.
const maxLoadPause = 10 * 60 * 1000

// A loading is a state that comes in parts.
type loading struct {
	id    string
	at    int64 // when the last part came
	parts []string
	done  bool // it was taken over: the parts are gone
}

var (
	errLoadNone  = resp.Err("ERR this restore was ended, or another has begun: begin again")
	errLoadOrder = resp.Err("ERR a part is missing: begin again")
	errLoadKeys  = resp.Err("ERR there are keys already: restore into an empty cluster, or with FORCE to replace all that is there")
)

// loadForce lets a load replace what is there.
const loadForce = "force"

// Keys returns the number of keys of all databases, due ones included.
func (s *State) Keys() (n int) {
	for db := range s.dbs {
		n += s.dbs[db].len()
	}
	return n
}

// Loads returns how many states were taken over since the process started or
// restored a snapshot, so it is not replicated.
func (s *State) Loads() uint64 { return s.loads }

func loadBegin(tx *Tx, args [][]byte) resp.Value {
	if string(args[2]) != loadForce && tx.st.Keys() > 0 {
		return errLoadKeys
	}
	tx.st.loading = &loading{id: string(args[1]), at: tx.now}
	return resp.OK
}

// loadPart takes the number of a part, from 0, and its bytes.
func loadPart(tx *Tx, args [][]byte) resp.Value {
	l := tx.st.loading
	number, ok := parseInt(args[2])
	switch {
	case l == nil || l.id != string(args[1]) || l.done:
		return errLoadNone
	case number >= 0 && number+1 == int64(len(l.parts)) && l.parts[number] == string(args[3]):
		return resp.OK // who sends it has not heard the answer
	case !ok || number != int64(len(l.parts)):
		return errLoadOrder
	}
	tx.charge(cost.Made(len(args[3])))
	next := *l // a frozen view may share it
	next.parts, next.at = append(l.parts, string(args[3])), tx.now
	tx.st.loading = &next
	return resp.OK
}

// loadEnd may be asked for again by who has not heard the answer.
func loadEnd(tx *Tx, args [][]byte) resp.Value {
	l := tx.st.loading
	switch {
	case l == nil || l.id != string(args[1]):
		return errLoadNone
	case l.done:
		return resp.OK
	case len(l.parts) == 0:
		return errLoadOrder
	case string(args[2]) != loadForce && tx.st.Keys() > 0:
		tx.st.loading = nil
		return errLoadKeys
	}
	// An operator restores a backup: however large the state is, it is taken over. This
	// work is not counted.
	var parts []io.Reader
	for _, p := range l.parts {
		parts = append(parts, strings.NewReader(p))
	}
	from, err := Decode(io.MultiReader(parts...))
	if err != nil {
		// The node that took the parts has decoded them: it is newer.
		tx.fault = fmt.Errorf("a state that was restored: %w", err)
		return resp.Nil
	}
	tx.st.take(from)
	tx.st.loading = &loading{id: l.id, at: tx.st.now, done: true}
	return resp.OK
}

func loadDrop(tx *Tx, args [][]byte) resp.Value {
	if l := tx.st.loading; l != nil && l.id == string(args[1]) {
		tx.st.loading = nil
	}
	return resp.OK
}

// take makes the state hold what another one does. The index, the origins and the
// frozen views stay, and time does not go back. Every key counts as changed now,
// for those who watch it.
func (s *State) take(from *State) {
	s.settle()
	s.now = max(s.now, from.now)
	for _, name := range s.users.Names() {
		if from.users.Get(name) == nil {
			s.deleted = append(s.deleted, name)
		}
	}
	dbs, buried, scripts := s.dbs, s.graves, s.scripts
	s.undo.other(func() { s.dbs, s.graves, s.scripts = dbs, buried, scripts })
	s.scripts, s.functions = from.scripts, from.functions
	s.settings, s.users = from.settings, from.users
	s.dbs, s.graves = from.dbs, graves{floor: s.index}
	for db := range s.dbs {
		s.dbs[db].rev = s.index
		for at := range s.dbs[db].shards {
			s.dbs[db].shards[at].all(func(o *object) { o.rev = s.index })
		}
		s.signal(Signal{DB: db, All: true})
	}
	s.loads++
}

// forgetLoading drops parts that nobody adds to any more.
func (s *State) forgetLoading() {
	if s.loading != nil && s.now-s.loading.at > maxLoadPause {
		s.loading = nil
	}
}

// clone returns what stays as it is while l grows.
func (l *loading) clone() *loading {
	if l == nil {
		return nil
	}
	same := *l
	same.parts = slices.Clip(l.parts)
	return &same
}

// loading writes the parts that have come, behind a byte that no database has,
// where there are any.
func (e *encoder) loading(l *loading) {
	if l == nil {
		return
	}
	e.byte(loadingMark)
	e.string(l.id)
	e.fixed64(uint64(l.at))
	done := byte(0)
	if l.done {
		done = 1
	}
	e.byte(done)
	e.uvarint(uint64(len(l.parts)))
	for _, p := range l.parts {
		e.string(p)
	}
}

func (d *stateReader) loading(s *State) {
	l := &loading{id: d.string(), at: int64(d.fixed64())}
	done := d.byte()
	l.done = done == 1
	for n := d.uvarint(); n > 0 && d.err == nil; n-- {
		l.parts = append(l.parts, d.string())
	}
	if s.loading != nil || done > 1 || l.at < 0 || l.at > s.now || l.done && len(l.parts) > 0 {
		d.fail("restore that is wrong")
	}
	s.loading = l
}
