package calc

import "math"

// A pair is the sum of two numbers, the second of which is at most half a unit
// in the last place of the first.
type pair struct{ hi, lo float64 }

// sum returns a+b exactly.
func sum(a, b float64) pair {
	s := a + b
	other := s - a
	return pair{s, (a - (s - other)) + (b - other)}
}

// ordered is sum where a is not the smaller one.
func ordered(a, b float64) pair {
	s := a + b
	return pair{s, b - (s - a)}
}

// product returns a*b exactly.
func product(a, b float64) pair {
	p := float64(a * b)
	return pair{p, math.FMA(a, b, -p)}
}

func (a pair) neg() pair { return pair{-a.hi, -a.lo} }

func (a pair) add(b pair) pair {
	s, t := sum(a.hi, b.hi), sum(a.lo, b.lo)
	s = ordered(s.hi, s.lo+t.hi)
	return ordered(s.hi, s.lo+t.lo)
}

func (a pair) sub(b pair) pair { return a.add(b.neg()) }

func (a pair) mul(b pair) pair {
	p := product(a.hi, b.hi)
	return ordered(p.hi, p.lo+(float64(a.hi*b.lo)+float64(a.lo*b.hi)))
}

func (a pair) times(b float64) pair { return a.mul(pair{b, 0}) }

func (a pair) div(b pair) pair {
	q := a.hi / b.hi
	r := a.sub(b.times(q))
	q2 := r.hi / b.hi
	r = r.sub(b.times(q2))
	return ordered(q, q2).add(pair{r.hi / b.hi, 0})
}

// scale returns a times a power of two, which must not make it subnormal.
func (a pair) scale(power float64) pair { return pair{float64(a.hi * power), float64(a.lo * power)} }

func (a pair) sqrt() pair {
	if a.hi <= 0 {
		return pair{}
	}
	root := math.Sqrt(a.hi)
	rest := a.sub(product(root, root))
	return ordered(root, rest.hi/(2*root))
}

// value returns the pair as one number.
func (a pair) value() float64 { return a.hi + a.lo }

var one = pair{1, 0}

// maxTerm is the last term that any series needs.
const maxTerm = 46

// reciprocals holds 1/n, factorials 1/n!.
var reciprocals, factorials = func() (r, f [maxTerm]pair) {
	f[0] = one
	for n := 1; n < maxTerm; n++ {
		r[n] = one.div(pair{float64(n), 0})
		f[n] = f[n-1].mul(r[n])
	}
	return r, f
}()

// polynomial returns the sum of terms[from + i*step] x^i up to the given term.
func polynomial(x pair, terms *[maxTerm]pair, from, step, last int) pair {
	n := last
	for (n-from)%step != 0 {
		n--
	}
	p := terms[n]
	for n -= step; n >= from; n -= step {
		p = p.mul(x).add(terms[n])
	}
	return p
}
