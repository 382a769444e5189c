package resp

import (
	"math"
	"strconv"
	"testing"
)

func TestAppend(t *testing.T) {
	tests := []struct {
		name                             string
		v                                Value
		resp2, resp3, classic, canonical string // "" means as resp2 for classic, as resp3 for canonical
	}{
		{"null", Nil, "$-1\r\n", "_\r\n", "", ""},
		{"null array", Value{Kind: NullArray}, "*-1\r\n", "_\r\n", "$-1\r\n", "*-1\r\n"},
		{"simple", OK, "+OK\r\n", "+OK\r\n", "", ""},
		{"simple of two lines", Status("a\r\n+b"), "+a  +b\r\n", "+a  +b\r\n", "", ""},
		{"error", Err("ERR no"), "-ERR no\r\n", "-ERR no\r\n", "", ""},
		{"error of two lines", Err("ERR a\n$1"), "-ERR a $1\r\n", "-ERR a $1\r\n", "", ""},
		{"integer", Int(-42), ":-42\r\n", ":-42\r\n", "", ""},
		{"smallest", Int(math.MinInt64), ":-9223372036854775808\r\n", ":-9223372036854775808\r\n", "", ""},
		{"bulk", Str("a\r\n\x00b"), "$5\r\na\r\n\x00b\r\n", "$5\r\na\r\n\x00b\r\n", "", ""},
		{"empty bulk", Str(""), "$0\r\n\r\n", "$0\r\n\r\n", "", ""},
		{"array", List(Int(1), Strs("a")), "*2\r\n:1\r\n*1\r\n$1\r\na\r\n", "*2\r\n:1\r\n*1\r\n$1\r\na\r\n", "", ""},
		{"empty array", List(), "*0\r\n", "*0\r\n", "", ""},
		{"null in array", List(Nil), "*1\r\n$-1\r\n", "*1\r\n_\r\n", "", ""},
		{"map", Dict(Str("a"), Int(1)), "*2\r\n$1\r\na\r\n:1\r\n", "%1\r\n$1\r\na\r\n:1\r\n", "%1\r\n$1\r\na\r\n:1\r\n", ""},
		{"odd map", Dict(Int(1)), "*2\r\n:1\r\n$-1\r\n", "%1\r\n:1\r\n_\r\n", "%1\r\n:1\r\n$-1\r\n", ""},
		{"set", Value{Kind: Set, Elems: []Value{Int(1)}}, "*1\r\n:1\r\n", "~1\r\n:1\r\n", "", ""},
		{"push", Value{Kind: Push, Elems: []Value{Int(1)}}, "*1\r\n:1\r\n", ">1\r\n:1\r\n", "", ""},
		{"pairs", Couples(Int(1), Int(2), Int(3), Nil), "*4\r\n:1\r\n:2\r\n:3\r\n$-1\r\n", "*2\r\n*2\r\n:1\r\n:2\r\n*2\r\n:3\r\n_\r\n", "", "&2\r\n:1\r\n:2\r\n:3\r\n_\r\n"},
		{"odd pairs", Couples(Int(1)), "*2\r\n:1\r\n$-1\r\n", "*1\r\n*2\r\n:1\r\n_\r\n", "", "&1\r\n:1\r\n_\r\n"},
		{"no pairs", Couples(), "*0\r\n", "*0\r\n", "", "&0\r\n"},
		{"keyed", Table(Str("a"), List(Nil), Int(2), Int(3)), "*2\r\n*2\r\n$1\r\na\r\n*1\r\n$-1\r\n*2\r\n:2\r\n:3\r\n", "%2\r\n$1\r\na\r\n*1\r\n_\r\n:2\r\n:3\r\n", "", "@2\r\n$1\r\na\r\n*1\r\n_\r\n:2\r\n:3\r\n"},
		{"odd keyed", Table(Int(1)), "*1\r\n*2\r\n:1\r\n$-1\r\n", "%1\r\n:1\r\n_\r\n", "", "@1\r\n:1\r\n_\r\n"},
		{"nothing keyed", Table(), "*0\r\n", "%0\r\n", "", "@0\r\n"},
		{"double", Float(3.1), "$3\r\n3.1\r\n", ",3.1\r\n", "", ""},
		{"infinity", Float(math.Inf(-1)), "$4\r\n-inf\r\n", ",-inf\r\n", "", ""},
		{"true", Truth(true), ":1\r\n", "#t\r\n", "", ""},
		{"false", Truth(false), ":0\r\n", "#f\r\n", "", ""},
		{"verbatim", Text("hi\r\n"), "$4\r\nhi\r\n\r\n", "=8\r\ntxt:hi\r\n\r\n", "", ""},
		{"unknown kind", Value{Kind: 99}, "$-1\r\n", "_\r\n", "", ""},
	}
	for _, tt := range tests {
		if tt.classic == "" {
			tt.classic = tt.resp2
		}
		if tt.canonical == "" {
			tt.canonical = tt.resp3
		}
		for d, want := range []string{tt.resp2, tt.resp3, tt.classic, tt.canonical} {
			if got := string(tt.v.Append([]byte("x"), Dialect(d))); got != "x"+want {
				t.Errorf("%s in dialect %d: got %q, want %q", tt.name, d, got[1:], want)
			}
			var parts []byte
			lent := 0
			rest := tt.v.AppendParts([]byte("x"), Dialect(d), 1, func(dst []byte, s string) []byte {
				parts = append(append(parts, dst...), s...)
				lent += len(s)
				return nil
			})
			if got := string(append(parts, rest...)); got != "x"+want {
				t.Errorf("%s in dialect %d, in parts: got %q, want %q", tt.name, d, got[1:], want)
			}
			if size, not := tt.v.Weight(1); not != lent || size < lent {
				t.Errorf("%s in dialect %d: weighs %d, %d of them not copied, which are %d", tt.name, d, size, not, lent)
			}
		}
	}
}

