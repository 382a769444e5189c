package lua

import (
	"math"

	lua "github.com/yuin/gopher-lua"

	"github.com/trivetdb/trivet/fsm/cost"
)

// A jsonWriter encodes one value.
type jsonWriter struct {
	call call
	cfg  *jsonConfig
	b    []byte
	told int // bytes that were charged
}

func jsonEncode(c call) int {
	if c.GetTop() != 1 {
		c.argError(1, "expected 1 argument")
	}
	w := &jsonWriter{call: c, cfg: c.run().config()}
	w.value(c.Get(1), 0)
	w.charge()
	c.Push(lua.LString(w.b))
	return 1
}

func (w *jsonWriter) charge() {
	if len(w.b) > w.call.longest() {
		w.call.raise("resulting string too large")
	}
	w.call.charge(1 + (len(w.b)-w.told)/bytesPerStep)
	w.told = len(w.b)
}

func (w *jsonWriter) refuse(kind, why string) { w.call.raise("Cannot serialise %s: %s", kind, why) }

// room counts a text before it is written.
func (w *jsonWriter) room(s string) {
	if len(s) < 1<<6 || !w.call.run().strict() {
		return
	}
	size := len(s)
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == 0x7f {
			size += 5
		}
	}
	w.call.pay(cost.Made(2 * size))
	if len(w.b)+size > maxStrictString {
		w.call.raise("resulting string too large")
	}
}

func (w *jsonWriter) value(v lua.LValue, depth int) {
	w.call.pay(elementCost)
	switch v := v.(type) {
	case lua.LString:
		w.text(string(v))
	case lua.LNumber:
		w.number(float64(v))
	case lua.LBool:
		w.b = append(w.b, v.String()...)
	case *lua.LNilType:
		w.b = append(w.b, "null"...)
	case *lua.LTable:
		w.charge()
		w.table(v, depth+1)
	default:
		if v == null {
			w.b = append(w.b, "null"...)
			return
		}
		w.refuse(typeName(v), "type not supported")
	}
}

func (w *jsonWriter) table(t *lua.LTable, depth int) {
	if depth > w.cfg.encodeDepth || depth > maxNested && w.call.run().strict() {
		w.call.raise("Cannot serialise, excessive nesting (%d)", depth)
	}
	if n := w.arraySize(t); n > 0 {
		w.array(t, n, depth)
		return
	}
	w.b = append(w.b, '{')
	first := true
	for k, v := w.call.next(t, lua.LNil); k != lua.LNil; k, v = w.call.next(t, k) {
		if !first {
			w.b = append(w.b, ',')
		}
		first = false
		switch k := k.(type) {
		case lua.LString:
			w.text(string(k))
		case lua.LNumber:
			w.b = append(w.b, '"')
			w.number(float64(k))
			w.b = append(w.b, '"')
		default:
			w.refuse(typeName(k), "table key must be a number or string")
		}
		w.b = append(w.b, ':')
		w.value(v, depth)
	}
	w.b = append(w.b, '}')
}

// arraySize returns the number of elements of a table that is an array, 0 or
// less for one that is not.
func (w *jsonWriter) arraySize(t *lua.LTable) int {
	highest, items := 0, 0
	for k, _ := w.call.next(t, lua.LNil); k != lua.LNil; k, _ = w.call.next(t, k) {
		f, ok := k.(lua.LNumber)
		n := toInt(float64(f))
		if !ok || n < 1 || lua.LNumber(n) != f {
			return 0
		}
		highest = max(highest, int(min(n, maxSetting)))
		items++
	}
	if w.cfg.sparseRatio > 0 && highest > items*w.cfg.sparseRatio && highest > w.cfg.sparseSafe {
		if !w.cfg.convertSparse {
			w.refuse("table", "excessively sparse array")
		}
		return 0
	}
	w.call.charge(items / 4)
	return highest
}

func (w *jsonWriter) array(t *lua.LTable, n, depth int) {
	w.b = append(w.b, '[')
	for i := 1; i <= n; i++ {
		if i > 1 {
			w.b = append(w.b, ',')
		}
		if i%1024 == 0 {
			w.charge()
		}
		w.value(at(t, i), depth)
	}
	w.b = append(w.b, ']')
}

func (w *jsonWriter) number(f float64) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		switch {
		case w.cfg.invalidNull:
			w.b = append(w.b, "null"...)
			return
		case !w.cfg.encodeInvalid:
			w.refuse("number", "must not be NaN or Inf")
		case f != f:
			w.b = append(w.b, "nan"...)
			return
		}
	}
	if w.cfg.precision == 14 {
		w.b = append(w.b, numberText(f)...)
	} else {
		w.b = append(w.b, formatG(f, w.cfg.precision)...)
	}
}

const hexDigits = "0123456789abcdef"

func (w *jsonWriter) text(s string) {
	w.room(s)
	w.b = append(w.b, '"')
	start := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c != '/' && c != 0x7f {
			continue
		}
		w.b = append(w.b, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\', '/':
			w.b = append(w.b, '\\', c)
		case '\b':
			w.b = append(w.b, `\b`...)
		case '\t':
			w.b = append(w.b, `\t`...)
		case '\n':
			w.b = append(w.b, `\n`...)
		case '\f':
			w.b = append(w.b, `\f`...)
		case '\r':
			w.b = append(w.b, `\r`...)
		default:
			w.b = append(w.b, `\u00`...)
			w.b = append(w.b, hexDigits[c>>4], hexDigits[c&15])
		}
	}
	w.b = append(w.b, s[start:]...)
	w.b = append(w.b, '"')
}
