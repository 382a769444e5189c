package lua

import (
	"cmp"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/trivetdb/trivet/resp"
)

// maxReplyDepth bounds tables within tables of a reply.
const maxReplyDepth = 500

var errDepth = resp.Err("ERR reached lua stack limit")

// reply returns what the client gets for a value that the script returned.
func (r *run) reply(v lua.LValue, depth int) resp.Value {
	if r.left -= replyCost; depth > maxReplyDepth || r.left < 0 {
		return errDepth
	}
	switch v := v.(type) {
	case lua.LString:
		return resp.Str(string(v))
	case lua.LNumber:
		return resp.Int(toInt(float64(v)))
	case lua.LBool:
		switch {
		case r.resp3:
			return resp.Truth(bool(v))
		case bool(v):
			return resp.Int(1)
		}
	case *lua.LTable:
		return r.tableReply(v, depth)
	}
	return resp.Nil
}

// tableReply returns what a table means: a field says so, else it is an array.
func (r *run) tableReply(t *lua.LTable, depth int) resp.Value {
	if s, ok := text(t.RawGetString("err")); ok && t.RawGetString("err").Type() == lua.LTString {
		return resp.Err(status(s))
	}
	if s, ok := t.RawGetString("ok").(lua.LString); ok {
		return resp.Status(status(string(s)))
	}
	if f, ok := t.RawGetString("double").(lua.LNumber); ok {
		return resp.Float(float64(f))
	}
	if m, ok := t.RawGetString("map").(*lua.LTable); ok {
		return r.mapReply(m, depth)
	}
	if m, ok := t.RawGetString("set").(*lua.LTable); ok {
		return r.setReply(m, depth)
	}
	if s, ok := t.RawGetString("big_number").(lua.LString); ok {
		return resp.Big(oneLine(string(s)))
	}
	if m, ok := t.RawGetString("verbatim_string").(*lua.LTable); ok {
		s, ok := m.RawGetString("string").(lua.LString)
		if _, ok2 := m.RawGetString("format").(lua.LString); ok && ok2 {
			return resp.Text(string(s))
		}
	}
	list := resp.List()
	for i := 1; ; i++ {
		v := at(t, i)
		if v == lua.LNil {
			return list
		}
		list.Elems = append(list.Elems, r.reply(v, depth+1))
		if r.left < 0 {
			return errDepth
		}
	}
}

func (r *run) mapReply(m *lua.LTable, depth int) resp.Value {
	r.left -= r.walk(m)
	dict := resp.Dict()
	for k, v := m.Next(lua.LNil); k != lua.LNil && r.left >= 0; k, v = m.Next(k) {
		dict.Elems = append(dict.Elems, r.reply(k, depth+1), r.reply(v, depth+1))
	}
	return dict
}

func (r *run) setReply(m *lua.LTable, depth int) resp.Value {
	r.left -= r.walk(m)
	set := resp.Value{Kind: resp.Set}
	for k, _ := m.Next(lua.LNil); k != lua.LNil && r.left >= 0; k, _ = m.Next(k) {
		set.Elems = append(set.Elems, r.reply(k, depth+1))
	}
	return set
}

// value returns what a script sees of a command's reply.
func (r *run) value(v resp.Value) lua.LValue {
	r.left -= 1 + len(v.Str)/bytesPerStep
	if r.strict() {
		if r.left -= elementCost; r.left < 0 {
			return errorReply("") // the caller sees that the run has ended
		}
	}
	if r.resp3 {
		if l, ok := r.value3(v); ok {
			return l
		}
	}
	switch v.Kind {
	case resp.Simple:
		return field("ok", lua.LString(v.Str))
	case resp.Error:
		return field("err", lua.LString(v.Str))
	case resp.Integer, resp.Bool:
		return lua.LNumber(v.Int)
	case resp.Bulk, resp.Verbatim, resp.BigNumber:
		return lua.LString(v.Str)
	case resp.Double:
		return lua.LString(cmp.Or(v.Str, string(resp.AppendFloat(nil, v.Float()))))
	case resp.Null, resp.NullArray:
		return lua.LFalse
	}
	if v.Kind == resp.Keyed {
		return r.twos(v.Elems)
	}
	return r.array(v.Elems)
}

// twos returns a table of tables, one for each two elements.
func (r *run) twos(elems []resp.Value) *lua.LTable {
	t := newTable()
	for i := 0; i+1 < len(elems); i += 2 {
		t.Append(r.array(elems[i : i+2]))
	}
	return t
}

func (r *run) array(elems []resp.Value) *lua.LTable {
	r.left -= hashCost
	if r.strict() {
		r.left -= tableCost
	}
	t := noLState.CreateTable(len(elems), 0)
	for i, e := range elems {
		t.RawSetInt(i+1, r.value(e))
	}
	return t
}

// value3 is what differs after redis.setresp(3).
func (r *run) value3(v resp.Value) (lua.LValue, bool) {
	switch v.Kind {
	case resp.Null, resp.NullArray:
		return lua.LNil, true
	case resp.Bool:
		return lua.LBool(v.Int != 0), true
	case resp.Double:
		return field("double", lua.LNumber(v.Float())), true
	case resp.Verbatim:
		t := field("string", lua.LString(v.Str))
		t.RawSetString("format", lua.LString("txt"))
		return field("verbatim_string", t), true
	case resp.Map, resp.Keyed:
		t := newTable()
		for i := 0; i+1 < len(v.Elems); i += 2 {
			r.payHash()
			t.RawSet(r.value(v.Elems[i]), r.value(v.Elems[i+1]))
		}
		return field("map", t), true
	case resp.Set:
		t := newTable()
		for _, e := range v.Elems {
			r.payHash()
			t.RawSet(r.value(e), lua.LTrue)
		}
		return field("set", t), true
	case resp.Pairs:
		return r.twos(v.Elems), true
	}
	return nil, false
}

// payHash counts an element of a hash table.
func (r *run) payHash() {
	if r.strict() {
		r.left -= hashCost
	}
}

// field returns a table with one field.
func field(name string, v lua.LValue) *lua.LTable {
	t := noLState.CreateTable(0, 1)
	t.RawSetString(name, v)
	return t
}

// argument appends a command's argument to dst, and reports whether v is one.
func argument(dst []byte, v lua.LValue) ([]byte, bool) {
	switch v := v.(type) {
	case lua.LString:
		return append(dst, v...), true
	case lua.LNumber:
		if v == 0 {
			return append(dst, '0'), true
		}
		return resp.AppendFloat(dst, float64(v)), true
	}
	return dst, false
}

// errorReply returns a table that stands for an error, as redis.error_reply
// makes it: one word is a text, and gets the code ERR.
func errorReply(s string) *lua.LTable {
	s, _, _ = strings.Cut(strings.TrimPrefix(s, "-"), "\x00")
	if !strings.Contains(s, " ") {
		s = "ERR " + s
	}
	return field("err", lua.LString(oneLine(s)))
}
