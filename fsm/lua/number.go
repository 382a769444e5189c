package lua

import (
	"math"
	"strconv"
	"strings"
)

// numberText returns a number as tostring and the concatenation show it: with
// 14 digits, as C's %.14g.
func numberText(f float64) string {
	if f == math.Trunc(f) && math.Abs(f) < 1e14 && (f != 0 || !math.Signbit(f)) {
		return strconv.FormatInt(int64(f), 10)
	}
	return formatG(f, 14)
}

// formatG is C's %.*g.
func formatG(f float64, digits int) string {
	switch {
	case math.IsNaN(f):
		return nanText(f)
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	return strconv.FormatFloat(f, 'g', digits, 64)
}

// nanText shows every NaN as x86 shows those that arithmetic makes: what the
// sign of a NaN is differs between machines.
func nanText(float64) string { return "-nan" }

// toInt converts as x86 does, the same on every machine.
func toInt(f float64) int64 {
	if f >= -(1<<63) && f < 1<<63 {
		return int64(f)
	}
	return math.MinInt64
}

// parseNumber reads a number as Lua does: C's strtod, with blanks on both sides
// and hexadecimal integers.
func parseNumber(s string) (float64, bool) {
	s = strings.Trim(s, " \t\n\v\f\r")
	if len(s) > 0 && len(s) <= 15 {
		if n, ok := shortInt(s); ok {
			return n, true
		}
	}
	body, sign := s, 1.0
	if body != "" && (body[0] == '-' || body[0] == '+') {
		if body[0] == '-' {
			sign = -1
		}
		body = body[1:]
	}
	switch strings.ToLower(body) {
	case "inf", "infinity":
		return sign * math.Inf(1), true
	case "nan":
		return math.NaN(), true
	}
	if len(body) > 1 && body[0] == '0' && body[1]|0x20 == 'x' {
		f, ok := parseHex(body)
		return sign * f, ok
	}
	n, ok := decimalEnd(body)
	if !ok || n != len(body) {
		return 0, false
	}
	f, _ := strconv.ParseFloat(body, 64) // too large is infinity, as in C
	return sign * f, true
}

// shortInt reads plain digits, the most common case.
func shortInt(s string) (float64, bool) {
	n := 0
	for i := range len(s) {
		c := s[i] - '0'
		if c > 9 {
			return 0, false
		}
		n = n*10 + int(c)
	}
	return float64(n), true
}

// decimalEnd returns where the decimal number at the start of s ends, and
// whether there is one.
func decimalEnd(s string) (int, bool) {
	i, digits := 0, 0
	run := func() {
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
			digits++
		}
	}
	run()
	if i < len(s) && s[i] == '.' {
		i++
		run()
	}
	if digits == 0 {
		return 0, false
	}
	if i < len(s) && s[i]|0x20 == 'e' {
		mantissa := i
		i++
		if i < len(s) && (s[i] == '-' || s[i] == '+') {
			i++
		}
		digits = 0
		if run(); digits == 0 {
			i = mantissa
		}
	}
	return i, true
}

// parseHex reads 0x and hexadecimal digits, with a fraction and a binary
// exponent where there are any.
func parseHex(s string) (float64, bool) {
	if strings.Contains(s, "_") {
		return 0, false
	}
	if !strings.ContainsAny(s, "pP") {
		s += "p0"
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && !math.IsInf(f, 0) {
		return 0, false
	}
	return f, true
}

// parseBase reads an integer of a base other than ten, as C's strtoul.
func parseBase(s string, base int) (float64, bool) {
	s = strings.Trim(s, " \t\n\v\f\r")
	negative := false
	if s != "" && (s[0] == '-' || s[0] == '+') {
		negative = s[0] == '-'
		s = s[1:]
	}
	if base == 16 && len(s) > 2 && s[0] == '0' && s[1]|0x20 == 'x' {
		s = s[2:]
	}
	if s == "" || strings.Contains(s, "_") {
		return 0, false
	}
	n, err := strconv.ParseUint(s, base, 64)
	if err != nil {
		if n != math.MaxUint64 { // else too large, which is the largest, as in C
			return 0, false
		}
	} else if negative {
		n = -n
	}
	return float64(n), true
}
