package fsm

import (
	"math"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

// copyOptions are what COPY takes after its keys.
type copyOptions struct {
	db      int
	replace bool
}

func parseCopyOptions(tx *Tx, args [][]byte) (opt copyOptions, fail resp.Value) {
	opt.db = tx.db
	for i := 0; i < len(args); i++ {
		switch {
		case equalFold(args[i], "REPLACE"):
			opt.replace = true
		case equalFold(args[i], "DB") && i+1 < len(args):
			i++
			n, ok := parseInt(args[i])
			switch {
			case !ok:
				return opt, errNotInteger
			case n < math.MinInt32 || n > math.MaxInt32:
				return opt, errInt32
			case n < 0 || n >= Databases:
				return opt, errDBIndex
			}
			opt.db = int(n)
		default:
			return opt, errSyntax
		}
	}
	return opt, resp.Nil
}

func copyKey(tx *Tx, args [][]byte) resp.Value {
	opt, fail := parseCopyOptions(tx, args[3:])
	if fail.IsError() {
		return fail
	}
	if opt.db == tx.db && string(args[1]) == string(args[2]) {
		return errSameObject
	}
	tx.missing(args[1])
	o := tx.get(args[1])
	if o == nil {
		return resp.Int(0)
	}
	was := tx.db
	tx.db = opt.db
	defer func() { tx.db = was }()
	if tx.get(args[2]) != nil && !opt.replace {
		return resp.Int(0)
	}
	tx.charge(cloneWork(o))
	if _, ok := o.val.(container); ok {
		tx.st.epoch++ // both share the parts from now on, as with a frozen view
	}
	tx.remove(args[2]) // as in Redis, what comes is a new key
	tx.put(args[2], o.clone(tx.st.epoch))
	tx.notify(notifyGeneric, "copy_to", args[2])
	return resp.Int(1)
}

// cloneWork returns the steps of cloning an object and putting it elsewhere. Parts
// are shared, but there may be many.
func cloneWork(o *object) int {
	n := cost.Insert
	switch c := o.val.(type) {
	case *deque:
		n += len(c.pages)
	case *stream:
		n += len(c.pages)
	case *fields:
		n += len(c.small)
	case *members:
		n += len(c.small)
	}
	return n
}
