package fsm

import (
	"math/big"
	"strings"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

var hashCommands = []Command{
	{Spec{"HSET", -4, Write | DenyOOM | Fast, Keys{1, 1, 1}, "hash", "Set fields of a hash.", "2.0.0"}, hset},
	{Spec{"HSETNX", 4, Write | DenyOOM | Fast, Keys{1, 1, 1}, "hash", "Set a field of a hash where it does not exist.", "2.0.0"}, hsetNX},
	{Spec{"HMSET", -4, Write | DenyOOM | Fast, Keys{1, 1, 1}, "hash", "Set fields of a hash; answers OK.", "2.0.0"}, hset},
	{Spec{"HGET", 3, Read | Fast, Keys{1, 1, 1}, "hash", "Get the value of a field.", "2.0.0"}, hget},
	{Spec{"HMGET", -3, Read | Fast, Keys{1, 1, 1}, "hash", "Get the values of several fields.", "2.0.0"}, hmget},
	{Spec{"HGETALL", 2, Read, Keys{1, 1, 1}, "hash", "Get all fields and values.", "2.0.0"}, hgetAll},
	{Spec{"HKEYS", 2, Read, Keys{1, 1, 1}, "hash", "Get all fields.", "2.0.0"}, hkeys},
	{Spec{"HVALS", 2, Read, Keys{1, 1, 1}, "hash", "Get all values.", "2.0.0"}, hvals},
	{Spec{"HDEL", -3, Write | Fast, Keys{1, 1, 1}, "hash", "Delete fields of a hash.", "2.0.0"}, hdel},
	{Spec{"HEXISTS", 3, Read | Fast, Keys{1, 1, 1}, "hash", "Tell whether a field exists.", "2.0.0"}, hexists},
	{Spec{"HLEN", 2, Read | Fast, Keys{1, 1, 1}, "hash", "Count the fields of a hash.", "2.0.0"}, hlen},
	{Spec{"HSTRLEN", 3, Read | Fast, Keys{1, 1, 1}, "hash", "Get the length of the value of a field.", "3.2.0"}, hstrlen},
	{Spec{"HINCRBY", 4, Write | DenyOOM | Fast, Keys{1, 1, 1}, "hash", "Add to the integer in a field.", "2.0.0"}, hincrBy},
	{Spec{"HINCRBYFLOAT", 4, Write | DenyOOM | Fast, Keys{1, 1, 1}, "hash", "Add to the floating point number in a field.", "2.6.0"}, hincrByFloat},
	{Spec{"HSCAN", -3, Read, Keys{1, 1, 1}, "hash", "List the fields and values, a part a call.", "2.8.0"}, hscan},
	{Spec{"HRANDFIELD", -2, Read, Keys{1, 1, 1}, "hash", "Get some of the fields by chance.", "6.2.0"}, hrandField},
}

func (tx *Tx) hash(key []byte) (h *fields, ok bool, fail resp.Value) {
	return view[*fields](tx, key, kindHash)
}

func hset(tx *Tx, args [][]byte) resp.Value {
	if len(args)%2 == 1 {
		return errArity(strings.ToLower(string(args[0])))
	}
	if n := tx.chargeEach(args[2:], cost.Insert/2); n > longKeys {
		h, ok, _ := tx.hash(args[1])
		if !ok {
			h = &fields{}
		}
		tx.charge(h.comparing(args[2:], 2, n))
	}
	h, fail := change[*fields](tx, args[1], kindHash)
	if fail.IsError() {
		return fail
	}
	created := int64(0)
	for i := 2; i < len(args); i += 2 {
		if h.put(string(args[i]), string(args[i+1])) {
			created++
		}
	}
	tx.notify(notifyHash, "hset", args[1])
	if equalFold(args[0], "HMSET") {
		return resp.OK
	}
	return resp.Int(created)
}

func hsetNX(tx *Tx, args [][]byte) resp.Value {
	h, ok, fail := tx.hash(args[1])
	if fail.IsError() {
		return fail
	}
	if ok {
		tx.charge(h.search(len(args[2])))
		if _, there := h.get(string(args[2])); there {
			return resp.Int(0)
		}
	}
	tx.charge(cost.Insert + cost.Made(len(args[2])+len(args[3])))
	h, _ = change[*fields](tx, args[1], kindHash)
	h.put(string(args[2]), string(args[3]))
	tx.notify(notifyHash, "hset", args[1])
	return resp.Int(1)
}

// field returns the value of a field, and whether it exists.
func (tx *Tx) field(args [][]byte) (value string, ok bool, fail resp.Value) {
	h, ok, fail := tx.hash(args[1])
	if ok {
		tx.charge(h.search(len(args[2])))
		value, ok = h.get(string(args[2]))
	}
	return value, ok, fail
}

func hget(tx *Tx, args [][]byte) resp.Value {
	value, ok, fail := tx.field(args)
	if !ok {
		return fail
	}
	return resp.Str(value)
}

func hexists(tx *Tx, args [][]byte) resp.Value {
	_, ok, fail := tx.field(args)
	if !ok {
		return orZero(fail)
	}
	return resp.Int(1)
}

func hstrlen(tx *Tx, args [][]byte) resp.Value {
	value, ok, fail := tx.field(args)
	if !ok {
		return orZero(fail)
	}
	return resp.Int(int64(len(value)))
}

func hlen(tx *Tx, args [][]byte) resp.Value {
	h, ok, fail := tx.hash(args[1])
	if !ok {
		return orZero(fail)
	}
	return resp.Int(int64(h.size()))
}

func hmget(tx *Tx, args [][]byte) resp.Value {
	h, ok, fail := tx.hash(args[1])
	if fail.IsError() {
		return fail
	}
	room := tx.room(len(args) - 2)
	values := make([]resp.Value, len(args)-2)
	for i, field := range args[2:] {
		if !ok {
			break
		}
		tx.charge(h.search(len(field)))
		if value, there := h.get(string(field)); there {
			values[i] = room.str(value)
		}
	}
	return resp.List(values...)
}

// allOf returns the fields, the values or both, in order.
func (h *fields) allOf(tx *Tx, keys, values bool) []resp.Value {
	n := h.size()
	if keys && values {
		n *= 2
	}
	room := tx.room(n)
	all := make([]resp.Value, 0, n)
	h.each(func(e *entry[string]) bool {
		if keys {
			all = append(all, room.str(e.key))
		}
		if values {
			all = append(all, room.str(e.val))
		}
		return true
	})
	return all
}

func hgetAll(tx *Tx, args [][]byte) resp.Value {
	h, ok, fail := tx.hash(args[1])
	switch {
	case fail.IsError():
		return fail
	case !ok:
		return resp.Dict()
	}
	return resp.Dict(h.allOf(tx, true, true)...)
}

func hkeys(tx *Tx, args [][]byte) resp.Value {
	h, ok, fail := tx.hash(args[1])
	if !ok {
		return orEmpty(fail)
	}
	return resp.List(h.allOf(tx, true, false)...)
}

func hvals(tx *Tx, args [][]byte) resp.Value {
	h, ok, fail := tx.hash(args[1])
	if !ok {
		return orEmpty(fail)
	}
	return resp.List(h.allOf(tx, false, true)...)
}

func hdel(tx *Tx, args [][]byte) resp.Value {
	h, ok, fail := tx.hash(args[1])
	if !ok {
		return orZero(fail)
	}
	tx.charge(h.comparing(args[2:], 1, tx.chargeEach(args[2:], cost.Insert)))
	deleted := int64(0)
	for _, arg := range args[2:] {
		field := string(arg)
		if _, there := h.get(field); !there {
			continue
		}
		if deleted == 0 { // only now is the hash changed
			h, _ = change[*fields](tx, args[1], kindHash)
		}
		h.remove(field)
		deleted++
	}
	if deleted > 0 {
		tx.notify(notifyHash, "hdel", args[1])
	}
	tx.dropEmpty(args[1])
	return resp.Int(deleted)
}

func hincrBy(tx *Tx, args [][]byte) resp.Value {
	by, ok := parseInt(args[3])
	if !ok {
		return errNotInteger
	}
	value, there, fail := tx.field(args)
	if fail.IsError() {
		return fail
	}
	old := int64(0)
	if there {
		if old, ok = parseInt([]byte(value)); !ok {
			return errHashInt
		}
	}
	sum, ok := addInt(old, by)
	if !ok {
		return errOverflow
	}
	tx.charge(cost.Insert + cost.Made(len(args[2])))
	h, _ := change[*fields](tx, args[1], kindHash)
	h.put(string(args[2]), itoa(sum))
	tx.notify(notifyHash, "hincrby", args[1])
	return resp.Int(sum)
}

// floatWork is the steps of adding two numbers of up to 5000 digits.
const floatWork = 1000

func hincrByFloat(tx *Tx, args [][]byte) resp.Value {
	tx.charge(floatWork + cost.Made(len(args[2])+len(args[3])))
	by, byFinite, ok := parseFloat(args[3])
	switch {
	case !ok:
		return errNotFloat
	case !byFinite:
		return errInfinity
	}
	value, there, fail := tx.field(args)
	if fail.IsError() {
		return fail
	}
	if !there {
		value = "0"
	}
	old, finite, ok := parseFloat([]byte(value))
	switch {
	case !ok:
		return errHashFloat
	case !finite:
		return errNaN
	}
	f := new(big.Float).SetPrec(floatBits).Add(old, by)
	if f.MantExp(nil) > maxFloatExp {
		return errNaN
	}
	sum := formatFloat(f)
	h, _ := change[*fields](tx, args[1], kindHash)
	h.put(string(args[2]), sum)
	tx.notify(notifyHash, "hincrbyfloat", args[1])
	return resp.Str(sum)
}
