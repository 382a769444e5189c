package calc

import (
	"encoding/binary"
	"hash/crc64"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
)

var functions = map[string]func(float64) float64{
	"exp": Exp, "log": Log, "log10": Log10, "sin": Sin, "cos": Cos, "tan": Tan, "asin": Asin, "acos": Acos,
	"atan": Atan, "sinh": Sinh, "cosh": Cosh, "tanh": Tanh,
}

var functions2 = map[string]func(a, b float64) float64{"pow": Pow, "atan2": Atan2}

func call(name string, args []float64) float64 {
	if f := functions[name]; f != nil {
		return f(args[0])
	}
	return functions2[name](args[0], args[1])
}

// testdata/golden.txt holds a function, its arguments and the number that is
// nearest to the true result, as an arbitrary-precision library has it.
func TestGolden(t *testing.T) {
	name := "testdata/golden.txt"
	if other := os.Getenv("GOLDEN"); other != "" {
		name = other
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		var nums []float64
		for _, w := range words[1:] {
			f, err := strconv.ParseFloat(w, 64)
			if err != nil {
				t.Fatal(err)
			}
			nums = append(nums, f)
		}
		want := nums[len(nums)-1]
		if got := call(words[0], nums); got != want {
			t.Errorf("%s%v is %x, want %x", words[0], nums[:len(nums)-1], got, want)
		}
	}
}

// What C says of the special cases, which package math follows but for the
// smallest numbers of all.
func TestSpecialCases(t *testing.T) {
	same := map[string]func(float64) float64{
		"exp": math.Exp, "log": math.Log, "log10": math.Log10, "sin": math.Sin, "cos": math.Cos, "tan": math.Tan,
		"asin": math.Asin, "acos": math.Acos, "atan": math.Atan, "sinh": math.Sinh, "cosh": math.Cosh, "tanh": math.Tanh,
	}
	numbers := []float64{
		0, math.Copysign(0, -1), 1, -1, 2, -2, 3, 0.5, -0.5, 1.5, math.Inf(1), math.Inf(-1), math.NaN(), 1e308, -1e308,
		1e300, -1e300, 710, -746, 1e-300, 1 << 53, 1<<53 + 2, -(1 << 53), 1 << 62,
	}
	for name, f := range functions {
		for _, x := range numbers {
			if got, want := f(x), same[name](x); !near(got, want) {
				t.Errorf("%s(%v) is %v, want %v", name, x, got, want)
			}
		}
	}
	for _, x := range numbers {
		for _, y := range numbers {
			if got, want := Pow(x, y), math.Pow(x, y); !near(got, want) {
				t.Errorf("pow(%v, %v) is %v, want %v", x, y, got, want)
			}
			if got, want := Atan2(x, y), math.Atan2(x, y); !near(got, want) {
				t.Errorf("atan2(%v, %v) is %v, want %v", x, y, got, want)
			}
		}
	}
}

func near(a, b float64) bool {
	return a == b && math.Signbit(a) == math.Signbit(b) || a != a && b != b || math.Abs(a-b) <= 1e-14*math.Abs(b)
}

func TestPowOfWholeNumbers(t *testing.T) {
	for x := int64(-50); x <= 50; x++ {
		for y := int64(0); y < 9; y++ {
			want, _ := new(big.Float).SetInt(new(big.Int).Exp(big.NewInt(x), big.NewInt(y), nil)).Float64()
			if got := Pow(float64(x), float64(y)); got != want {
				t.Errorf("%d to the %d is %v, want %v", x, y, got, want)
			}
		}
	}
	for n := range 300 {
		if got := Log10(math.Pow10(n)); got != float64(n) {
			t.Errorf("the logarithm of 1e%d is %v", n, got)
		}
	}
}

// Machin's formula gives the digits of pi.
func TestHalfPiBits(t *testing.T) {
	const guard = 64
	unit := new(big.Int).Lsh(big.NewInt(1), farBits+guard)
	atan := func(n int64) *big.Int { // of 1/n
		total, term := new(big.Int), new(big.Int).Div(unit, big.NewInt(n))
		for k := int64(1); term.Sign() > 0; k += 2 {
			part := new(big.Int).Div(term, big.NewInt(k))
			if k&2 != 0 {
				part.Neg(part)
			}
			total.Add(total, part)
			term.Div(term, big.NewInt(n*n))
		}
		return total
	}
	half := new(big.Int).Mul(atan(5), big.NewInt(8))
	half.Sub(half, new(big.Int).Mul(atan(239), big.NewInt(2)))
	half.Rsh(half.Add(half, new(big.Int).Lsh(big.NewInt(1), guard-1)), guard)
	if half.Cmp(halfPiBits) != 0 {
		t.Errorf("half of pi is %x", half)
	}
}

// sumOfBits is a checksum of what all functions return for random numbers.
func sumOfBits(n int) uint64 {
	table := crc64.MakeTable(crc64.ECMA)
	r := rand.New(rand.NewPCG(1, 2))
	var all []byte
	for range n {
		any, x := math.Float64frombits(r.Uint64()), float64(int64(r.Uint64()))/(1<<59)
		y, small := float64(int64(r.Uint64()))/(1<<61), float64(int64(r.Uint64()))/(1<<63)
		for _, f := range []float64{
			Exp(x), Exp(100 * x), Log(math.Abs(any)), Log(math.Abs(x)), Log10(math.Abs(x)), Log10(math.Abs(any)),
			Sin(x), Sin(any), Sin(1e5 * x), Cos(x), Cos(any), Tan(x), Tan(any), Asin(small), Acos(small), Atan(x),
			Atan(any), Atan2(x, y), Atan2(any, y), Sinh(x), Sinh(any), Cosh(x), Tanh(x), Tanh(y), Pow(math.Abs(x), y),
			Pow(math.Abs(any), y), Pow(x, math.Round(10*y)), Sinh(y), Sinh(30 * x),
		} {
			if f != f {
				f = 0 // the bits of NaN are not the same everywhere
			}
			all = binary.LittleEndian.AppendUint64(all, math.Float64bits(f))
		}
	}
	return crc64.Checksum(all, table)
}

// The bits must be the same on every machine that runs this test.
func TestSameBits(t *testing.T) {
	const want = 0xcc097f2de8aa47a1
	if got := sumOfBits(20_000); got != want {
		t.Errorf("the results have the checksum %#x, want %#x", got, uint64(want))
	}
}

func BenchmarkSin(b *testing.B)  { run(b, Sin) }
func BenchmarkAsin(b *testing.B) { run(b, Asin) }
func BenchmarkExp(b *testing.B)  { run(b, Exp) }
func BenchmarkLog(b *testing.B)  { run(b, Log) }
func BenchmarkPow(b *testing.B) {
	run(b, func(x float64) float64 { return Pow(x, 1.7) })
}
func BenchmarkSinFar(b *testing.B) {
	run(b, func(x float64) float64 { return Sin(x * 1e300) })
}

func run(b *testing.B, f func(float64) float64) {
	x := 0.1
	for b.Loop() {
		f(x)
		if x += 0.01; x > 1 {
			x = 0.1
		}
	}
}
