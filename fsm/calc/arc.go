package calc

import "math"

// roughAtan returns the arc tangent of a number from 0 to 1, to some 16 bits.
func roughAtan(z float64) float64 {
	s := float64(z * z)
	p := -0.0117212
	for _, c := range [...]float64{0.05265332, -0.11643287, 0.19354346, -0.33262347, 0.99997726} {
		p = float64(p*s) + c
	}
	return float64(p * z)
}

// far is how small a ratio is for a series of two terms.
const far = 0x1p-30

// atanOf returns the arc tangent of y/x, where 0 <= y <= x and x is neither
// very large nor very small.
func atanOf(y, x pair) pair {
	if y.hi < far*x.hi {
		z := y.div(x)
		return z.sub(z.mul(z).mul(z).mul(reciprocals[3]))
	}
	rough := roughAtan(y.hi / x.hi)
	sin, cos := sine(pair{rough, 0}), cosine(pair{rough, 0})
	// What is left is the arc tangent of a number of some 16 bits less.
	t := y.mul(cos).sub(x.mul(sin)).div(x.mul(cos).add(y.mul(sin)))
	square := t.mul(t)
	series := one.sub(square.mul(reciprocals[3])).add(square.mul(square).mul(reciprocals[5]))
	return pair{rough, 0}.add(t.mul(series))
}

// angle returns the angle of a point whose coordinates are not negative, and
// not both zero.
func angle(y, x pair) pair {
	if y.hi > x.hi {
		return halfPi.sub(atanOf(x, y))
	}
	return atanOf(y, x)
}

// Atan2 returns the angle of the point (x, y), with C's answers in the special
// cases.
func Atan2(y, x float64) float64 {
	if x != x || y != y {
		return math.NaN()
	}
	if math.IsInf(x, 0) || math.IsInf(y, 0) { // like a point at the same angle
		x, y = infinite(x), infinite(y)
	}
	up, right := math.Abs(y), math.Abs(x)
	var a pair
	if up == 0 {
		if math.Signbit(x) {
			return math.Copysign(math.Pi, y)
		}
		return y
	}
	_, ey := math.Frexp(up)
	_, ex := math.Frexp(right)
	switch {
	case right == 0 || ey-ex > 200:
		a = halfPi
	case ex-ey > 200 && !math.Signbit(x):
		return y / right // so small that it is its own tangent
	case ex-ey <= 200:
		a = angle(pair{math.Ldexp(up, -ex), 0}, pair{math.Ldexp(right, -ex), 0})
	}
	if math.Signbit(x) {
		a = halfPi.scale(2).sub(a)
	}
	return math.Copysign(a.value(), y)
}

// infinite returns 1 for an infinity and 0 for other numbers, with the sign.
func infinite(x float64) float64 {
	if math.IsInf(x, 0) {
		return math.Copysign(1, x)
	}
	return math.Copysign(0, x)
}

// Atan returns the arc tangent of x.
func Atan(x float64) float64 { return Atan2(x, 1) }

// leg returns the root of 1-x².
func leg(x float64) pair { return sum(1, -x).mul(sum(1, x)).sqrt() }

// Asin returns the arc sine of x.
func Asin(x float64) float64 {
	switch up := math.Abs(x); {
	case !(up <= 1):
		return math.NaN()
	case up < 0x1p-28:
		return x
	default:
		return math.Copysign(angle(pair{up, 0}, leg(x)).value(), x)
	}
}

// Acos returns the arc cosine of x.
func Acos(x float64) float64 {
	up := math.Abs(x)
	if !(up <= 1) {
		return math.NaN()
	}
	a := angle(leg(x), pair{up, 0})
	if x < 0 {
		a = halfPi.scale(2).sub(a)
	}
	return a.value()
}
