package fsm

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

var genericCommands = []Command{
	{Spec{"DEL", -2, Write, Keys{1, -1, 1}, "generic", "Delete keys.", "1.0.0"}, del},
	{Spec{"DELETE", -2, Write | Alias, Keys{1, -1, 1}, "generic", "Delete keys; another name of DEL.", "1.0.0"}, del},
	{Spec{"UNLINK", -2, Write | Fast, Keys{1, -1, 1}, "generic", "Delete keys.", "4.0.0"}, del},
	{Spec{"EXISTS", -2, Read | Fast, Keys{1, -1, 1}, "generic", "Count the keys that exist.", "1.0.0"}, exists},
	{Spec{"TOUCH", -2, Read | Fast, Keys{1, -1, 1}, "generic", "Count the keys that exist.", "3.2.1"}, exists},
	{Spec{"TYPE", 2, Read | Fast, Keys{1, 1, 1}, "generic", "Get the type of the value at a key.", "1.0.0"}, typeOf},
	{Spec{"EXPIRE", -3, Write | Fast, Keys{1, 1, 1}, "generic", "Let a key expire after seconds.", "1.0.0"}, expire},
	{Spec{"PEXPIRE", -3, Write | Fast, Keys{1, 1, 1}, "generic", "Let a key expire after milliseconds.", "2.6.0"}, expire},
	{Spec{"EXPIREAT", -3, Write | Fast, Keys{1, 1, 1}, "generic", "Let a key expire at a time in seconds.", "1.2.0"}, expire},
	{Spec{"PEXPIREAT", -3, Write | Fast, Keys{1, 1, 1}, "generic", "Let a key expire at a time in milliseconds.", "2.6.0"}, expire},
	{Spec{"TTL", 2, Read | Fast, Keys{1, 1, 1}, "generic", "Get the seconds until a key expires.", "1.0.0"}, ttl},
	{Spec{"PTTL", 2, Read | Fast, Keys{1, 1, 1}, "generic", "Get the milliseconds until a key expires.", "2.6.0"}, pttl},
	{Spec{"EXPIRETIME", 2, Read | Fast, Keys{1, 1, 1}, "generic", "Get the time in seconds at which a key expires.", "7.0.0"}, expireTime},
	{Spec{"PEXPIRETIME", 2, Read | Fast, Keys{1, 1, 1}, "generic", "Get the time in milliseconds at which a key expires.", "7.0.0"}, pexpireTime},
	{Spec{"PERSIST", 2, Write | Fast, Keys{1, 1, 1}, "generic", "Let a key never expire.", "2.2.0"}, persist},
	{Spec{"RENAME", 3, Write, Keys{1, 2, 1}, "generic", "Rename a key and overwrite the new one.", "1.0.0"}, rename},
	{Spec{"RENAMENX", 3, Write | Fast, Keys{1, 2, 1}, "generic", "Rename a key where the new one does not exist.", "1.0.0"}, renameNX},
	{Spec{"COPY", -3, Write | DenyOOM, Keys{1, 2, 1}, "generic", "Copy a key, also to another database.", "6.2.0"}, copyKey},
	{Spec{"KEYS", 2, Read, Keys{}, "generic", "List the keys that match a pattern.", "1.0.0"}, keys},
	{Spec{"SCAN", -2, Read, Keys{}, "generic", "List the keys, a part a call.", "2.8.0"}, scan},
	{Spec{"RANDOMKEY", 1, Read, Keys{}, "generic", "Get one of the keys by chance.", "1.0.0"}, randomKey},
}

func del(tx *Tx, args [][]byte) resp.Value {
	n := int64(0)
	for _, key := range args[1:] {
		tx.charge(cost.Insert)
		if tx.remove(key) {
			tx.notifyDeleted(key)
			n++
		}
	}
	return resp.Int(n)
}

func exists(tx *Tx, args [][]byte) resp.Value {
	n := int64(0)
	for _, key := range args[1:] {
		if tx.get(key) != nil {
			n++
		}
	}
	return resp.Int(n)
}

// typeName returns what TYPE answers. An array, a dictionary or a null that a
// classic client stored is of a type that Redis does not have.
func typeName(o *object) string {
	switch {
	case o == nil:
		return "none"
	case o.kind == kindClassic:
		return "classic"
	case o.kind > kindClassic:
		return containerKinds[o.kind].name
	}
	return "string"
}

func typeOf(tx *Tx, args [][]byte) resp.Value { return resp.Status(typeName(tx.get(args[1]))) }

// expireConditions are the options of the EXPIRE family.
type expireConditions struct{ nx, xx, gt, lt bool }

func parseExpireConditions(args [][]byte) (c expireConditions, fail resp.Value) {
	for _, arg := range args {
		switch {
		case equalFold(arg, "NX"):
			c.nx = true
		case equalFold(arg, "XX"):
			c.xx = true
		case equalFold(arg, "GT"):
			c.gt = true
		case equalFold(arg, "LT"):
			c.lt = true
		default:
			return c, errUnsupported(arg)
		}
	}
	switch {
	case c.nx && (c.xx || c.gt || c.lt):
		return c, errExpireNX
	case c.gt && c.lt:
		return c, errExpireGTLT
	}
	return c, resp.Nil
}

// allow reports whether a key that expires at old (0 for never) may be made to
// expire at next.
func (c expireConditions) allow(old, next int64) bool {
	return !(c.nx && old != 0 || c.xx && old == 0 ||
		c.gt && (old == 0 || next <= old) || c.lt && old != 0 && next >= old)
}

