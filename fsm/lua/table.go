package lua

import (
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/trivetdb/trivet/fsm/cost"
)

var tableFunctions = map[string]function{
	"concat":   tableConcat,
	"foreach":  tableForeach,
	"foreachi": tableForeachi,
	"getn":     func(c call) int { return c.pushNumber(float64(c.border(c.table(1)))) },
	"insert":   tableInsert,
	"maxn":     tableMaxn,
	"remove":   tableRemove,
	"setn":     func(c call) int { c.table(1); c.raise("'setn' is obsolete"); return 0 },
	"sort":     tableSort,
}

// writable returns argument 1, a table that scripts may change.
func (c call) writable() *lua.LTable {
	t := c.table(1)
	if c.run().readonly(t) {
		c.raiseBare(errReadonly)
	}
	return t
}

func tableConcat(c call) int {
	t := c.table(1)
	sep := c.optStr(2, "")
	first := c.optInt(3, 1)
	last := 0
	if c.Get(4) == lua.LNil {
		last = c.border(t)
	} else {
		last = c.int(4)
	}
	var b strings.Builder
	if c.run().strict() {
		b.Grow(c.concatSize(t, sep, first, last))
	}
	for i := first; i <= last; i++ {
		s, ok := text(at(t, i))
		if !ok {
			c.raise("invalid value (%s) at index %d in table for 'concat'", typeName(at(t, i)), i)
		}
		c.charge(1 + (len(s)+len(sep))/bytesPerStep)
		c.pay(moveCost)
		if c.run().strict() && b.Len()+len(s) > maxStrictString {
			c.raise("resulting string too large")
		}
		b.WriteString(s)
		if i < last {
			b.WriteString(sep)
		}
		if b.Len() > maxString {
			c.raise("resulting string too large")
		}
	}
	c.Push(lua.LString(b.String()))
	return 1
}

// concatSize returns how many bytes table.concat makes, as far as it goes.
func (c call) concatSize(t *lua.LTable, sep string, first, last int) (size int) {
	for i := first; i <= last; i++ {
		c.pay(moveCost)
		s, ok := at(t, i).(lua.LString)
		if size += len(s) + len(sep); !ok && at(t, i) == lua.LNil || size > maxStrictString {
			break
		}
	}
	size = min(size, maxStrictString)
	c.payMade(size)
	return size
}

func tableForeach(c call) int {
	t, f := c.table(1), c.function(2)
	for k, v := c.next(t, lua.LNil); k != lua.LNil; k, v = c.next(t, k) {
		if got := c.callback(f, k, v); got != lua.LNil {
			c.Push(got)
			return 1
		}
	}
	return 0
}

func tableForeachi(c call) int {
	t, f := c.table(1), c.function(2)
	for i, n := 1, c.border(t); i <= n; i++ {
		if got := c.callback(f, lua.LNumber(i), at(t, i)); got != lua.LNil {
			c.Push(got)
			return 1
		}
	}
	return 0
}

func tableInsert(c call) int {
	t := c.writable()
	next := c.border(t) + 1
	switch c.GetTop() {
	case 2:
		if c.run().strict() {
			c.grow(t, lua.LNumber(next))
		}
		t.RawSet(lua.LNumber(next), c.Get(2))
	case 3:
		pos := c.int(2)
		v := c.Get(3)
		next = max(next, pos)
		c.charge(steps(next - pos))
		c.pay(cost.Times(next-pos, c.moving(pos, next)))
		c.grow(t, lua.LNumber(next))
		for i := next; i > pos; i-- {
			t.RawSet(lua.LNumber(i), at(t, i-1))
		}
		t.RawSet(lua.LNumber(pos), v)
	default:
		c.raise("wrong number of arguments to 'insert'")
	}
	return 0
}

func tableRemove(c call) int {
	t := c.writable()
	n := c.border(t)
	pos := c.optInt(2, n)
	if pos < 1 || pos > n {
		return 0
	}
	c.charge(n - pos)
	c.pay(cost.Times(n-pos, c.moving(pos, n)))
	c.Push(at(t, pos))
	for i := pos; i < n; i++ {
		t.RawSet(lua.LNumber(i), at(t, i+1))
	}
	t.RawSet(lua.LNumber(n), lua.LNil)
	return 1
}

func tableMaxn(c call) int {
	t := c.table(1)
	highest := 0.0
	for k, _ := c.nextRaw(t, lua.LNil); k != lua.LNil; k, _ = c.nextRaw(t, k) {
		if n, ok := k.(lua.LNumber); ok {
			highest = max(highest, float64(n))
		}
		c.charge(1)
	}
	return c.pushNumber(highest)
}

// moving returns what it costs to move one of the elements from first to last.
func (c call) moving(first, last int) int {
	if first < 1 || last >= lua.MaxArrayIndex {
		return hashCost
	}
	return moveCost
}
