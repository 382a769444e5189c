package fsm

import "github.com/trivetdb/trivet/resp"

// Transactions need little of the state: a group is applied with nothing in
// between. These rows stand in the groups that EXEC makes.
var transactionCommands = []Command{
	{Spec{"TX|WATCH", -1, Write | Internal | Alias, Keys{}, "transactions", "Leave out the rest of the group unless keys have the given revisions.", "1.0.0"}, txWatch},
	{Spec{"TX|SELECT", 2, Write | Internal | Alias, Keys{}, "transactions", "Go on in another database, to the group's end.", "1.0.0"}, txSelect},
	{Spec{"TX|ADMIT", 1, Write | Internal | Alias, Keys{}, "transactions", "Leave out the rest of the group where the data has outgrown maxmemory.", "1.0.0"}, txAdmit},
	{Spec{"TX|REVISION", 2, Read | Internal | Alias, Keys{1, 1, 1}, "transactions", "Get the revision of a key.", "1.0.0"}, txRevision},
}

// revision returns the index of the entry that changed the key last, or that
// brought it by a swap of databases. Where there is no key it is the index of the
// state, negative.
func (tx *Tx) revision(key []byte) int64 {
	if o := tx.peek(key); o != nil {
		return int64(max(o.rev, tx.keys().rev))
	}
	return -int64(tx.st.index)
}

// same reports whether a key is as it was when it had the revision.
func (tx *Tx) same(key []byte, revision int64) bool {
	now := tx.revision(key)
	if revision > 0 || now > 0 {
		return now == revision
	}
	return !tx.st.graves.since(tx.db, string(key), uint64(-revision))
}

func txRevision(tx *Tx, args [][]byte) resp.Value { return resp.Int(tx.revision(args[1])) }

// txWatch takes triples of database, key and revision.
func txWatch(tx *Tx, args [][]byte) resp.Value {
	was := tx.db
	defer func() { tx.db = was }()
	for i := 1; i+2 < len(args); i += 3 {
		db, ok := parseInt(args[i])
		rev, ok2 := parseInt(args[i+2])
		if !ok || !ok2 || db < 0 || db >= Databases {
			return errSyntax
		}
		if tx.db = int(db); !tx.same(args[i+1], rev) {
			tx.skip = true
			return resp.Value{Kind: resp.NullArray}
		}
	}
	return resp.OK
}

func txSelect(tx *Tx, args [][]byte) resp.Value {
	db, ok := parseInt(args[1])
	if !ok || db < 0 || db >= Databases {
		return errSyntax
	}
	tx.db = int(db)
	return resp.OK
}
