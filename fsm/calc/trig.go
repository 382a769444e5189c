package calc

import (
	"math"
	"math/big"
)

// Half of pi in three parts, of which the exact constant makes the last right.
const (
	halfPi1 = 0x1.921fb54442d18p+0
	halfPi2 = 0x1.1a62633145c07p-54
	halfPi3 = math.Pi/2 - halfPi1 - halfPi2
)

var halfPi = pair{halfPi1, halfPi2}

// maxNear is the largest angle that three parts of pi are enough for.
const maxNear = 1 << 20

// reduced returns what an angle is past the nearest multiple of a right angle,
// and which multiple, modulo 4.
func reduced(x float64) (pair, int) {
	if math.Abs(x) > maxNear {
		return reducedFar(x)
	}
	k := math.Floor(float64(x*(2/math.Pi)) + 0.5)
	r := pair{x, 0}.sub(product(k, halfPi1)).sub(product(k, halfPi2)).sub(product(k, halfPi3))
	return r, int(int64(k) & 3)
}

// halfPiBits is half of pi times 2^farBits, enough for the largest number.
const farBits = 1224

var halfPiBits, _ = new(big.Int).SetString(
	"1921fb54442d18469898cc51701b839a252049c1114cf98e804177d4c76273644a29410f31c6809bbdf2a33679a748636605614dbe4be286"+
		"e9fc26adadaa3848bc90b6aecc4bcfd8de89885d34c6fdad617feb96de80d6fdbdc70d7f6b5133f4b5d3e4822f8963fcc9250cca3d9c8b67"+
		"b8400f97142c77e0b31b4906c38aba734d22c7f51fa499ebf06caba47b9475b2c38c5e6ac410aa5773e", 16)

// reducedFar divides with all the bits that there are.
func reducedFar(x float64) (pair, int) {
	m, exponent := math.Frexp(math.Abs(x))
	n := big.NewInt(int64(math.Ldexp(m, 53)))
	n.Lsh(n, uint(exponent-53+farBits))
	q, r := new(big.Int).DivMod(n, halfPiBits, new(big.Int))
	k := int(new(big.Int).And(q, big.NewInt(3)).Int64())
	if new(big.Int).Lsh(r, 1).Cmp(halfPiBits) > 0 {
		r.Sub(r, halfPiBits)
		k++
	}
	f := new(big.Float).SetInt(r)
	f.SetMantExp(f, -farBits)
	hi, _ := f.Float64()
	lo, _ := f.Sub(f, big.NewFloat(hi)).Float64()
	p := pair{hi, lo}
	if x < 0 {
		return p.neg(), -k & 3
	}
	return p, k & 3
}

// sine and cosine are those of an angle of at most half a right one or little
// more.

func sine(r pair) pair   { return r.mul(alternating(r.mul(r).neg(), 1, 27)) }
func cosine(r pair) pair { return alternating(r.mul(r).neg(), 0, 28) }

// alternating is a polynomial of inverse factorials in a square that is given
// its sign.
func alternating(square pair, from, last int) pair {
	return polynomial(square, &factorials, from, 2, last)
}

// turned returns the sine of an angle and a number of right ones.
func turned(r pair, quadrant int) pair {
	value := sine
	if quadrant&1 == 1 {
		value = cosine
	}
	if quadrant&2 == 2 {
		return value(r).neg()
	}
	return value(r)
}

// endless reports whether x is NaN or an infinity.
func endless(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) }

// Sin returns the sine of x.
func Sin(x float64) float64 {
	switch {
	case endless(x):
		return math.NaN()
	case math.Abs(x) < 0x1p-28:
		return x
	}
	return turned(reduced(x)).value()
}

// Cos returns the cosine of x.
func Cos(x float64) float64 {
	if endless(x) {
		return math.NaN()
	}
	r, quadrant := reduced(x)
	return turned(r, quadrant+1).value()
}

// Tan returns the tangent of x.
func Tan(x float64) float64 {
	switch {
	case endless(x):
		return math.NaN()
	case math.Abs(x) < 0x1p-28:
		return x
	}
	r, quadrant := reduced(x)
	return turned(r, quadrant).div(turned(r, quadrant+1)).value()
}
