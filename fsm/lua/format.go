package lua

import (
	"math"
	"strconv"
	"strings"
)

// A verb is one conversion of string.format: flags, width, precision, letter.
type verb struct {
	minus, plus, space, hash, zero bool
	width                          int
	precision                      int // -1 for none
	letter                         byte
}

func stringFormat(c call) int {
	format := c.str(1)
	c.payMade(len(format))
	var b strings.Builder
	arg := 1
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			b.WriteByte(format[i])
			continue
		}
		if i++; i < len(format) && format[i] == '%' {
			b.WriteByte('%')
			continue
		}
		if arg++; arg > c.GetTop() {
			c.argError(arg, "no value")
		}
		v, end := c.verb(format, i)
		c.pay(verbCost)
		s := c.convert(v, arg)
		c.payMade(len(s))
		if c.run().strict() && b.Len()+len(s) > maxStrictString {
			c.raise("resulting string too large")
		}
		b.WriteString(s)
		i = end
	}
	return c.pushText(b.String())
}

// verb reads a conversion from i on, and returns it and where its letter is.
func (c call) verb(format string, i int) (verb, int) {
	v := verb{precision: -1}
	start := i
	for ; i < len(format) && strings.IndexByte("-+ #0", format[i]) >= 0; i++ {
		switch format[i] {
		case '-':
			v.minus = true
		case '+':
			v.plus = true
		case ' ':
			v.space = true
		case '#':
			v.hash = true
		case '0':
			v.zero = true
		}
	}
	if i-start > 5 {
		c.raise("invalid format (repeated flags)")
	}
	digits := func() (n int) {
		for k := 0; k < 2 && i < len(format) && format[i] >= '0' && format[i] <= '9'; k++ {
			n = n*10 + int(format[i]-'0')
			i++
		}
		return n
	}
	v.width = digits()
	if i < len(format) && format[i] == '.' {
		i++
		v.precision = digits()
	}
	if i < len(format) && format[i] >= '0' && format[i] <= '9' {
		c.raise("invalid format (width or precision too long)")
	}
	if i < len(format) {
		v.letter = format[i]
	}
	if v.letter == 0 || strings.IndexByte("cdiouxXeEfgGqs", v.letter) < 0 {
		c.raise("invalid option '%%%s' to 'format'", strings.TrimRight(string(v.letter), "\x00"))
	}
	return v, i
}

// convert returns argument n as the conversion shows it.
func (c call) convert(v verb, n int) string {
	switch v.letter {
	case 'c':
		s, _, _ := strings.Cut(v.pad(string([]byte{byte(c.int(n))})), "\x00") // C's strings end there
		return s
	case 'd', 'i':
		return v.integer(toInt(c.num(n)))
	case 'o', 'u', 'x', 'X':
		return v.unsigned(uint64(toUnsigned(c.num(n))))
	case 'e', 'E', 'f', 'g', 'G':
		c.pay(floatCost * (1 + max(v.precision, 0)/16))
		return v.float(c.num(n))
	case 'q':
		c.payMade(4 * len(c.str(n)))
		return quoted(c.str(n))
	}
	s := c.str(n)
	c.payRead(len(s))
	if v.precision < 0 && len(s) >= 100 {
		return s
	}
	if at := strings.IndexByte(s, 0); at >= 0 { // C's strings end there
		s = s[:at]
	}
	if v.precision >= 0 && v.precision < len(s) {
		s = s[:v.precision]
	}
	return v.pad(s)
}

// toUnsigned converts as C on x86 does.
func toUnsigned(f float64) uint64 {
	if f >= 1<<63 && f < 1<<64 {
		return uint64(toInt(f-1<<63)) + 1<<63
	}
	if f >= 1<<64 {
		return 0
	}
	return uint64(toInt(f))
}

// pad fills up with blanks.
func (v verb) pad(s string) string {
	blanks := v.width - len(s)
	switch {
	case blanks <= 0:
		return s
	case v.minus:
		return s + strings.Repeat(" ", blanks)
	}
	return strings.Repeat(" ", blanks) + s
}

// fill fills up digits with zeros where the flag says so, after sign.
func (v verb) fill(sign, digits string) string {
	if zeros := v.width - len(sign) - len(digits); v.zero && !v.minus && zeros > 0 {
		digits = strings.Repeat("0", zeros) + digits
	}
	return v.pad(sign + digits)
}

func (v verb) sign(negative bool) string {
	switch {
	case negative:
		return "-"
	case v.plus:
		return "+"
	case v.space:
		return " "
	}
	return ""
}

func (v verb) integer(n int64) string {
	digits := strings.TrimPrefix(strconv.FormatInt(n, 10), "-")
	return v.whole(v.sign(n < 0), digits)
}

// whole applies the precision of integers: the least number of digits.
func (v verb) whole(sign, digits string) string {
	if v.precision < 0 {
		return v.fill(sign, digits)
	}
	if v.precision == 0 && digits == "0" {
		digits = ""
	}
	if zeros := v.precision - len(digits); zeros > 0 {
		digits = strings.Repeat("0", zeros) + digits
	}
	return v.pad(sign + digits)
}

func (v verb) unsigned(n uint64) string {
	base := map[byte]int{'o': 8, 'u': 10, 'x': 16, 'X': 16}[v.letter]
	digits, sign := strconv.FormatUint(n, base), ""
	if v.hash && n != 0 {
		sign = map[byte]string{'o': "0", 'x': "0x", 'X': "0x"}[v.letter]
	}
	if v.letter == 'X' {
		digits, sign = strings.ToUpper(digits), strings.ToUpper(sign)
	}
	return v.whole(sign, digits)
}

func (v verb) float(f float64) string {
	letter := v.letter | 0x20
	upper := func(s string) string {
		if v.letter < 'a' {
			return strings.ToUpper(s)
		}
		return s
	}
	switch {
	case math.IsNaN(f):
		return v.pad(upper("-nan"))
	case math.IsInf(f, 0):
		return v.pad(upper(v.sign(f < 0) + "inf"))
	}
	precision := v.precision
	if precision < 0 {
		precision = 6
	}
	if letter == 'g' && precision == 0 {
		precision = 1
	}
	digits := strings.TrimPrefix(strconv.FormatFloat(f, letter, precision, 64), "-")
	if v.hash && !strings.Contains(digits, ".") {
		mantissa, exponent, cut := strings.Cut(digits, "e")
		if digits = mantissa + "."; cut {
			digits += "e" + exponent
		}
	}
	return v.fill(v.sign(math.Signbit(f)), upper(digits))
}

// quoted returns s as Lua could read it.
func quoted(s string) string {
	b := []byte{'"'}
	for i := range len(s) {
		switch c := s[i]; c {
		case '"', '\\', '\n':
			b = append(b, '\\', c)
		case '\r':
			b = append(b, `\r`...)
		case 0:
			b = append(b, `\000`...)
		default:
			b = append(b, c)
		}
	}
	return string(append(b, '"'))
}
