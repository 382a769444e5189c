package lua

import (
	"math"

	"github.com/trivetdb/trivet/fsm/calc"
	lua "github.com/yuin/gopher-lua"
)

var mathConstants = map[string]lua.LValue{"pi": lua.LNumber(math.Pi), "huge": lua.LNumber(math.Inf(1))}

// What math has and calc has not is exact, so it is the same on all machines.
var mathFunctions = map[string]function{
	"abs":        of(math.Abs),
	"acos":       slow(calc.Acos),
	"asin":       slow(calc.Asin),
	"atan":       slow(calc.Atan),
	"atan2":      slow2(calc.Atan2),
	"ceil":       of(math.Ceil),
	"cos":        slow(calc.Cos),
	"cosh":       slow(calc.Cosh),
	"deg":        of(func(x float64) float64 { return x / (math.Pi / 180) }),
	"exp":        slow(calc.Exp),
	"floor":      of(math.Floor),
	"fmod":       mathMod,
	"frexp":      mathFrexp,
	"ldexp":      func(c call) int { return c.pushNumber(math.Ldexp(c.num(1), clampExponent(c.int(2)))) },
	"log":        slow(calc.Log),
	"log10":      slow(calc.Log10),
	"max":        func(c call) int { return c.extreme(func(a, b float64) bool { return a > b }) },
	"min":        func(c call) int { return c.extreme(func(a, b float64) bool { return a < b }) },
	"mod":        mathMod,
	"modf":       mathModf,
	"pow":        slow2(calc.Pow),
	"rad":        of(func(x float64) float64 { return x * (math.Pi / 180) }),
	"random":     mathRandom,
	"randomseed": mathRandomSeed,
	"sin":        slow(calc.Sin),
	"sinh":       slow(calc.Sinh),
	"sqrt":       of(math.Sqrt),
	"tan":        slow(calc.Tan),
	"tanh":       slow(calc.Tanh),
}

// mathCost is what a function of calc takes more than other functions, roughly.
const mathCost = 10

func slow(f func(float64) float64) function {
	return of(f).charging(mathCost)
}

func slow2(f func(a, b float64) float64) function {
	return of2(f).charging(mathCost)
}

// Past largeAngle, a number is brought between 0 and 2*pi with many digits.
const (
	largeAngle = 1 << 28
	largeCost  = 200
)

// charging returns a function that costs more.
func (f function) charging(cost int) function {
	return func(c call) int {
		c.charge(cost)
		c.pay(2 * cost)
		for i := 1; i <= min(c.GetTop(), 2); i++ {
			if x, ok := c.Get(i).(lua.LNumber); ok && (x > largeAngle || x < -largeAngle) {
				c.pay(largeCost)
			}
		}
		return f(c)
	}
}

func of(f func(float64) float64) function {
	return func(c call) int { return c.pushNumber(f(c.num(1))) }
}

func of2(f func(a, b float64) float64) function {
	return func(c call) int { return c.pushNumber(f(c.num(1), c.num(2))) }
}

func mathMod(c call) int {
	a, b := c.num(1), c.num(2)
	c.payMod(a, b)
	return c.pushNumber(math.Mod(a, b))
}

// payMod counts what math.Mod takes: it goes through the bits between the two.
func (c call) payMod(a, b float64) {
	if a = math.Abs(a); a < 1<<53 && math.Abs(b) >= 1 {
		return
	}
	_, high := math.Frexp(a)
	_, low := math.Frexp(b)
	c.pay(max(high-low, 0))
}

// modulo is Lua's operator %.
func modulo(a, b float64) float64 {
	m := math.Mod(a, b)
	if m != 0 && (m < 0) != (b < 0) {
		m += b
	}
	return m
}

func clampExponent(n int) int { return min(max(n, -5000), 5000) }

func (c call) extreme(better func(a, b float64) bool) int {
	c.pay(c.GetTop())
	best := c.num(1)
	for i := 2; i <= c.GetTop(); i++ {
		if f := c.num(i); better(f, best) {
			best = f
		}
	}
	return c.pushNumber(best)
}

func mathFrexp(c call) int {
	fraction, exponent := math.Frexp(c.num(1))
	c.pushNumber(fraction)
	return 1 + c.pushNumber(float64(exponent))
}

func mathModf(c call) int {
	f := c.num(1)
	whole, fraction := math.Trunc(f), 0.0
	if !math.IsInf(f, 0) {
		fraction = f - whole
	}
	c.pushNumber(whole)
	return 1 + c.pushNumber(fraction)
}

// chance is Redis's generator, which is that of lrand48.
type chance struct {
	state  uint64
	seeded bool
}

func (g *chance) seed(seed uint32) { *g = chance{uint64(seed)<<16 | 0x330e, true} }

// draw returns the next number. The first of a run takes its seed from the host.
func (r *run) draw() uint32 {
	g := &r.chance
	if !g.seeded {
		g.seed(uint32(r.host.Seed()))
	}
	g.state = (g.state*0x5deece66d + 0xb) & (1<<48 - 1)
	return uint32(g.state >> 17)
}

func mathRandom(c call) int {
	f := float64(c.run().draw()%math.MaxInt32) / math.MaxInt32
	low, high := 1, 0
	switch c.GetTop() {
	case 0:
		return c.pushNumber(f)
	case 1:
		high = c.int(1)
	case 2:
		low, high = c.int(1), c.int(2)
	default:
		c.raise("wrong number of arguments")
	}
	if low > high {
		c.argError(c.GetTop(), "interval is empty")
	}
	return c.pushNumber(math.Floor(float64(f*(float64(high)-float64(low)+1))) + float64(low))
}

func mathRandomSeed(c call) int {
	c.run().chance.seed(uint32(toInt(c.num(1))))
	return 0
}
