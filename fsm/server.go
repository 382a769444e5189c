package fsm

import (
	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

var serverCommands = []Command{
	{Spec{"DBSIZE", 1, Read | Fast, Keys{}, "server", "Count the keys of the database.", "1.0.0"}, dbSize},
	{Spec{"FLUSHDB", -1, Write, Keys{}, "server", "Delete all keys of the database.", "1.0.0"}, flushDB},
	{Spec{"FLUSH", -1, Write | Alias, Keys{}, "server", "Delete all keys of the database; another name of FLUSHDB.", "1.0.0"}, flushDB},
	{Spec{"FLUSHALL", -1, Write, Keys{}, "server", "Delete all keys of all databases.", "1.0.0"}, flushAll},
}

func dbSize(tx *Tx, _ [][]byte) resp.Value { return resp.Int(int64(tx.keys().len())) }

// flushMode checks the one option of the FLUSH family. Both ways are the same
// here: nothing is left to do after the reply.
func flushMode(args [][]byte) bool {
	return len(args) == 1 || len(args) == 2 && (equalFold(args[1], "ASYNC") || equalFold(args[1], "SYNC"))
}

// clearWork is the steps of deleting all keys of a database, at most: a few are
// remembered one by one.
const clearWork = shards*cost.Element + buryAtMost*cost.Insert

func flushDB(tx *Tx, args [][]byte) resp.Value {
	if !flushMode(args) {
		return errSyntax
	}
	tx.charge(clearWork)
	tx.st.clear(tx.db)
	return resp.OK
}

func flushAll(tx *Tx, args [][]byte) resp.Value {
	if !flushMode(args) {
		return errSyntax
	}
	tx.charge(Databases * clearWork)
	for db := range tx.st.dbs {
		tx.st.clear(db)
	}
	return resp.OK
}
