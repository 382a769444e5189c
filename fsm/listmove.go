package fsm

import (
	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

func rpoplpush(tx *Tx, args [][]byte) resp.Value {
	return moveElement(tx, args[1], args[2], false, true)
}

// parseEnd reads LEFT or RIGHT.
func parseEnd(arg []byte) (front, ok bool) {
	front = equalFold(arg, "LEFT")
	return front, front || equalFold(arg, "RIGHT")
}

func lmove(tx *Tx, args [][]byte) resp.Value {
	fromFront, ok1 := parseEnd(args[3])
	toFront, ok2 := parseEnd(args[4])
	if !ok1 || !ok2 {
		return errSyntax
	}
	return moveElement(tx, args[1], args[2], fromFront, toFront)
}

// moveElement moves an element from one list to another, or within one.
func moveElement(tx *Tx, from, to []byte, fromFront, toFront bool) resp.Value {
	if _, ok, fail := tx.list(from); !ok {
		return fail
	}
	if _, _, fail := tx.list(to); fail.IsError() {
		return fail
	}
	tx.charge(2 * cost.Push)
	d, _ := change[*deque](tx, from, kindList)
	s := d.pop(fromFront)
	if string(from) != string(to) {
		d, _ = change[*deque](tx, to, kindList)
	}
	d.push(s, toFront)
	tx.notify(notifyList, pushed(toFront), to)
	tx.notify(notifyList, popped(fromFront), from)
	tx.dropEmpty(from)
	return resp.Str(s)
}

// numberOfKeys reads how many keys follow, as in LMPOP 2 a b.
func numberOfKeys(arg []byte) (int64, resp.Value) {
	if n, ok := parseInt(arg); ok && n > 0 {
		return n, resp.Nil
	}
	return 0, errNumKeys
}

func lmpop(tx *Tx, args [][]byte) resp.Value {
	n, fail := numberOfKeys(args[1])
	if fail.IsError() {
		return fail
	}
	if n >= int64(len(args)-2) {
		return errSyntax
	}
	keys, rest := args[2:2+n], args[2+n:]
	front, ok := parseEnd(rest[0])
	count := int64(1)
	switch {
	case !ok:
		return errSyntax
	case len(rest) == 1:
	case len(rest) != 3 || !equalFold(rest[1], "COUNT"):
		return errSyntax
	default:
		if count, ok = parseInt(rest[2]); !ok || count < 1 {
			return errCount
		}
	}
	for _, key := range keys {
		_, ok, fail := tx.list(key)
		switch {
		case fail.IsError():
			return fail
		case ok:
			return resp.List(resp.Str(string(key)), resp.List(tx.popList(key, count, front)...))
		}
	}
	return resp.Value{Kind: resp.NullArray}
}
