package fsm

import (
	"strings"

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

// shown returns what a Redis client reads of o with GET.
func shown(o *object) resp.Value {
	switch {
	case o == nil:
		return resp.Nil
	case o.kind == kindClassic:
		return o.val.(resp.Value)
	case isString(o):
		return resp.Str(o.str)
	}
	return errWrongType
}

func get(tx *Tx, args [][]byte) resp.Value { return shown(tx.get(args[1])) }

func mget(tx *Tx, args [][]byte) resp.Value {
	values := make([]resp.Value, 0, len(args)-1)
	for _, key := range args[1:] {
		v := shown(tx.get(key))
		if v.IsError() {
			v = resp.Nil
		}
		values = append(values, v)
	}
	return resp.List(values...)
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
		if reply = shown(old); reply.IsError() {
			return reply
		}
	}
	if opt.has("NX") && old != nil || opt.has("XX") && old == nil {
		if opt.has("GET") {
			return reply
		}
		return resp.Nil
	}
	o := &object{str: string(args[2]), expireAt: at}
	if opt.has("KEEPTTL") && old != nil {
		o.expireAt = old.expireAt
	}
	tx.put(args[1], o)
	tx.notify(notifyString, "set", args[1])
	if at != 0 {
		tx.notify(notifyGeneric, "expire", args[1])
	}
	return reply
}

func setNX(tx *Tx, args [][]byte) resp.Value {
	if tx.get(args[1]) != nil {
		return resp.Int(0)
	}
	tx.put(args[1], &object{str: string(args[2])})
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
	tx.put(args[1], &object{str: string(args[3]), expireAt: at})
	tx.notify(notifyString, "set", args[1])
	tx.notify(notifyGeneric, "expire", args[1])
	return resp.OK
}

func getSet(tx *Tx, args [][]byte) resp.Value {
	tx.missing(args[1])
	old := shown(tx.get(args[1]))
	if old.IsError() {
		return old
	}
	tx.put(args[1], &object{str: string(args[2])})
	tx.notify(notifyString, "set", args[1])
	return old
}

func getDel(tx *Tx, args [][]byte) resp.Value {
	tx.missing(args[1])
	old := shown(tx.get(args[1]))
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
	reply := shown(o)
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
	switch {
	case !isString(o):
		return errWrongType
	case o == nil:
		tx.put(args[1], &object{str: string(args[2])})
		tx.notify(notifyString, "append", args[1])
		return resp.Int(int64(len(args[2])))
	case len(o.str)+len(args[2]) > maxString:
		return errTooLong
	}
	o = tx.edit(args[1], o)
	o.str, o.kind = o.str+string(args[2]), kindString
	tx.notify(notifyString, "append", args[1])
	return resp.Int(int64(len(o.str)))
}

func strlen(tx *Tx, args [][]byte) resp.Value {
	o := tx.get(args[1])
	switch {
	case !isString(o):
		return errWrongType
	case o == nil:
		return resp.Int(0)
	}
	return resp.Int(int64(len(o.str)))
}

func getRange(tx *Tx, args [][]byte) resp.Value {
	start, ok1 := parseInt(args[2])
	end, ok2 := parseInt(args[3])
	if !ok1 || !ok2 {
		return errNotInteger
	}
	o := tx.get(args[1])
	switch {
	case !isString(o):
		return errWrongType
	case o == nil:
		return resp.Str("")
	}
	from, to := span(start, end, len(o.str))
	return resp.Str(o.str[from:to])
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
	old := ""
	if o != nil {
		old = o.str
	}
	patch := args[3]
	if len(patch) == 0 {
		return resp.Int(int64(len(old)))
	}
	if offset > int64(maxString) || int(offset)+len(patch) > maxString {
		return errTooLong
	}
	b := make([]byte, max(len(old), int(offset)+len(patch)))
	copy(b, old)
	copy(b[offset:], patch)
	if o == nil {
		tx.put(args[1], &object{str: string(b)})
	} else {
		o = tx.edit(args[1], o)
		o.str, o.kind = string(b), kindString
	}
	tx.notify(notifyString, "setrange", args[1])
	return resp.Int(int64(len(b)))
}
