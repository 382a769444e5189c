package resp

import (
	"io"
	"math"
	"strings"
	"testing"
)

// equal compares values; any NaN equals any other, an empty Elems a nil one.
func equal(a, b Value) bool {
	if a.Kind != b.Kind || a.Str != b.Str || len(a.Elems) != len(b.Elems) {
		return false
	}
	if a.Int != b.Int && !(a.Kind == Double && math.IsNaN(a.Float()) && math.IsNaN(b.Float())) {
		return false
	}
	for i := range a.Elems {
		if !equal(a.Elems[i], b.Elems[i]) {
			return false
		}
	}
	return true
}

func TestReadValue(t *testing.T) {
	article := Dict(
		Status("key1"), Status("value1"),
		Status("key2"), List(Status("value2-0"), Status("value2-1")),
		Int(3), Str("testing"))
	tests := []struct {
		in   string
		want Value
	}{
		{"+OK\r\n", OK},
		{"+\r\n", Status("")},
		{"+GET k\n", Status("GET k")}, // by hand, as the article's readline has it
		{"-ERR no\r\n", Err("ERR no")},
		{":1337\r\n", Int(1337)}, {":+5\r\n", Int(5)}, {":-0\r\n", Int(0)}, {":007\r\n", Int(7)},
		{"$6\r\nfoobar\r\n", Str("foobar")}, {"$0\r\n\r\n", Str("")}, {"$-1\r\n", Nil}, {"_\r\n", Nil},
		{"*-1\r\n", Value{Kind: NullArray}}, {"*0\r\n", List()},
		{"*3\r\n+a simple string element\r\n:12345\r\n$7\r\ntesting\r\n",
			List(Status("a simple string element"), Int(12345), Str("testing"))},
		{"%3\r\n+key1\r\n+value1\r\n+key2\r\n*2\r\n+value2-0\r\n+value2-1\r\n:3\r\n$7\r\ntesting\r\n", article},
		{"%0\r\n", Dict()}, {"~1\r\n#t\r\n", Value{Kind: Set, Elems: []Value{Truth(true)}}},
		{"&1\r\n+a\r\n:1\r\n", Couples(Status("a"), Int(1))}, {"&0\r\n", Couples()},
		{"@1\r\n+a\r\n:1\r\n", Table(Status("a"), Int(1))}, {"@0\r\n", Table()},
		{">1\r\n#f\r\n", Value{Kind: Push, Elems: []Value{Truth(false)}}},
		{",3.1\r\n", Float(3.1)}, {",1E5\r\n", Value{Kind: Double, Int: Float(1e5).Int, Str: "1E5"}}, {",inf\r\n", Float(math.Inf(1))},
		{",-inf\r\n", Float(math.Inf(-1))}, {",nan\r\n", Float(math.NaN())}, {",-0\r\n", Float(math.Copysign(0, -1))},
		{"=8\r\ntxt:a\r\nb\r\n", Text("a\r\nb")}, {"=4\r\nmkd:\r\n", Text("")},
		{"(-12345678901234567890\r\n", Big("-12345678901234567890")},
		{"*2\r\n*1\r\n*0\r\n*1\r\n*-1\r\n", List(List(List()), List(Value{Kind: NullArray}))},
	}
	for _, tt := range tests {
		for name, wrap := range sources {
			r := NewReader(wrap(strings.NewReader(tt.in+"+next\r\n")), Limits{})
			got, err := r.ReadValue()
			if err != nil || !equal(got, tt.want) {
				t.Errorf("%q, %s: got %+v, %v", tt.in, name, got, err)
			}
			if next, err := r.ReadValue(); err != nil || next.Str != "next" {
				t.Errorf("behind %q, %s: got %+v, %v", tt.in, name, next, err)
			}
			if _, err := r.ReadValue(); err != io.EOF {
				t.Errorf("at the end: %v", err)
			}
		}
		got, rest, err := ParseValue([]byte(tt.in+"rest"), Limits{})
		if err != nil || !equal(got, tt.want) || string(rest) != "rest" {
			t.Errorf("ParseValue(%q) = %+v, %q, %v", tt.in, got, rest, err)
		}
		for i := range len(tt.in) {
			want := io.ErrUnexpectedEOF
			if i == 0 {
				want = io.EOF
			}
			if _, _, err := ParseValue([]byte(tt.in[:i]), Limits{}); err != want {
				t.Errorf("ParseValue(%q): %v", tt.in[:i], err)
			}
			if _, err := NewReader(strings.NewReader(tt.in[:i]), Limits{}).ReadValue(); err != want {
				t.Errorf("ReadValue(%q): %v", tt.in[:i], err)
			}
		}
	}
}

