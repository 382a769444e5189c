package fsm

import (
	"math"
	"strings"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

var listCommands = []Command{
	{Spec{"LPUSH", -3, Write | DenyOOM | Fast, Keys{1, 1, 1}, "list", "Put elements at the front of a list.", "1.0.0"}, push},
	{Spec{"RPUSH", -3, Write | DenyOOM | Fast, Keys{1, 1, 1}, "list", "Put elements at the end of a list.", "1.0.0"}, push},
	{Spec{"LPUSHX", -3, Write | DenyOOM | Fast, Keys{1, 1, 1}, "list", "Put elements at the front of a list that exists.", "2.2.0"}, pushExisting},
	{Spec{"RPUSHX", -3, Write | DenyOOM | Fast, Keys{1, 1, 1}, "list", "Put elements at the end of a list that exists.", "2.2.0"}, pushExisting},
	{Spec{"LPOP", -2, Write | Fast, Keys{1, 1, 1}, "list", "Take elements from the front of a list.", "1.0.0"}, pop},
	{Spec{"RPOP", -2, Write | Fast, Keys{1, 1, 1}, "list", "Take elements from the end of a list.", "1.0.0"}, pop},
	{Spec{"LLEN", 2, Read | Fast, Keys{1, 1, 1}, "list", "Get the length of a list.", "1.0.0"}, llen},
	{Spec{"LRANGE", 4, Read, Keys{1, 1, 1}, "list", "Get a range of elements of a list.", "1.0.0"}, lrange},
	{Spec{"LINDEX", 3, Read, Keys{1, 1, 1}, "list", "Get the element of a list at an index.", "1.0.0"}, lindex},
	{Spec{"LSET", 4, Write | DenyOOM, Keys{1, 1, 1}, "list", "Replace the element of a list at an index.", "1.0.0"}, lset},
	{Spec{"LREM", 4, Write, Keys{1, 1, 1}, "list", "Remove elements of a value from a list.", "1.0.0"}, lrem},
	{Spec{"LTRIM", 4, Write, Keys{1, 1, 1}, "list", "Keep but a range of elements of a list.", "1.0.0"}, ltrim},
	{Spec{"LINSERT", 5, Write | DenyOOM, Keys{1, 1, 1}, "list", "Insert an element before or after another.", "2.2.0"}, linsert},
	{Spec{"LPOS", -3, Read, Keys{1, 1, 1}, "list", "Find elements of a value in a list.", "6.0.6"}, lpos},
	{Spec{"RPOPLPUSH", 3, Write | DenyOOM, Keys{1, 2, 1}, "list", "Take the last element of a list and put it at the front of another.", "1.2.0"}, rpoplpush},
	{Spec{"LMOVE", 5, Write | DenyOOM, Keys{1, 2, 1}, "list", "Take an element from one end of a list and put it at one end of another.", "6.2.0"}, lmove},
	{Spec{"LMPOP", -4, Write | MovableKeys | CountAt1, Keys{}, "list", "Take elements from the first of several lists that is not empty.", "7.0.0"}, lmpop},
}

func (tx *Tx) list(key []byte) (d *deque, ok bool, fail resp.Value) {
	return view[*deque](tx, key, kindList)
}

// pushed and popped are the names of events at one end of a list.
func pushed(front bool) string {
	if front {
		return "lpush"
	}
	return "rpush"
}

func popped(front bool) string {
	if front {
		return "lpop"
	}
	return "rpop"
}

func (d *deque) push(s string, front bool) {
	if front {
		d.pushFront(s)
	} else {
		d.pushBack(s)
	}
}

func (d *deque) pop(front bool) string {
	if front {
		return d.popFront()
	}
	return d.popBack()
}

// atFront reports which end a command such as LPUSH or rpop is about.
func atFront(name []byte) bool { return name[0] == 'L' || name[0] == 'l' }

func push(tx *Tx, args [][]byte) resp.Value {
	tx.chargeEach(args[2:], cost.Push)
	d, fail := change[*deque](tx, args[1], kindList)
	if fail.IsError() {
		return fail
	}
	for _, arg := range args[2:] {
		d.push(string(arg), atFront(args[0]))
	}
	tx.notify(notifyList, pushed(atFront(args[0])), args[1])
	return resp.Int(int64(d.n))
}

func pushExisting(tx *Tx, args [][]byte) resp.Value {
	if _, ok, fail := tx.list(args[1]); !ok {
		return orZero(fail)
	}
	return push(tx, args)
}

// orZero answers 0 where there is no key.
func orZero(fail resp.Value) resp.Value {
	if fail.IsError() {
		return fail
	}
	return resp.Int(0)
}

// orEmpty answers an empty array where there is no key.
func orEmpty(fail resp.Value) resp.Value {
	if fail.IsError() {
		return fail
	}
	return resp.List()
}

// positive reads a count that may be 0.
func positive(arg []byte, otherwise resp.Value) (int64, resp.Value) {
	if n, ok := parseInt(arg); ok && n >= 0 {
		return n, resp.Nil
	}
	return 0, otherwise
}

func pop(tx *Tx, args [][]byte) resp.Value {
	if len(args) > 3 {
		return errArity(strings.ToLower(string(args[0])))
	}
	counted := len(args) == 3
	count := int64(1)
	if counted {
		var fail resp.Value
		if count, fail = positive(args[2], errPositive); fail.IsError() {
			return fail
		}
	}
	_, ok, fail := tx.list(args[1])
	switch {
	case fail.IsError():
		return fail
	case !ok && counted:
		return resp.Value{Kind: resp.NullArray}
	case !ok:
		return resp.Nil
	}
	elems := tx.popList(args[1], count, atFront(args[0]))
	if counted {
		return resp.List(elems...)
	}
	return elems[0]
}

// popList takes up to count elements from the list at key, which must exist.
func (tx *Tx) popList(key []byte, count int64, front bool) []resp.Value {
	if count == 0 {
		return nil
	}
	d, _, _ := tx.list(key)
	n := int(min(count, int64(d.n)))
	room := tx.room(n)
	tx.charge(cost.Times(n, cost.Push))
	if d.taken > room.left { // only then it is worth a look before elements go
		d.chargeText(room, n, front)
	}
	d, _ = change[*deque](tx, key, kindList)
	elems := make([]resp.Value, 0, n)
	for range n {
		elems = append(elems, room.str(d.pop(front)))
	}
	tx.notify(notifyList, popped(front), key)
	tx.dropEmpty(key)
	return elems
}

// chargeText counts in a reply what n elements at one end hold.
func (d *deque) chargeText(r room, n int, front bool) {
	walk, from := d.each, 0
	if !front {
		walk, from = d.eachBack, d.n-1
	}
	walk(from, func(_ int, s string) bool {
		r.take(0, len(s))
		n--
		return n > 0
	})
}

func llen(tx *Tx, args [][]byte) resp.Value {
	d, ok, fail := tx.list(args[1])
	if !ok {
		return orZero(fail)
	}
	return resp.Int(int64(d.n))
}

// interval turns Redis's inclusive range of indexes, whose negative ends count
// from the back, into a half-open one within n.
func interval(start, end int64, n int) (from, to int) {
	size := int64(n)
	if start < 0 {
		start = max(start+size, 0)
	}
	if end < 0 {
		end += size
	}
	if end = min(end, size-1); start > end {
		return 0, 0
	}
	return int(start), int(end) + 1
}

func parseInterval(args [][]byte) (start, end int64, fail resp.Value) {
	start, ok1 := parseInt(args[0])
	end, ok2 := parseInt(args[1])
	if !ok1 || !ok2 {
		return 0, 0, errNotInteger
	}
	return start, end, resp.Nil
}

func lrange(tx *Tx, args [][]byte) resp.Value {
	start, end, fail := parseInterval(args[2:])
	if fail.IsError() {
		return fail
	}
	d, ok, fail := tx.list(args[1])
	if !ok {
		return orEmpty(fail)
	}
	from, to := interval(start, end, d.n)
	room := tx.room(to - from)
	tx.charge(d.reach())
	found := make([]resp.Value, 0, to-from)
	if from < to {
		d.each(from, func(i int, s string) bool {
			found = append(found, room.str(s))
			return i+1 < to
		})
	}
	return resp.List(found...)
}

// indexOf turns an index that may count from the back into one from the front,
// and reports whether there is such an element.
func (d *deque) indexOf(i int64) (int, bool) {
	if i < 0 {
		i += int64(d.n)
	}
	return int(i), i >= 0 && i < int64(d.n)
}

func lindex(tx *Tx, args [][]byte) resp.Value {
	d, ok, fail := tx.list(args[1])
	if !ok {
		return fail
	}
	n, ok := parseInt(args[2])
	if !ok {
		return errNotInteger
	}
	i, ok := d.indexOf(n)
	if !ok {
		return resp.Nil
	}
	tx.charge(d.reach())
	return resp.Str(d.at(i))
}

func lset(tx *Tx, args [][]byte) resp.Value {
	d, ok, fail := tx.list(args[1])
	if !ok {
		if fail.IsError() {
			return fail
		}
		return errNoSuchKey
	}
	n, ok := parseInt(args[2])
	if !ok {
		return errNotInteger
	}
	i, ok := d.indexOf(n)
	if !ok {
		return errIndex
	}
	tx.charge(d.reach() + cost.Made(len(args[3])))
	d, _ = change[*deque](tx, args[1], kindList)
	d.set(i, string(args[3]))
	tx.notify(notifyList, "lset", args[1])
	return resp.OK
}

func lrem(tx *Tx, args [][]byte) resp.Value {
	n, ok := parseInt(args[2])
	if !ok {
		return errNotInteger
	}
	d, ok, fail := tx.list(args[1])
	if !ok {
		return orZero(fail)
	}
	s := string(args[3])
	tx.charge(cost.Made(len(s)) + d.compare(s)) // to remove them; find counts for itself
	if d.find(tx, s) < 0 {
		return resp.Int(0)
	}
	limit := d.n
	if n != 0 && n != math.MinInt64 {
		limit = int(min(max(n, -n), int64(limit)))
	}
	d, _ = change[*deque](tx, args[1], kindList)
	removed := d.removeEqual(s, limit, n < 0)
	tx.notify(notifyList, "lrem", args[1])
	tx.dropEmpty(args[1])
	return resp.Int(int64(removed))
}

func ltrim(tx *Tx, args [][]byte) resp.Value {
	start, end, fail := parseInterval(args[2:])
	if fail.IsError() {
		return fail
	}
	d, ok, fail := tx.list(args[1])
	if !ok {
		if fail.IsError() {
			return fail
		}
		return resp.OK
	}
	from, to := interval(start, end, d.n)
	tx.charge(d.reach() + min(to-from, d.n-(to-from)))
	d, _ = change[*deque](tx, args[1], kindList)
	d.trim(from, to)
	tx.notify(notifyList, "ltrim", args[1])
	tx.dropEmpty(args[1])
	return resp.OK
}

func linsert(tx *Tx, args [][]byte) resp.Value {
	after := equalFold(args[2], "AFTER")
	if !after && !equalFold(args[2], "BEFORE") {
		return errSyntax
	}
	d, ok, fail := tx.list(args[1])
	if !ok {
		return orZero(fail)
	}
	tx.charge(d.reach() + cost.Insert + cost.Made(len(args[3])+len(args[4])))
	i := d.find(tx, string(args[3]))
	if i < 0 {
		return resp.Int(-1)
	}
	if after {
		i++
	}
	d, _ = change[*deque](tx, args[1], kindList)
	d.insert(i, string(args[4]))
	tx.notify(notifyList, "linsert", args[1])
	return resp.Int(int64(d.n))
}
