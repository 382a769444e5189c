package fsm

import (
	"strconv"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

// scanOptions are what SCAN takes after its cursor.
type scanOptions struct {
	count    int
	match    string
	matching bool
	typeName string
}

func parseScanOptions(args [][]byte) (opt scanOptions, fail resp.Value) {
	opt.count = 10
	for i := 0; i < len(args); i += 2 {
		if i+1 == len(args) {
			return opt, errSyntax
		}
		value := args[i+1]
		switch {
		case equalFold(args[i], "COUNT"):
			n, ok := parseInt(value)
			if !ok {
				return opt, errNotInteger
			}
			if n < 1 {
				return opt, errSyntax
			}
			opt.count = int(min(n, 1<<30))
		case equalFold(args[i], "MATCH"):
			opt.match, opt.matching = string(value), string(value) != "*"
		case equalFold(args[i], "TYPE"):
			opt.typeName = string(value)
		default:
			return opt, errSyntax
		}
	}
	return opt, resp.Nil
}

// scan walks the keys in the order of their hashes. The cursor is the hash to
// go on from, so it means the same on every node and after any change: a key
// that stays is seen.
func scan(tx *Tx, args [][]byte) resp.Value {
	cursor, err := strconv.ParseUint(string(args[1]), 10, 64)
	if err != nil {
		return errCursor
	}
	opt, fail := parseScanOptions(args[2:])
	if fail.IsError() {
		return fail
	}
	found, next := tx.keys().page(tx, cursor, opt.count)
	room := tx.room(2)
	shownKeys := []resp.Value{}
	for _, key := range found {
		o := tx.peek([]byte(key))
		if o == nil || opt.matching && !tx.matches(opt.match, key) ||
			opt.typeName != "" && !equalFold([]byte(opt.typeName), upper(typeName(o))) {
			continue
		}
		shownKeys = append(shownKeys, room.more(key))
	}
	return resp.List(resp.Str(strconv.FormatUint(next, 10)), resp.List(shownKeys...))
}

// page returns at least count keys from cursor on, while there are as many,
// and the cursor that follows them, 0 at the end. Keys of one hash stay
// together.
func (k *keyspace) page(tx *Tx, cursor uint64, count int) (found []string, next uint64) {
	if k.shards == nil || cursor >= 1<<hashBits {
		return nil, 0
	}
	last := uint64(0)
	for at := shardOf(cursor); at < shards; at++ {
		sh := &k.shards[at]
		tx.charge(1 + cost.Times(sh.size, keyLook))
		var part []hashedKey
		sh.all(func(o *object) {
			if h := hashOf(o.key); h >= cursor {
				part = append(part, hashedKey{h, o.key})
			}
		})
		tx.charge(cost.Sort(len(part), 0))
		sortByHash(part)
		for _, one := range part {
			if len(found) >= count && one.hash != last {
				return found, one.hash
			}
			found = append(found, one.key)
			last = one.hash
		}
	}
	return found, 0
}
