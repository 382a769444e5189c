package fsm

import (
	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

var setCommands = []Command{
	{Spec{"SADD", -3, Write | DenyOOM | Fast, Keys{1, 1, 1}, "set", "Add members to a set.", "1.0.0"}, sadd},
	{Spec{"SREM", -3, Write | Fast, Keys{1, 1, 1}, "set", "Remove members from a set.", "1.0.0"}, srem},
	{Spec{"SMEMBERS", 2, Read, Keys{1, 1, 1}, "set", "Get all members of a set.", "1.0.0"}, smembers},
	{Spec{"SCARD", 2, Read | Fast, Keys{1, 1, 1}, "set", "Count the members of a set.", "1.0.0"}, scard},
	{Spec{"SISMEMBER", 3, Read | Fast, Keys{1, 1, 1}, "set", "Tell whether a set has a member.", "1.0.0"}, sisMember},
	{Spec{"SMISMEMBER", -3, Read | Fast, Keys{1, 1, 1}, "set", "Tell which of several members a set has.", "6.2.0"}, smisMember},
	{Spec{"SPOP", -2, Write | Fast, Keys{1, 1, 1}, "set", "Take members from a set by chance.", "1.0.0"}, spop},
	{Spec{"SRANDMEMBER", -2, Read, Keys{1, 1, 1}, "set", "Get some of the members by chance.", "1.0.0"}, srandMember},
	{Spec{"SMOVE", 4, Write | Fast, Keys{1, 2, 1}, "set", "Move a member from one set to another.", "1.0.0"}, smove},
	{Spec{"SSCAN", -3, Read, Keys{1, 1, 1}, "set", "List the members, a part a call.", "2.8.0"}, sscan},
	{Spec{"SINTER", -2, Read, Keys{1, -1, 1}, "set", "Get the members that several sets share.", "1.0.0"}, sinter},
	{Spec{"SUNION", -2, Read, Keys{1, -1, 1}, "set", "Get the members of any of several sets.", "1.0.0"}, sunion},
	{Spec{"SDIFF", -2, Read, Keys{1, -1, 1}, "set", "Get the members of a set that others lack.", "1.0.0"}, sdiff},
	{Spec{"SINTERSTORE", -3, Write | DenyOOM, Keys{1, -1, 1}, "set", "Store the members that several sets share.", "1.0.0"}, sinterStore},
	{Spec{"SUNIONSTORE", -3, Write | DenyOOM, Keys{1, -1, 1}, "set", "Store the members of any of several sets.", "1.0.0"}, sunionStore},
	{Spec{"SDIFFSTORE", -3, Write | DenyOOM, Keys{1, -1, 1}, "set", "Store the members of a set that others lack.", "1.0.0"}, sdiffStore},
	{Spec{"SINTERCARD", -3, Read | MovableKeys | CountAt1, Keys{}, "set", "Count the members that several sets share.", "7.0.0"}, sinterCard},
}

func (tx *Tx) set(key []byte) (m *members, ok bool, fail resp.Value) {
	return view[*members](tx, key, kindSet)
}

func sadd(tx *Tx, args [][]byte) resp.Value {
	m, ok, fail := tx.set(args[1])
	if fail.IsError() {
		return fail
	}
	if !ok {
		m = &members{}
	}
	tx.charge(m.comparing(args[2:], 1, tx.chargeEach(args[2:], cost.Insert)))
	added := int64(0)
	for _, arg := range args[2:] {
		member := string(arg)
		if ok && m.has(member) {
			continue
		}
		if added == 0 { // only now is the set changed
			m, _ = change[*members](tx, args[1], kindSet)
			ok = true
		}
		m.add(member)
		added++
	}
	if added > 0 {
		tx.notify(notifySet, "sadd", args[1])
	}
	return resp.Int(added)
}

func srem(tx *Tx, args [][]byte) resp.Value {
	m, ok, fail := tx.set(args[1])
	if !ok {
		return orZero(fail)
	}
	tx.charge(m.comparing(args[2:], 1, tx.chargeEach(args[2:], cost.Insert)))
	removed := int64(0)
	for _, arg := range args[2:] {
		member := string(arg)
		if !m.has(member) {
			continue
		}
		if removed == 0 {
			m, _ = change[*members](tx, args[1], kindSet)
		}
		m.remove(member)
		removed++
	}
	if removed > 0 {
		tx.notify(notifySet, "srem", args[1])
	}
	tx.dropEmpty(args[1])
	return resp.Int(removed)
}

// reply returns the members in order.
func (m *members) reply(tx *Tx) resp.Value {
	tx.chargeReply(m.size(), m.text())
	v := resp.Value{Kind: resp.Set, Elems: make([]resp.Value, 0, m.size())}
	m.all(func(member string) bool {
		v.Elems = append(v.Elems, resp.Str(member))
		return true
	})
	return v
}

func smembers(tx *Tx, args [][]byte) resp.Value {
	m, ok, fail := tx.set(args[1])
	switch {
	case fail.IsError():
		return fail
	case !ok:
		return resp.Value{Kind: resp.Set}
	}
	return m.reply(tx)
}

func scard(tx *Tx, args [][]byte) resp.Value {
	m, ok, fail := tx.set(args[1])
	if !ok {
		return orZero(fail)
	}
	return resp.Int(int64(m.size()))
}

func sisMember(tx *Tx, args [][]byte) resp.Value {
	m, ok, fail := tx.set(args[1])
	if !ok {
		return orZero(fail)
	}
	tx.charge(m.search(len(args[2])))
	return truth(m.has(string(args[2])))
}

// truth is a Boolean as commands older than RESP3 answer it.
func truth(b bool) resp.Value {
	if b {
		return resp.Int(1)
	}
	return resp.Int(0)
}

func smisMember(tx *Tx, args [][]byte) resp.Value {
	m, ok, fail := tx.set(args[1])
	if fail.IsError() {
		return fail
	}
	tx.chargeReply(len(args)-2, 0)
	found := make([]resp.Value, 0, len(args)-2)
	for _, member := range args[2:] {
		if ok {
			tx.charge(m.search(len(member)))
		}
		found = append(found, truth(ok && m.has(string(member))))
	}
	return resp.List(found...)
}

func spop(tx *Tx, args [][]byte) resp.Value {
	if len(args) > 3 {
		return errSyntax
	}
	count := int64(1)
	if len(args) == 3 {
		var fail resp.Value
		if count, fail = positive(args[2], errPositive); fail.IsError() {
			return fail
		}
	}
	m, ok, fail := tx.set(args[1])
	switch {
	case fail.IsError():
		return fail
	case len(args) == 2 && !ok:
		return resp.Nil
	case !ok || count == 0:
		return resp.Value{Kind: resp.Set}
	case count >= int64(m.size()) && len(args) == 3:
		all := m.reply(tx)
		tx.remove(args[1])
		tx.notify(notifySet, "spop", args[1])
		tx.notifyDeleted(args[1])
		return all
	}
	room := tx.room(int(count))
	tx.charge(cost.Times(int(count), cost.Lookup+cost.Insert))
	m, _ = change[*members](tx, args[1], kindSet)
	popped := make([]resp.Value, 0, count)
	for range count {
		member := m.at(tx.random(m.size())).key
		m.remove(member)
		popped = append(popped, room.str(member))
	}
	tx.notify(notifySet, "spop", args[1])
	tx.dropEmpty(args[1])
	if len(args) == 2 {
		return popped[0]
	}
	return resp.Value{Kind: resp.Set, Elems: popped}
}

func srandMember(tx *Tx, args [][]byte) resp.Value {
	if len(args) > 3 {
		return errSyntax
	}
	if len(args) == 2 {
		m, ok, fail := tx.set(args[1])
		if !ok {
			return fail
		}
		tx.charge(cost.Lookup)
		return resp.Str(m.at(tx.random(m.size())).key)
	}
	count, fail := parseDraws(args[2])
	if fail.IsError() {
		return fail
	}
	m, ok, fail := tx.set(args[1])
	if !ok {
		return orEmpty(fail)
	}
	n, room, fail := tx.draws(m.size(), count, 1)
	if fail.IsError() {
		return fail
	}
	drawn := make([]resp.Value, 0, n)
	tx.draw(m.size(), count, func(place int) {
		drawn = append(drawn, room.str(m.at(place).key))
	})
	return resp.List(drawn...)
}

func smove(tx *Tx, args [][]byte) resp.Value {
	from, ok, fail := tx.set(args[1])
	if !ok {
		return orZero(fail)
	}
	to, toOK, fail := tx.set(args[2])
	if fail.IsError() {
		return fail
	}
	tx.charge(from.search(len(args[3])) + 2*cost.Insert + cost.Made(len(args[3])))
	member := string(args[3])
	switch {
	case !from.has(member):
		return resp.Int(0)
	case string(args[1]) == string(args[2]):
		return resp.Int(1)
	}
	from, _ = change[*members](tx, args[1], kindSet)
	from.remove(member)
	tx.notify(notifySet, "srem", args[1])
	tx.dropEmpty(args[1])
	if !toOK || !to.has(member) {
		to, _ = change[*members](tx, args[2], kindSet)
		to.add(member)
		tx.notify(notifySet, "sadd", args[2])
	}
	return resp.Int(1)
}
