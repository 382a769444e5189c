package transcript

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/trivetdb/trivet/resp"
)

// Format returns v as redis-cli shows it to people, with the end of the line.
func Format(v resp.Value) string {
	var t strings.Builder
	format(&t, v, "")
	return t.String()
}

func format(t *strings.Builder, v resp.Value, indent string) {
	switch v.Kind {
	case resp.Null, resp.NullArray:
		t.WriteString("(nil)\n")
	case resp.Simple:
		t.WriteString(v.Str + "\n")
	case resp.Error:
		t.WriteString("(error) " + v.Str + "\n")
	case resp.Integer:
		fmt.Fprintf(t, "(integer) %d\n", v.Int)
	case resp.Double:
		fmt.Fprintf(t, "(double) %s\n", resp.AppendFloat(nil, v.Float()))
	case resp.Bool:
		fmt.Fprintf(t, "(%t)\n", v.Int != 0)
	case resp.Bulk:
		t.WriteString(Quote(v.Str) + "\n")
	case resp.Verbatim, resp.BigNumber:
		t.WriteString(v.Str + "\n")
	default:
		formatElems(t, v, indent)
	}
}

// marks and names of what has elements, as redis-cli has them.
var aggregates = map[resp.Kind]struct{ mark, name string }{
	resp.Array: {")", "array"}, resp.Push: {">", "push"},
	resp.Set: {"~", "set"}, resp.Map: {"#", "hash"},
}

func formatElems(t *strings.Builder, v resp.Value, indent string) {
	look := aggregates[v.Kind]
	n := len(v.Elems)
	if v.Kind == resp.Map {
		n /= 2
	}
	if n == 0 {
		fmt.Fprintf(t, "(empty %s)\n", look.name)
		return
	}
	width := len(strconv.Itoa(n))
	inner := indent + strings.Repeat(" ", width+2)
	for i := range n {
		if i > 0 {
			t.WriteString(indent)
		}
		fmt.Fprintf(t, "%*d%s ", width, i+1, look.mark)
		if v.Kind == resp.Map {
			t.WriteString(strings.TrimSuffix(Format(v.Elems[2*i]), "\n") + " => ")
			format(t, v.Elems[2*i+1], inner)
			continue
		}
		format(t, v.Elems[i], inner)
	}
}

// Quote returns s in quotes, with escapes for what is not printable ASCII.
func Quote(s string) string {
	t := []byte{'"'}
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\\' || c == '"':
			t = append(t, '\\', c)
		case strings.IndexByte("\n\r\t\a\b", c) >= 0:
			t = append(t, '\\', "nrtab"[strings.IndexByte("\n\r\t\a\b", c)])
		case c >= ' ' && c < 0x7f:
			t = append(t, c)
		default:
			t = fmt.Appendf(t, "\\x%02x", c)
		}
	}
	return string(append(t, '"'))
}

// sorted returns v with the elements of its arrays in the order of their text,
// save for those of an array that holds arrays: a cursor stays ahead of keys.
func sorted(v resp.Value) resp.Value {
	if v.Kind != resp.Array {
		return v
	}
	elems := slices.Clone(v.Elems)
	nested := false
	for i := range elems {
		nested = nested || elems[i].Kind == resp.Array
		elems[i] = sorted(elems[i])
	}
	if !nested {
		slices.SortFunc(elems, func(a, b resp.Value) int { return strings.Compare(Format(a), Format(b)) })
	}
	v.Elems = elems
	return v
}