func TestReadValueErrors(t *testing.T) {
	lim := Limits{Bulk: 10, Args: 4, Inline: 20, Depth: 3, Total: 500}
	tests := []struct {
		in   string
		want ProtocolError
	}{
		{"x", errBadRequest}, {"\n", errBadRequest}, {"\x00", errBadRequest}, {"*1\r\nx", errBadRequest},
		{":\r\n", errBadRequest}, {":1 \r\n", errBadRequest}, {":9223372036854775808\r\n", errBadRequest},
		{"$-2\r\n", errBadRequest}, {"$x\r\n", errBadRequest}, {"$?\r\n", errBadRequest}, {"$1\r\nabc", errBadRequest},
		{"*-2\r\n", errBadRequest}, {"%-1\r\n", errBadRequest}, {"~-1\r\n", errBadRequest}, {">-1\r\n", errBadRequest}, {"&-1\r\n", errBadRequest}, {"@-1\r\n", errBadRequest},
		{"=-1\r\n", errBadRequest}, {"=3\r\ntxt\r\n", errBadRequest}, {"=4\r\ntxt.\r\n", errBadRequest},
		{"#x\r\n", errBadRequest}, {"#\r\n", errBadRequest}, {"_x\r\n", errBadRequest}, {"(\r\n", errBadRequest},
		{",\r\n", errBadRequest}, {",0x1p4\r\n", errBadRequest}, {",Infinity\r\n", errBadRequest}, {",1e999\r\n", errBadRequest},
		{"+a\rb\r\n", errBadRequest},
		{"$11\r\n", errTooLarge}, {"$9223372036854775807\r\n", errTooLarge}, {"+01234567890", errTooLarge},
		{"*5\r\n", errTooLarge}, {"%3\r\n", errTooLarge}, {"&3\r\n", errTooLarge}, {"@3\r\n", errTooLarge}, {"%4611686018427387904\r\n", errTooLarge},
		{":" + strings.Repeat("0", 21), errTooLarge},
		{"*4\r\n" + strings.Repeat("*2\r\n:1\r\n:1\r\n", 4), errTooLarge}, // by Total
		{"*1\r\n*1\r\n*1\r\n*1\r\n", errTooDeep},
	}
	for _, tt := range tests {
		if _, rest, err := ParseValue([]byte(tt.in), lim); err != error(tt.want) || string(rest) != tt.in {
			t.Errorf("ParseValue(%q): %v", tt.in, err)
		}
		for name, wrap := range sources {
			// The source goes on for ever: the error must not wait for more.
			src := io.MultiReader(wrap(strings.NewReader(tt.in)), never{t})
			if _, err := NewReader(src, lim).ReadValue(); err != error(tt.want) {
				t.Errorf("ReadValue(%q), %s: %v", tt.in, name, err)
			}
		}
	}
	if _, _, err := ParseValue([]byte("*1\r\n*1\r\n*1\r\n*0\r\n"), lim); err != nil {
		t.Errorf("as deep as allowed: %v", err)
	}
}

// never is a source that must not be read.
type never struct{ t *testing.T }

func (n never) Read([]byte) (int, error) {
	n.t.Error("read on")
	return 0, io.EOF
}

func TestRoundTrip(t *testing.T) {
	deep := Int(1)
	for range 1000 {
		deep = List(deep)
	}
	values := []Value{
		Nil, {Kind: NullArray}, OK, Err("WRONGTYPE x"), Int(math.MinInt64), Str("\x00\r\n"), List(Nil, List()),
		Dict(Str("k"), Dict(Int(1), Float(2.5))), {Kind: Set, Elems: []Value{Truth(true), Truth(false)}},
		{Kind: Push, Elems: []Value{Str("message")}}, Couples(Str("m"), Float(1.5)), Text("a\r\nb"), Float(math.NaN()), Float(math.Inf(1)),
		Float(math.Copysign(0, -1)), Float(1e-7), Status(strings.Repeat("s", 100<<10)), deep,
	}
	var log []byte
	for _, v := range values {
		log = v.Append(log, Canonical)
	}
	for _, v := range values {
		got, rest, err := ParseValue(log, DefaultLimits)
		if err != nil || !equal(got, v) {
			t.Fatalf("wrote %.100v, read %.100v, %v", v, got, err)
		}
		log = rest
	}
	if len(log) > 0 {
		t.Fatalf("left: %.100q", log)
	}
}
