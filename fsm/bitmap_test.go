package fsm

import (
	"bytes"
	"math/big"
	"strings"
	"testing"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

// A bitModel is a bitmap that is slow and plain.
type bitModel []bool

func modelOf(s string) (m bitModel) {
	for i := range 8 * len(s) {
		m = append(m, s[i/8]>>(7-i%8)&1 == 1)
	}
	return m
}

func (m bitModel) count() (n int64) {
	for _, bit := range m {
		if bit {
			n++
		}
	}
	return n
}

func (m bitModel) find(bit bool) int64 {
	for i, b := range m {
		if b == bit {
			return int64(i)
		}
	}
	return -1
}

func (g *generator) bytes(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(g.IntN(256))
		if g.IntN(3) > 0 {
			b[i] = byte(g.IntN(2) * 0xff)
		}
	}
	return string(b)
}

func TestBitRanges(t *testing.T) {
	g := newGenerator(t)
	for range 20_000 {
		s := strings.Repeat(g.bytes(1), g.IntN(30)) + g.bytes(g.IntN(30))
		n := int64(8 * len(s))
		from := g.Int64N(n + 1)
		r := bitRange{from, from + g.Int64N(n-from+1)}
		part := modelOf(s)[r.from:r.to]
		if got := r.count(text{s: s}); got != part.count() {
			t.Fatalf("%+v of %x: %d bits, want %d", r, s, got, part.count())
		}
		for _, bit := range []bool{false, true} {
			want := part.find(bit)
			if want >= 0 {
				want += r.from
			}
			if got := r.find(text{s: s}, bit); got != want {
				t.Fatalf("%+v of %x: %v is at %d, want %d", r, s, bit, got, want)
			}
		}
	}
}

func TestCombineBits(t *testing.T) {
	g := newGenerator(t)
	for range 5000 {
		a, b := g.bytes(g.IntN(40)), g.bytes(1+g.IntN(40))
		size := max(len(a), len(b))
		at := func(s string, i int) byte {
			if i < len(s) {
				return s[i]
			}
			return 0
		}
		var and, or, xor []byte
		for i := range size {
			and = append(and, at(a, i)&at(b, i))
			or = append(or, at(a, i)|at(b, i))
			xor = append(xor, at(a, i)^at(b, i))
		}
		for word, want := range map[string][]byte{"AND": and, "OR": or, "XOR": xor} {
			if got := combineBits([]text{{s: a}, {s: b}}, size, bitOperationOf([]byte(word))); got != string(want) {
				t.Fatalf("%x %s %x: got %x, want %x", a, word, b, got, want)
			}
		}
	}
}

// Sums of fields, compared with those of integers without end.
func TestFieldSums(t *testing.T) {
	g := newGenerator(t)
	for range 100_000 {
		op := fieldOp{fieldType: fieldType{uint(1 + g.IntN(63)), g.IntN(2) == 0}}
		if g.IntN(10) == 0 {
			op.fieldType = fieldType{64, true}
		}
		op.overflow = overflowRule(g.IntN(3))
		low, high := op.bounds()
		span := new(big.Int).Sub(big.NewInt(high), big.NewInt(low))
		span.Add(span, big.NewInt(1))
		a := new(big.Int).Add(big.NewInt(low), new(big.Int).Mod(new(big.Int).SetUint64(g.Uint64()), span)).Int64()
		b := int64(g.Uint64()) >> g.IntN(64)
		sum := new(big.Int).Add(big.NewInt(a), big.NewInt(b))
		want, fits := sum, true
		switch over := sum.Cmp(big.NewInt(high)) > 0; {
		case !over && sum.Cmp(big.NewInt(low)) >= 0:
		case op.overflow == overflowSaturate && over:
			want, fits = big.NewInt(high), false
		case op.overflow == overflowSaturate:
			want, fits = big.NewInt(low), false
		default:
			want = new(big.Int).Sub(sum, big.NewInt(low))
			want.Mod(want, span).Add(want, big.NewInt(low))
			fits = false
		}
		if got, ok := op.add(a, b); ok != fits || got != want.Int64() {
			t.Fatalf("%+v: %d + %d is %d, %v; want %v, %v", op, a, b, got, ok, want, fits)
		}
	}
}

func TestFieldBytes(t *testing.T) {
	g := newGenerator(t)
	tx := &Tx{meter: cost.Unlimited()}
	for range 20_000 {
		s := g.bytes(20)
		f := &fieldBytes{t: text{s: s}, size: len(s)}
		typ := fieldType{uint(1 + g.IntN(64)), true}
		at := g.Int64N(160 - int64(typ.width))
		n := int64(g.Uint64()) >> (64 - typ.width)
		typ.write(tx, f, at, n)
		if got := typ.read(f, at); got != n {
			t.Fatalf("%+v at %d: wrote %d, read %d", typ, at, n, got)
		}
		before, after := modelOf(s), modelOf(string(f.parts[0].b))
		for i := range before {
			if in := int64(i) >= at && int64(i) < at+int64(typ.width); !in && before[i] != after[i] {
				t.Fatalf("%+v at %d changed bit %d", typ, at, i)
			}
		}
	}
}

// What reads nothing new must not change the state, so that it costs no copy.
func TestBitmapsUnchanged(t *testing.T) {
	m := newMachine(t)
	run := func(words ...string) resp.Value {
		return m.write(1, 0, Lookup(words[0]), bulks(words...), nil)
	}
	run("SETBIT", "b", "9", "1")
	o := m.st.dbs[0].get([]byte("b"))
	rev := o.rev
	run("SETBIT", "b", "9", "1")
	run("BITFIELD", "b", "GET", "u8", "0", "GET", "u8", "99")
	run("BITFIELD", "b", "SET", "u8", "8", "64")
	run("BITFIELD", "none", "GET", "u8", "0")
	if now := m.st.dbs[0].get([]byte("b")); now.rev != rev {
		t.Error("a command that changed nothing changed the object")
	}
	if m.st.Len(0) != 1 {
		t.Error("a key was made")
	}
}

func TestFrozenBitmap(t *testing.T) {
	m := newMachine(t)
	m.write(1, 0, Lookup("SETBIT"), bulks("SETBIT", "b", "9", "1"), nil)
	want := encoded(t, m.st)
	frozen := m.st.Freeze()
	m.write(1, 0, Lookup("SETBIT"), bulks("SETBIT", "b", "2", "1"), nil)
	m.write(1, 0, Lookup("BITFIELD"), bulks("BITFIELD", "b", "SET", "u8", "0", "7"), nil)
	var b bytes.Buffer
	if err := frozen.Encode(&b); err != nil || !bytes.Equal(b.Bytes(), want) {
		t.Errorf("the frozen view changed: %v", err)
	}
}

func BenchmarkSetBit(b *testing.B) {
	for _, size := range []int{1 << 10, 1 << 20} {
		b.Run(itoa(int64(size)), func(b *testing.B) {
			s := NewState()
			tx := Tx{st: s, write: true, meter: cost.Unlimited()}
			tx.put([]byte("b"), &object{str: strings.Repeat("\x00", size)})
			bits := [][][]byte{bulks("SETBIT", "b", "4000", "1"), bulks("SETBIT", "b", "4000", "0")}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				setBit(&tx, bits[i%2])
			}
		})
	}
}

func BenchmarkBitCount(b *testing.B) {
	s := strings.Repeat("\x5a", 1<<20)
	b.SetBytes(int64(len(s)))
	for b.Loop() {
		bitRange{3, int64(8*len(s)) - 3}.count(text{s: s})
	}
}
