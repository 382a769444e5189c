package lua

import (
	lua "github.com/yuin/gopher-lua"
)

// A sorter sorts a table as Lua does. Where elements are equal to the script's
// order, the result depends on the algorithm: it is Lua's, so that what scripts
// see does not change with the version of Go either.
type sorter struct {
	call call
	t    *lua.LTable
	less lua.LValue // nil value for the operator <
}

func tableSort(c call) int {
	t := c.writable()
	s := sorter{c, t, lua.LNil}
	if c.Get(2) != lua.LNil {
		s.less = c.function(2)
	}
	s.sort(1, c.border(t))
	return 0
}

func (s sorter) get(i int) lua.LValue    { return at(s.t, i) }
func (s sorter) set(i int, v lua.LValue) { s.t.RawSet(lua.LNumber(i), v) }

func (s sorter) before(a, b lua.LValue) bool {
	s.call.charge(1)
	s.call.pay(2 * moveCost)
	s.call.payCompare(a, b)
	if s.less != lua.LNil {
		return lua.LVAsBool(s.call.callback(s.less, a, b))
	}
	switch x := a.(type) {
	case lua.LNumber:
		if y, ok := b.(lua.LNumber); ok {
			return x < y
		}
	case lua.LString:
		if y, ok := b.(lua.LString); ok {
			return x < y
		}
	case *lua.LTable:
		if f := metamethod(a, "__lt"); f != lua.LNil && f == metamethod(b, "__lt") {
			return lua.LVAsBool(s.call.callback(f, a, b))
		}
	}
	one, other := typeName(a), typeName(b)
	if one == other {
		s.call.raiseBare("attempt to compare two " + one + " values")
	}
	s.call.raiseBare("attempt to compare " + one + " with " + other)
	return false
}

// order swaps the elements at low and high where they are out of order.
func (s sorter) order(low, high int) {
	if a, b := s.get(low), s.get(high); s.before(b, a) {
		s.set(low, b)
		s.set(high, a)
	}
}

// sort sorts from low to high: quicksort around the median of three.
func (s sorter) sort(low, high int) {
	for low < high {
		s.order(low, high)
		if high-low == 1 {
			return
		}
		mid := int((uint(low) + uint(high)) / 2)
		if a, b := s.get(mid), s.get(low); s.before(a, b) {
			s.set(mid, b)
			s.set(low, a)
		} else if b := s.get(high); s.before(b, a) {
			s.set(mid, b)
			s.set(high, a)
		}
		if high-low == 2 {
			return
		}
		at := s.partition(low, high, mid)
		// The smaller part first, which bounds the recursion.
		if at-low < high-at {
			s.sort(low, at-1)
			low = at + 1
		} else {
			s.sort(at+1, high)
			high = at - 1
		}
	}
}

// partition puts what is less than the pivot, at mid, before the rest, and
// returns where the pivot comes to lie.
func (s sorter) partition(low, high, mid int) int {
	pivot := s.get(mid)
	s.set(mid, s.get(high-1))
	s.set(high-1, pivot)
	i, j := low, high-1
	for {
		for i++; s.before(s.get(i), pivot); i++ {
			if i > high {
				s.call.raise("invalid order function for sorting")
			}
		}
		for j--; s.before(pivot, s.get(j)); j-- {
			if j < low {
				s.call.raise("invalid order function for sorting")
			}
		}
		if j < i {
			break
		}
		a, b := s.get(i), s.get(j)
		s.set(i, b)
		s.set(j, a)
	}
	a, b := s.get(high-1), s.get(i)
	s.set(high-1, b)
	s.set(i, a)
	return i
}
