package fsm

import (
	"math"

	"github.com/trivetdb/trivet/resp"
)

// The commands between databases.
var databaseCommands = []Command{
	{Spec{"MOVE", 3, Write | Fast, Keys{1, 1, 1}, "generic", "Move a key to another database.", "1.0.0"}, moveKey},
	{Spec{"SWAPDB", 3, Write | Fast, Keys{}, "server", "Swap two databases.", "4.0.0"}, swapDB},
}

var (
	errFirstDB  = resp.Err("ERR invalid first DB index")
	errSecondDB = resp.Err("ERR invalid second DB index")
)

// parseDB reads the number of a database; otherwise is what Redis says of one
// that is no number, or not one of 32 bits.
func parseDB(arg []byte, notInteger, tooLarge resp.Value) (int, resp.Value) {
	switch n, ok := parseInt(arg); {
	case !ok:
		return 0, notInteger
	case n < math.MinInt32 || n > math.MaxInt32:
		return 0, tooLarge
	case n < 0 || n >= Databases:
		return 0, errDBIndex
	default:
		return int(n), resp.Nil
	}
}

func moveKey(tx *Tx, args [][]byte) resp.Value {
	db, fail := parseDB(args[2], errNotInteger, errInt32)
	switch {
	case fail.IsError():
		return fail
	case db == tx.db:
		return errSameObject
	}
	o := tx.get(args[1])
	if o == nil {
		return resp.Int(0)
	}
	from := tx.db
	tx.db = db
	defer func() { tx.db = from }()
	if tx.get(args[1]) != nil {
		return resp.Int(0)
	}
	tx.charge(cloneWork(o))
	moved := o.clone(tx.st.epoch)
	tx.put(args[1], moved)
	tx.db = from
	tx.remove(args[1])
	tx.notify(notifyGeneric, "move_from", args[1])
	tx.db = db
	tx.notify(notifyGeneric, "move_to", args[1])
	return resp.Int(1)
}

// swapDB swaps what two databases hold, whatever their size. Clients stay where
// they are.
func swapDB(tx *Tx, args [][]byte) resp.Value {
	first, fail := parseDB(args[1], errFirstDB, errFirstDB)
	if fail.IsError() && fail.Str != errDBIndex.Str {
		return fail
	}
	second, fail2 := parseDB(args[2], errSecondDB, errSecondDB)
	switch {
	case fail2.IsError():
		return fail2
	case fail.IsError():
		return fail
	case first == second:
		return resp.OK
	}
	s := tx.st
	tx.charge(2 * clearWork)
	s.settle() // what the sums are for changes places
	s.buryAll(int(first))
	s.buryAll(int(second))
	a, b := &s.dbs[first], &s.dbs[second]
	was, was2 := a.rev, b.rev
	s.undo.other(func() {
		*a, *b = *b, *a
		a.rev, b.rev = was, was2
	})
	*a, *b = *b, *a
	a.rev, b.rev = s.index, s.index
	s.signal(Signal{DB: first, All: true})
	s.signal(Signal{DB: second, All: true})
	return resp.OK
}

// swaps writes when each database was swapped, if one was.
func (e *encoder) swaps(dbs *[Databases]keyspace) {
	newest := uint64(0)
	for db := range dbs {
		newest = max(newest, dbs[db].rev)
	}
	if newest == 0 {
		return
	}
	e.byte(swapsMark)
	for db := range dbs {
		e.uvarint(dbs[db].rev)
	}
}

func (d *stateReader) swaps(s *State) {
	newest := uint64(0)
	for db := range s.dbs {
		k := &s.dbs[db]
		if k.rev != 0 || k.size != 0 {
			d.fail("second list of swaps, or one too late")
		}
		k.rev = d.uvarint()
		newest = max(newest, k.rev)
	}
	if newest == 0 || newest > s.index {
		d.fail("swap of another time")
	}
}
