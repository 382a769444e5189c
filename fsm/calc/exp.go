package calc

import "math"

// ln 2, and its inverse. The exact constant makes the second half right.
const ln2Hi = 0x1.62e42fefa39efp-1

var (
	ln2     = pair{ln2Hi, math.Ln2 - ln2Hi}
	perLn10 = one.div(logOf(10))
)

// halvings is how often an exponent is halved before the series.
const halvings = 8

// expOf returns e^x as a pair times a power of two.
func expOf(x pair) (pair, int) {
	k := math.Floor(float64(x.hi*(1/math.Ln2)) + 0.5)
	r := x.sub(ln2.times(k)).scale(1.0 / (1 << halvings))
	e := polynomial(r, &factorials, 0, 1, 10)
	for range halvings {
		e = e.mul(e)
	}
	return e, int(k)
}

// The bounds past which e^x is an infinity or zero.
const (
	maxExp = 709.79
	minExp = -745.14
)

func rounded(e pair, k int) float64 { return math.Ldexp(e.value(), k) }

// Exp returns e^x.
func Exp(x float64) float64 {
	switch {
	case x != x || x > maxExp:
		return x + math.Inf(1)
	case x < minExp:
		return 0
	}
	return rounded(expOf(pair{x, 0}))
}

// logOf returns the logarithm of a number that is positive and finite.
func logOf(x float64) pair {
	m, k := math.Frexp(x)
	if m < math.Sqrt2/2 {
		m, k = 2*m, k-1
	}
	s := sum(m, -1).div(sum(m, 1))
	series := polynomial(s.mul(s), &reciprocals, 1, 2, 45)
	return ln2.times(float64(k)).add(s.mul(series).scale(2))
}

// special returns the logarithm of a number that has none, or not a usual one.
func special(x float64) (float64, bool) {
	switch {
	case x == 0:
		return math.Inf(-1), true
	case x < 0:
		return math.NaN(), true
	case x != x, math.IsInf(x, 1):
		return x, true
	}
	return 0, false
}

// Log returns the natural logarithm of x.
func Log(x float64) float64 {
	if v, ok := special(x); ok {
		return v
	}
	return logOf(x).value()
}

// Log10 returns the decimal logarithm of x.
func Log10(x float64) float64 {
	if v, ok := special(x); ok {
		return v
	}
	return logOf(x).mul(perLn10).value()
}

// hyperbolic returns the hyperbolic sine and cosine of x times a power of two.
func hyperbolic(x float64) (sinh, cosh pair, k int) {
	p := pair{x, 0}
	square := p.mul(p)
	if math.Abs(x) < 0.5 {
		return p.mul(polynomial(square, &factorials, 1, 2, 23)), polynomial(square, &factorials, 0, 2, 22), 0
	}
	if math.Abs(x) > 40 { // the other half is too small to matter
		e, k := expOf(pair{math.Abs(x), 0})
		return pair{math.Copysign(e.hi, x), math.Copysign(1, x) * e.lo}, e, k - 1
	}
	e, k := expOf(p)
	back := one.div(e).scale(math.Ldexp(1, -2*k))
	return e.sub(back), e.add(back), k - 1
}

// Sinh returns the hyperbolic sine of x.
func Sinh(x float64) float64 {
	switch {
	case math.Abs(x) > maxExp+1:
		return math.Copysign(math.Inf(1), x)
	case x != x, math.Abs(x) < 0x1p-28:
		return x
	}
	s, _, k := hyperbolic(x)
	return rounded(s, k)
}

// Cosh returns the hyperbolic cosine of x.
func Cosh(x float64) float64 {
	switch {
	case x != x || math.Abs(x) > maxExp+1:
		return math.Abs(x) + math.Inf(1)
	case math.Abs(x) < 0x1p-28:
		return 1
	}
	_, c, k := hyperbolic(x)
	return rounded(c, k)
}

// Tanh returns the hyperbolic tangent of x.
func Tanh(x float64) float64 {
	switch {
	case x != x, math.Abs(x) < 0x1p-28:
		return x
	case math.Abs(x) > 22:
		return math.Copysign(1, x)
	}
	s, c, _ := hyperbolic(x)
	return s.div(c).value()
}
