package calc

import "math"

// Pow returns x^y, with C's answers in the special cases.
func Pow(x, y float64) float64 {
	whole := math.Trunc(y) == y
	odd := whole && math.Abs(y) < 1<<53 && math.Mod(y, 2) != 0
	switch {
	case y == 0 || x == 1:
		return 1
	case x != x || y != y:
		return x + y
	case math.IsInf(y, 0):
		switch grows := y > 0 == (math.Abs(x) > 1); {
		case x == -1:
			return 1
		case grows:
			return math.Inf(1)
		}
		return 0
	case x == 0, math.IsInf(x, 0):
		result := 0.0
		if x == 0 == (y < 0) {
			result = math.Inf(1)
		}
		if odd {
			return math.Copysign(result, x)
		}
		return result
	case x < 0 && !whole:
		return math.NaN()
	}
	result := power(math.Abs(x), y, whole)
	if x < 0 && odd {
		return -result
	}
	return result
}

// maxMultiplied is the largest power that is found by multiplication, which
// gets results right that are numbers, or halfway between two of them.
const maxMultiplied = 64

// power is Pow of a positive and finite x, and a finite y.
func power(x, y float64, whole bool) float64 {
	log := logOf(x)
	size := float64(log.hi * y)
	if whole && y > 0 && y <= maxMultiplied && math.Abs(size) < 650 {
		p, base := one, pair{x, 0}
		for n := int(y); ; {
			if n&1 == 1 {
				p = p.mul(base)
			}
			if n >>= 1; n == 0 {
				return p.value()
			}
			base = base.mul(base)
		}
	}
	switch {
	case size > maxExp+1:
		return math.Inf(1)
	case size < minExp-1:
		return 0
	}
	return rounded(expOf(log.times(y)))
}
