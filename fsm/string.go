package fsm

import (
	"strings"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

var stringCommands = []Command{
	{Spec{"GET", 2, Read | Fast, Keys{1, 1, 1}, "string", "Get the string at a key.", "1.0.0"}, get},
	{Spec{"SET", -3, Write | DenyOOM, Keys{1, 1, 1}, "string", "Set a key to a string.", "1.0.0"}, set},
	{Spec{"SETNX", 3, Write | DenyOOM | Fast, Keys{1, 1, 1}, "string", "Set a key to a string where it does not exist.", "1.0.0"}, setNX},
	{Spec{"SETEX", 4, Write | DenyOOM, Keys{1, 1, 1}, "string", "Set a key to a string that expires after seconds.", "2.0.0"}, setEX},
	{Spec{"PSETEX", 4, Write | DenyOOM, Keys{1, 1, 1}, "string", "Set a key to a string that expires after milliseconds.", "2.6.0"}, setEX},
	{Spec{"GETSET", 3, Write | DenyOOM | Fast, Keys{1, 1, 1}, "string", "Set a key to a string and return the old one.", "1.0.0"}, getSet},
	{Spec{"GETDEL", 2, Write | Fast, Keys{1, 1, 1}, "string", "Get the string at a key and delete the key.", "6.2.0"}, getDel},
	{Spec{"GETEX", -2, Write | Fast, Keys{1, 1, 1}, "string", "Get the string at a key and change its expiry.", "6.2.0"}, getEX},
	{Spec{"MGET", -2, Read | Fast, Keys{1, -1, 1}, "string", "Get the strings at several keys.", "1.0.0"}, mget},
	{Spec{"MSET", -3, Write | DenyOOM, Keys{1, -1, 2}, "string", "Set several keys to strings.", "1.0.1"}, mset},
	{Spec{"MSETNX", -3, Write | DenyOOM, Keys{1, -1, 2}, "string", "Set several keys to strings where none of them exists.", "1.0.1"}, msetNX},
	{Spec{"APPEND", 3, Write | DenyOOM | Fast, Keys{1, 1, 1}, "string", "Append to the string at a key.", "2.0.0"}, appendString},
	{Spec{"STRLEN", 2, Read | Fast, Keys{1, 1, 1}, "string", "Get the length of the string at a key.", "2.2.0"}, strlen},
	{Spec{"GETRANGE", 4, Read, Keys{1, 1, 1}, "string", "Get a part of the string at a key.", "2.4.0"}, getRange},
	{Spec{"SUBSTR", 4, Read, Keys{1, 1, 1}, "string", "Get a part of the string at a key; the old name of GETRANGE.", "1.0.0"}, getRange},
	{Spec{"LCS", -3, Read, Keys{1, 2, 1}, "string", "Find the longest sequence of bytes that two strings have in common.", "7.0.0"}, lcs},
	{Spec{"SETRANGE", 4, Write | DenyOOM, Keys{1, 1, 1}, "string", "Overwrite a part of the string at a key.", "2.2.0"}, setRange},
	{Spec{"INCR", 2, Write | DenyOOM | Fast, Keys{1, 1, 1}, "string", "Add one to the integer at a key.", "1.0.0"}, incr},
	{Spec{"INCRBY", 3, Write | DenyOOM | Fast, Keys{1, 1, 1}, "string", "Add to the integer at a key.", "1.0.0"}, incrBy},
	{Spec{"INCRBYFLOAT", 3, Write | DenyOOM | Fast, Keys{1, 1, 1}, "string", "Add to the floating point number at a key.", "2.6.0"}, incrByFloat},
	{Spec{"DECR", 2, Write | DenyOOM | Fast, Keys{1, 1, 1}, "string", "Subtract one from the integer at a key.", "1.0.0"}, decr},
	{Spec{"DECRBY", 3, Write | DenyOOM | Fast, Keys{1, 1, 1}, "string", "Subtract from the integer at a key.", "1.0.0"}, decrBy},
}

// maxString is the longest string that a command may build, in bytes. It is
// what the protocol reader accepts as one argument.
var maxString = resp.DefaultLimits.Bulk

// isString reports whether o is a string or missing.
func isString(o *object) bool { return o == nil || o.kind == kindString || o.kind == kindInteger }

// weigh returns how many values the reply of GET has, and how many bytes.
func (o *object) weigh() (values, bytes int) {
	switch {
	case o == nil:
		return 1, 0
	case o.kind == kindClassic:
		return weigh(o.val.(resp.Value))
	}
	return 1, o.text().len()
}

// weigh returns how many values there are in v, and how many bytes.
func weigh(v resp.Value) (values, bytes int) {
	values, bytes = 1, len(v.Str)
	for _, elem := range v.Elems {
		n, size := weigh(elem)
		values, bytes = values+n, bytes+size
	}
	return values, bytes
}

// shown returns what a Redis client reads of o with GET.
func (tx *Tx) shown(o *object) resp.Value {
	if o != nil && o.kind == kindString {
		t := o.text()
		tx.chargeReply(1, t.len())
		return resp.Str(tx.flat(t, 0, t.len()))
	}
	tx.chargeReply(o.weigh())
	return tx.answer(o)
}

// answer is shown for a reply that was charged for.
func (tx *Tx) answer(o *object) resp.Value {
	switch {
	case o == nil:
		return resp.Nil
	case o.kind == kindClassic:
		return o.val.(resp.Value)
	case isString(o):
		t := o.text()
		return resp.Str(tx.flat(t, 0, t.len()))
	}
	return errWrongType
}

func get(tx *Tx, args [][]byte) resp.Value { return tx.shown(tx.get(args[1])) }

// several returns what is at several keys, each as f shows it.
func (tx *Tx) several(keys [][]byte, f func(*object) resp.Value) resp.Value {
	tx.charge(cost.Times(len(keys), cost.Lookup))
	objects := make([]*object, len(keys))
	values, bytes := 0, 0
	for i, key := range keys {
		objects[i] = tx.get(key)
		n, size := objects[i].weigh()
		values, bytes = values+n, bytes+size
	}
	tx.chargeReply(values, bytes)
	list := make([]resp.Value, len(keys))
	for i, o := range objects {
		list[i] = f(o)
	}
	return resp.List(list...)
}

func mget(tx *Tx, args [][]byte) resp.Value {
	return tx.several(args[1:], func(o *object) resp.Value {
		if v := tx.answer(o); !v.IsError() {
			return v
		}
		return resp.Nil
	})
}

// putString makes a key hold what a command brings.
func (tx *Tx) putString(key, value []byte, expireAt int64) {
	tx.charge(cost.Insert + cost.Made(len(value)))
	tx.put(key, &object{str: string(value), expireAt: expireAt})
}

func set(tx *Tx, args [][]byte) resp.Value {
	opt, ok := parseSetOptions(args[3:], "NX", "XX", "GET", "KEEPTTL")
	if !ok {
		return errSyntax
	}
	at, fail := opt.deadline(tx, "set")
	if fail.IsError() {
		return fail
	}
	old := tx.get(args[1])
	reply := resp.OK
	if opt.has("GET") {
		tx.missing(args[1])
		if reply = tx.shown(old); reply.IsError() {
			return reply
		}
	}
	if opt.has("NX") && old != nil || opt.has("XX") && old == nil {
		if opt.has("GET") {
			return reply
		}
		return resp.Nil
	}
	expires := at != 0
	if opt.has("KEEPTTL") && old != nil {
		at = old.expireAt
	}
	tx.putString(args[1], args[2], at)
	tx.notify(notifyString, "set", args[1])
	if expires {
		tx.notify(notifyGeneric, "expire", args[1])
	}
	return reply
}

func setNX(tx *Tx, args [][]byte) resp.Value {
	if tx.get(args[1]) != nil {
		return resp.Int(0)
	}
	tx.putString(args[1], args[2], 0)
	tx.notify(notifyString, "set", args[1])
	return resp.Int(1)
}

func setEX(tx *Tx, args [][]byte) resp.Value {
	name := strings.ToLower(string(args[0]))
	option := "EX"
	if name == "psetex" {
		option = "PX"
	}
	at, fail := expiry(tx, option, args[2], name)
	if fail.IsError() {
		return fail
	}
	tx.putString(args[1], args[3], at)
	tx.notify(notifyString, "set", args[1])
	tx.notify(notifyGeneric, "expire", args[1])
	return resp.OK
}

func getSet(tx *Tx, args [][]byte) resp.Value {
	tx.missing(args[1])
	old := tx.shown(tx.get(args[1]))
	if old.IsError() {
		return old
	}
	tx.putString(args[1], args[2], 0)
	tx.notify(notifyString, "set", args[1])
	return old
}

func getDel(tx *Tx, args [][]byte) resp.Value {
	tx.missing(args[1])
	old := tx.shown(tx.get(args[1]))
	if !old.IsError() && tx.remove(args[1]) {
		tx.notifyDeleted(args[1])
	}
	return old
}

func getEX(tx *Tx, args [][]byte) resp.Value {
	opt, ok := parseSetOptions(args[2:], "PERSIST")
	if !ok {
		return errSyntax
	}
	tx.missing(args[1])
	o := tx.get(args[1])
	reply := tx.shown(o)
	if o == nil || reply.IsError() {
		return reply // before a look at the time, as in Redis
	}
	at, fail := opt.deadline(tx, "getex")
	switch {
	case fail.IsError():
		return fail
	case at != 0 && at <= tx.now:
		tx.remove(args[1])
		tx.notifyDeleted(args[1])
	case at != 0:
		tx.expire(args[1], at)
		tx.notify(notifyGeneric, "expire", args[1])
	case opt.has("PERSIST") && o.expireAt != 0:
		tx.expire(args[1], 0)
		tx.notify(notifyGeneric, "persist", args[1])
	}
	return reply
}

func mset(tx *Tx, args [][]byte) resp.Value {
	if len(args)%2 == 0 {
		return errArity("mset")
	}
	bytes := 0
	for i := 2; i < len(args); i += 2 {
		bytes += len(args[i])
	}
	tx.charge(cost.Times(len(args)/2, cost.Insert) + cost.Made(bytes))
	for i := 1; i < len(args); i += 2 {
		tx.put(args[i], &object{str: string(args[i+1])})
		tx.notify(notifyString, "set", args[i])
	}
	return resp.OK
}

func msetNX(tx *Tx, args [][]byte) resp.Value {
	if len(args)%2 == 0 {
		return errArity("msetnx")
	}
	tx.charge(cost.Times(len(args)/2, cost.Lookup))
	for i := 1; i < len(args); i += 2 {
		if tx.get(args[i]) != nil {
			return resp.Int(0)
		}
	}
	mset(tx, args)
	return resp.Int(1)
}

func appendString(tx *Tx, args [][]byte) resp.Value {
	o := tx.get(args[1])
	if !isString(o) {
		return errWrongType
	}
	size := o.text().len()
	if o != nil && size+len(args[2]) > maxString {
		return errTooLong
	}
	size = tx.patch(args[1], o, size, args[2])
	tx.notify(notifyString, "append", args[1])
	return resp.Int(int64(size))
}

func strlen(tx *Tx, args [][]byte) resp.Value {
	t, _, fail := textAt(tx, args[1])
	if fail.IsError() {
		return fail
	}
	return resp.Int(int64(t.len()))
}

func getRange(tx *Tx, args [][]byte) resp.Value {
	start, ok1 := parseInt(args[2])
	end, ok2 := parseInt(args[3])
	if !ok1 || !ok2 {
		return errNotInteger
	}
	t, _, fail := textAt(tx, args[1])
	if fail.IsError() {
		return fail
	}
	from, to := span(start, end, t.len())
	tx.chargeReply(1, to-from)
	return resp.Str(tx.flat(t, from, to))
}

// span turns Redis's inclusive range, whose negative ends count from the back,
// into a half-open one within n.
func span(start, end int64, n int) (from, to int) {
	size := int64(n)
	if start < 0 && end < 0 && start > end {
		return 0, 0
	}
	if start < 0 {
		start = max(start+size, 0)
	}
	if end < 0 {
		end = max(end+size, 0)
	}
	end = min(end, size-1)
	if start > end || size == 0 {
		return 0, 0
	}
	return int(start), int(end) + 1
}

func setRange(tx *Tx, args [][]byte) resp.Value {
	offset, ok := parseInt(args[2])
	if !ok {
		return errNotInteger
	}
	if offset < 0 {
		return errOffset
	}
	o := tx.get(args[1])
	if !isString(o) {
		return errWrongType
	}
	patch := args[3]
	if len(patch) == 0 {
		return resp.Int(int64(o.text().len()))
	}
	if offset > int64(maxString) || int(offset)+len(patch) > maxString {
		return errTooLong
	}
	size := tx.patch(args[1], o, int(offset), patch)
	tx.notify(notifyString, "setrange", args[1])
	return resp.Int(int64(size))
}
