package fsm

import (
	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

// The article's six commands as its server answers them. They are found before
// the rows of the same names, on a classic port only.
var classicCommands = []Command{
	{Spec{"CLASSIC|GET", 2, Read | Fast | ClassicOnly, Keys{1, 1, 1}, "classic", "Get the value at a key, with its type.", "1.0.0"}, classicGet},
	{Spec{"CLASSIC|SET", 3, Write | DenyOOM | ClassicOnly | Typed, Keys{1, 1, 1}, "classic", "Set a key to a value of any type; answers 1.", "1.0.0"}, classicSet},
	{Spec{"CLASSIC|DELETE", 2, Write | ClassicOnly, Keys{1, 1, 1}, "classic", "Delete a key; answers 1, or 0 where there is none.", "1.0.0"}, del},
	{Spec{"CLASSIC|FLUSH", 1, Write | ClassicOnly, Keys{}, "classic", "Delete all keys; answers their number.", "1.0.0"}, classicFlush},
	{Spec{"CLASSIC|MGET", -1, Read | Fast | ClassicOnly | NoMandatoryKeys, Keys{1, -1, 1}, "classic", "Get the values at several keys, with their types.", "1.0.0"}, classicMGet},
	{Spec{"CLASSIC|MSET", -1, Write | DenyOOM | ClassicOnly | Typed | NoMandatoryKeys, Keys{1, -1, 2}, "classic", "Set several keys to values of any type; answers the number of pairs.", "1.0.0"}, classicMSet},
}

// typedAnswer returns what a classic client stored at a key, for a reply that was
// charged for.
func (tx *Tx) typedAnswer(o *object) resp.Value {
	if o != nil && o.kind == kindInteger {
		n, _ := o.integer()
		return resp.Int(n)
	}
	return tx.answer(o)
}

func classicGet(tx *Tx, args [][]byte) resp.Value {
	o := tx.get(args[1])
	tx.chargeReply(o.weigh())
	return tx.typedAnswer(o)
}

func classicMGet(tx *Tx, args [][]byte) resp.Value {
	return tx.several(args[1:], tx.typedAnswer)
}

func classicSet(tx *Tx, args [][]byte) resp.Value {
	tx.charge(cost.Insert)
	o, fail := tx.value(args, 2)
	if fail.IsError() {
		return fail
	}
	tx.put(args[1], o)
	tx.notify(notifyString, "set", args[1])
	return resp.Int(1)
}

func classicMSet(tx *Tx, args [][]byte) resp.Value {
	if len(args)%2 == 0 {
		return errArity("mset")
	}
	tx.charge(cost.Times(len(args)/2, cost.Insert))
	objects := make([]*object, 0, len(args)/2)
	for i := 2; i < len(args); i += 2 {
		o, fail := tx.value(args, i)
		if fail.IsError() {
			return fail
		}
		objects = append(objects, o)
	}
	for i, o := range objects {
		tx.put(args[2*i+1], o)
		tx.notify(notifyString, "set", args[2*i+1])
	}
	return resp.Int(int64(len(objects)))
}

// classicFlush counted by a walk below LevelBounds, which also told of keys that
// were due.
func classicFlush(tx *Tx, _ [][]byte) resp.Value {
	n := tx.keys().size - tx.keys().due.passed(tx.now)
	if tx.bounded() {
		tx.st.clear(tx.db)
		return resp.Int(int64(n))
	}
	n = 0
	for o := range tx.keys().all() {
		if tx.get([]byte(o.key)) != nil {
			n++
		}
	}
	tx.st.clear(tx.db)
	return resp.Int(int64(n))
}