func expire(tx *Tx, args [][]byte) resp.Value {
	name := strings.ToLower(string(args[0]))
	c, fail := parseExpireConditions(args[3:])
	if fail.IsError() {
		return fail
	}
	n, ok := parseInt(args[2])
	if !ok {
		return errNotInteger
	}
	at, ok := deadlineOf(tx, n, name[0] != 'p', !strings.HasSuffix(name, "at"))
	if !ok {
		return errExpireTime(name)
	}
	tx.charge(cost.Insert)
	o := tx.get(args[1])
	if o == nil || !c.allow(o.expireAt, at) {
		return resp.Int(0)
	}
	if at <= tx.now {
		tx.remove(args[1])
		tx.notifyDeleted(args[1])
	} else {
		tx.expire(args[1], at)
		tx.notify(notifyGeneric, "expire", args[1])
	}
	return resp.Int(1)
}

func persist(tx *Tx, args [][]byte) resp.Value {
	if o := tx.get(args[1]); o == nil || o.expireAt == 0 {
		return resp.Int(0)
	}
	tx.expire(args[1], 0)
	tx.notify(notifyGeneric, "persist", args[1])
	return resp.Int(1)
}

// remaining answers the questions about a key's expiry: -2 without the key, -1
// without a deadline.
func remaining(tx *Tx, key []byte, answer func(at int64) int64) resp.Value {
	o := tx.get(key)
	switch {
	case o == nil:
		return resp.Int(-2)
	case o.expireAt == 0:
		return resp.Int(-1)
	}
	return resp.Int(answer(o.expireAt))
}

// seconds rounds milliseconds, as Redis does but for its overflow at the end of
// time.
func seconds(ms int64) int64 { return ms/1000 + (ms%1000+500)/1000 }

func ttl(tx *Tx, args [][]byte) resp.Value {
	return remaining(tx, args[1], func(at int64) int64 { return seconds(at - tx.now) })
}

func pttl(tx *Tx, args [][]byte) resp.Value {
	return remaining(tx, args[1], func(at int64) int64 { return at - tx.now })
}

func expireTime(tx *Tx, args [][]byte) resp.Value {
	return remaining(tx, args[1], seconds)
}

func pexpireTime(tx *Tx, args [][]byte) resp.Value {
	return remaining(tx, args[1], func(at int64) int64 { return at })
}

func rename(tx *Tx, args [][]byte) resp.Value {
	if !move(tx, args[1], args[2]) {
		return errNoSuchKey
	}
	return resp.OK
}

func renameNX(tx *Tx, args [][]byte) resp.Value {
	switch {
	case tx.get(args[1]) == nil:
		return errNoSuchKey
	case tx.get(args[2]) != nil:
		return resp.Int(0)
	}
	move(tx, args[1], args[2])
	return resp.Int(1)
}

// move gives the object at one key, with its deadline, to another.
func move(tx *Tx, from, to []byte) bool {
	o := tx.get(from)
	if o == nil {
		return false
	}
	if string(from) != string(to) {
		tx.charge(cloneWork(o))
		moved := o.clone(tx.st.epoch)
		tx.remove(from)
		tx.remove(to) // as in Redis, what comes is a new key
		tx.put(to, moved)
		tx.notify(notifyGeneric, "rename_from", from)
		tx.notify(notifyGeneric, "rename_to", to)
	}
	return true
}

func keys(tx *Tx, args [][]byte) resp.Value {
	pattern := string(args[1])
	return resp.Strs(tx.pick(math.MaxInt, func(key string) bool { return tx.matches(pattern, key) })...)
}

// keyLook is the steps of looking at a key among all keys, which no cache holds.
const keyLook = cost.Push

// pick returns the keys that are wanted, and not due, in the defined order, up to
// so many. It asks for each key in any order.
func (tx *Tx) pick(most int, want func(key string) bool) (found []string) {
	room := tx.room(1)
	for at := range tx.keys().shards {
		sh := &tx.keys().shards[at]
		tx.charge(cost.Element + cost.Times(sh.size, keyLook))
		var part []string
		sh.all(func(o *object) {
			if want(o.key) {
				part = append(part, o.key)
			}
		})
		tx.charge(cost.Sort(len(part), 0))
		slices.Sort(part)
		for _, key := range part {
			if len(found) == most {
				return found
			}
			if tx.peek([]byte(key)) != nil {
				room.take(1, len(key))
				found = append(found, key)
			}
		}
	}
	return found
}

func randomKey(tx *Tx, _ [][]byte) resp.Value {
	k := tx.keys()
	// A key that is due does not count, but is rare: draw again some times,
	// then take the first that is not due.
	for range 100 {
		if k.size == 0 {
			return resp.Nil
		}
		if key := k.at(tx, tx.random(k.size)); tx.peek([]byte(key)) != nil {
			return resp.Str(key)
		}
	}
	tx.charge(cost.Times(k.size, cost.Lookup))
	for o := range k.all() {
		if tx.peek([]byte(o.key)) != nil {
			return resp.Str(o.key)
		}
	}
	return resp.Nil
}

// at returns the key at a place in the defined order.
func (k *keyspace) at(tx *Tx, place int) string {
	tx.charge(shards / 8)
	for at := range k.shards {
		sh := &k.shards[at]
		if place < sh.size {
			tx.charge(cost.Times(sh.size, keyLook) + cost.Sort(sh.size, 0))
			return sh.sorted()[place].key
		}
		place -= sh.size
	}
	return ""
}

// A hashedKey is a key with its place in the order of SCAN.
type hashedKey struct {
	hash uint64
	key  string
}

// sortByHash puts keys into the order of SCAN.
func sortByHash(keys []hashedKey) {
	slices.SortFunc(keys, func(a, b hashedKey) int {
		return cmp.Or(cmp.Compare(a.hash, b.hash), strings.Compare(a.key, b.key))
	})
}
