package fsm

import (
	"encoding/binary"
	"math"
)

// hllAlpha is 1/(2 ln 2).
const hllAlpha = 0.721347520444481703680

// estimate returns how many different elements made the registers what they
// are, by Ertl's improved estimator ("New cardinality estimation algorithms for
// HyperLogLog sketches", 2017). Every product is rounded by a conversion, lest
// it be fused with a sum on some machines and not on others.
func (r *registers) estimate() int64 {
	var ranks [hllHashBits + 2]int
	for _, rank := range r {
		if int(rank) < len(ranks) { // more can only come with damaged data
			ranks[rank]++
		}
	}
	const m = float64(hllRegisters)
	z := float64(m * ertlTau((m-float64(ranks[hllHashBits+1]))/m))
	for k := hllHashBits; k >= 1; k-- {
		z = float64(0.5 * (z + float64(ranks[k])))
	}
	z += float64(m * ertlSigma(float64(ranks[0])/m))
	e := float64(float64(hllAlpha*m)*m) / z
	if e >= 1<<63 { // damaged data; Redis answers this on amd64
		return math.MinInt64
	}
	return int64(math.Round(e))
}

// ertlSigma is x plus the sum of x^(2^k) 2^(k-1).
func ertlSigma(x float64) float64 {
	if x == 1 {
		return math.Inf(1)
	}
	sum, last := x, math.NaN()
	for weight := 1.0; sum != last; weight *= 2 {
		x = float64(x * x)
		last = sum
		sum += float64(x * weight)
	}
	return sum
}

// ertlTau is a third of 1-x less the sum of (1-x^(2^-k))² 2^-k.
func ertlTau(x float64) float64 {
	if x == 0 || x == 1 {
		return 0
	}
	sum, last := 1-x, math.NaN()
	for weight := 0.5; sum != last; weight *= 0.5 {
		x = math.Sqrt(x)
		last = sum
		d := 1 - x
		sum -= float64(float64(d*d) * weight)
	}
	return sum / 3
}

const hllSeed = 0xadc83b19

// murmur64 is MurmurHash2 of 64 bits, in the variant A.
func murmur64(b []byte, seed uint64) uint64 {
	const m = 0xc6a4a7935bd1e995
	h := seed ^ uint64(len(b))*m
	for ; len(b) >= 8; b = b[8:] {
		k := binary.LittleEndian.Uint64(b) * m
		h = (h ^ (k^k>>47)*m) * m
	}
	if len(b) > 0 {
		var tail [8]byte
		copy(tail[:], b)
		h = (h ^ binary.LittleEndian.Uint64(tail[:])) * m
	}
	h = (h ^ h>>47) * m
	return h ^ h>>47
}