func TestAppendFloat(t *testing.T) {
	tests := []struct {
		f    float64
		want string
	}{
		{0, "0"}, {math.Copysign(0, -1), "-0"}, {3, "3"}, {-3, "-3"}, {3.1, "3.1"}, {0.30000000000000004, "0.30000000000000004"},
		{1e16, "10000000000000000"}, {1e17, "100000000000000000"}, {1 << 62, "4611686018427387904"},
		{1e19, "1e+19"}, {1e20, "1e+20"}, {-1e20, "-1e+20"}, {1.5e300, "1.5e+300"}, {12345678901234567000, "12345678901234567000"},
		{1e-6, "0.000001"}, {1e-7, "1e-7"}, {1.5e-7, "1.5e-7"}, {0.1234567890123, "0.1234567890123"}, {1e-10, "1e-10"}, {-1e-100, "-1e-100"},
		{math.Inf(1), "inf"}, {math.Inf(-1), "-inf"}, {math.NaN(), "nan"},
		{math.MaxFloat64, "1.7976931348623157e+308"}, {math.SmallestNonzeroFloat64, "5e-324"},
	}
	for _, tt := range tests {
		got := string(AppendFloat(nil, tt.f))
		if got != tt.want {
			t.Errorf("AppendFloat(%v) = %q, want %q", tt.f, got, tt.want)
		}
		if back, ok := parseFloat([]byte(got)); !ok || math.Float64bits(back) != math.Float64bits(tt.f) {
			t.Errorf("%q reads back as %v, %v", got, back, ok)
		}
	}
}

func TestParseInt(t *testing.T) {
	for _, n := range []int64{0, 1, -1, 9, 10, math.MaxInt64, math.MinInt64} {
		if got, ok := parseInt(strconv.AppendInt(nil, n, 10)); !ok || got != n {
			t.Errorf("parseInt of %d = %d, %v", n, got, ok)
		}
	}
	bad := []string{"", "-", "+", "--1", "1 ", "a", "9223372036854775808", "-9223372036854775809",
		"18446744073709551619", "92233720368547758070", "99999999999999999999999"}
	for _, s := range bad {
		if got, ok := parseInt([]byte(s)); ok {
			t.Errorf("parseInt(%q) = %d", s, got)
		}
	}
	for _, s := range []string{"01", "+1", "-0", "-01", "00", "-", "", "--1", "-+1"} {
		if got, ok := parseLength([]byte(s)); ok {
			t.Errorf("parseLength(%q) = %d", s, got)
		}
	}
}
