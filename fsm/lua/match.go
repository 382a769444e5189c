package lua

import (
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/trivetdb/trivet/fsm/lua/pattern"
)

// stepsPerCharge is how many steps of a matcher cost as much as an instruction.
const stepsPerCharge = 2

// A search finds the matches of a pattern in a string, one after the other.
type matching struct {
	*pattern.Matcher
	call     call
	src      string
	anchored bool
}

func (c call) matching(src, pat string) matching {
	c.pay(2 * callbackCost)
	pat, anchored := strings.CutPrefix(pat, "^")
	return matching{pattern.New(src, pat, 0), c, src, anchored}
}

// at tries the pattern at a position; the end is -1 where it does not match.
func (m matching) at(pos int) (end int) {
	r := m.call.run()
	m.Steps = (r.left + 1) * stepsPerCharge
	end, err := m.At(pos)
	spent := (r.left+1)*stepsPerCharge - m.Steps
	if err == pattern.ErrSteps {
		spent = (r.left + 2) * stepsPerCharge
	}
	m.call.charge(spent / stepsPerCharge)
	m.call.pay(positionCost)
	if err != nil {
		m.call.raise("%v", err)
	}
	return end
}

// next returns the first match at or after a position, or -1.
func (m matching) next(pos int) (start, end int) {
	for ; pos <= len(m.src); pos++ {
		if end := m.at(pos); end >= 0 {
			return pos, end
		}
		if m.anchored {
			break
		}
	}
	return -1, -1
}

// capture returns capture i of a match.
func (m matching) capture(i, start, end int) lua.LValue {
	got, err := m.Capture(i, start, end)
	if err != nil {
		m.call.raise("%v", err)
	}
	if got.Position > 0 {
		return lua.LNumber(got.Position)
	}
	return lua.LString(got.Text)
}

// captures returns all captures of a match, or the match itself where whole is
// set and there are none.
func (m matching) captures(start, end int, whole bool) []lua.LValue {
	n := m.Captures()
	if n == 0 && whole {
		n = 1
	}
	m.call.pay(moveCost * n)
	all := make([]lua.LValue, n)
	for i := range all {
		all[i] = m.capture(i, start, end)
	}
	return all
}

// find is string.find, and string.match where positions are not wanted.
func (c call) find(positions bool) int {
	s, pat := c.str(1), c.str(2)
	init := position(c.optInt(3, 1), len(s)) - 1
	init = min(max(init, 0), len(s))
	c.pay(matchCost)
	c.payRead(len(pat))
	start, end := -1, -1
	var all []lua.LValue
	if positions && (lua.LVAsBool(c.Get(4)) || pattern.Plain(pat)) {
		c.charge((len(s) - init) / bytesPerStep)
		if at := strings.Index(s[init:], pat); at >= 0 {
			start, end = init+at, init+at+len(pat)
		}
	} else {
		m := c.matching(s, pat)
		if start, end = m.next(init); start >= 0 {
			all = m.captures(start, end, !positions)
		}
	}
	if start < 0 {
		c.Push(lua.LNil)
		return 1
	}
	n := len(all)
	if positions {
		c.Push(lua.LNumber(start + 1))
		c.Push(lua.LNumber(end))
		n += 2
	}
	for _, v := range all {
		c.Push(v)
	}
	return n
}

func stringGmatch(c call) int {
	s, pat := c.str(1), c.str(2)
	pos := 0
	c.pay(closureCost + callbackCost + matchCost)
	c.Push(wrap("", func(c call) int {
		c.pay(matchCost)
		m := matching{pattern.New(s, pat, 0), c, s, false}
		start, end := m.next(pos)
		if start < 0 {
			pos = len(s) + 1
			return 0
		}
		if pos = end; start == end {
			pos++
		}
		all := m.captures(start, end, true)
		for _, v := range all {
			c.Push(v)
		}
		return len(all)
	}))
	return 1
}

func stringGsub(c call) int {
	src, pat := c.str(1), c.str(2)
	repl := c.Get(3)
	switch repl.Type() {
	case lua.LTString, lua.LTNumber, lua.LTTable, lua.LTFunction:
	default:
		c.argError(3, "string/function/table expected")
	}
	limit := c.optInt(4, len(src)+1)
	c.payMade(len(src))
	m := c.matching(src, pat)
	var b strings.Builder
	n, pos := 0, 0
	for n < limit {
		end := m.at(pos)
		if end >= 0 {
			n++
			m.replace(&b, repl, pos, end)
			if b.Len() > c.longest() {
				c.raise("resulting string too large")
			}
		}
		switch {
		case end > pos:
			pos = end
		case pos < len(src):
			b.WriteByte(src[pos])
			pos++
		default:
			pos++
		}
		if pos > len(src) || m.anchored {
			break
		}
	}
	if pos < len(src) {
		b.WriteString(src[pos:])
	}
	c.pushText(b.String())
	return 1 + c.pushNumber(float64(n))
}

// replace writes what comes in the place of a match.
func (m matching) replace(b *strings.Builder, repl lua.LValue, start, end int) {
	var v lua.LValue
	switch repl := repl.(type) {
	case *lua.LTable:
		key := m.capture(0, start, end)
		m.call.payKey(key)
		v = m.call.GetTable(repl, key)
	case *lua.LFunction:
		v = m.call.callback(repl, m.captures(start, end, true)...)
	default:
		s, _ := text(repl)
		m.template(b, s, start, end)
		return
	}
	if lua.LVIsFalse(v) {
		b.WriteString(m.src[start:end])
		return
	}
	s, ok := text(v)
	if !ok {
		m.call.raise("invalid replacement value (a %s)", typeName(v))
	}
	m.call.charge(len(s) / bytesPerStep)
	b.WriteString(s)
}

// template writes a replacement in which %1 to %9 stand for captures.
func (m matching) template(b *strings.Builder, s string, start, end int) {
	m.call.charge(1 + len(s)/bytesPerStep)
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch {
		case i == len(s): // Lua writes the zero after the text
			b.WriteByte(0)
		case s[i] < '0' || s[i] > '9':
			b.WriteByte(s[i])
		case s[i] == '0':
			m.call.charge((end - start) / bytesPerStep)
			b.WriteString(m.src[start:end])
		default:
			t, _ := text(m.capture(int(s[i]-'1'), start, end))
			m.call.charge(len(t) / bytesPerStep)
			b.WriteString(t)
		}
	}
}
