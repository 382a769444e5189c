package fsm

import (
	"fmt"
	"math"
	"testing"

	"github.com/trivetdb/trivet/fsm/cost"
)

func TestEstimates(t *testing.T) {
	h := hyperLogLog{b: newHLL()}
	next := 1
	for n := 1; n <= 300_000; n++ {
		if _, ok := h.raise(hllPlace(fmt.Append(nil, "element ", n))); !ok {
			t.Fatal("the encoding is damaged")
		}
		if n < next {
			continue
		}
		next = n * 5 / 4
		var r registers
		if !r.merge(string(h.b)) {
			t.Fatalf("%d elements: the encoding is damaged", n)
		}
		if got := r.estimate(); math.Abs(float64(got-int64(n))) > 0.03*float64(n)+1 {
			t.Errorf("%d elements are estimated as %d", n, got)
		}
	}
	if h.b[4] != hllDense {
		t.Error("the encoding is still sparse")
	}
}

// Registers raised one by one, in any order, hold what an array holds.
func TestSparseRegisters(t *testing.T) {
	g := newGenerator(t)
	for range 30 {
		h := hyperLogLog{b: newHLL()}
		var want registers
		width := 1 + g.IntN(hllRegisters)
		for range 4000 {
			i, rank := g.IntN(width), uint8(1+g.IntN(1+g.IntN(10)))
			if g.IntN(3000) == 0 {
				rank = uint8(30 + g.IntN(20))
			}
			grew, ok := h.raise(i, rank)
			if !ok || grew != (rank > want[i]) {
				t.Fatalf("register %d of %d raised to %d: %v, %v", i, want[i], rank, grew, ok)
			}
			want[i] = max(want[i], rank)
		}
		var got registers
		if !got.merge(string(h.b)) || got != want {
			t.Fatal("the registers differ")
		}
		if h.b[4] == hllSparse && len(h.b) > maxSparse {
			t.Fatalf("%d bytes of sparse encoding", len(h.b))
		}
	}
}

// No bytes may make a command panic.
func TestDamagedHyperLogLogs(t *testing.T) {
	t.Parallel()
	g := newGenerator(t)
	m := newMachine(t)
	for range 3000 {
		b := append([]byte("HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80"), g.bytes(g.IntN(300))...)
		m.write(1, 0, Lookup("SET"), bulks("SET", "h", string(b)), nil)
		for _, words := range [][]string{{"PFADD", "h", "a", "b", "c", g.key()}, {"PFCOUNT", "h"}, {"PFMERGE", "h"}} {
			m.write(1, 0, Lookup(words[0]), bulks(words...), nil)
		}
	}
}

func BenchmarkPFAdd(b *testing.B) {
	for _, n := range []int{100, 1000, 100_000} {
		b.Run(itoa(int64(n)), func(b *testing.B) {
			tx := Tx{st: NewState(), write: true, meter: cost.Unlimited()}
			for i := range n {
				pfAdd(&tx, [][]byte{nil, []byte("h"), fmt.Append(nil, i)})
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				pfAdd(&tx, [][]byte{nil, []byte("h"), fmt.Append(nil, i%n)})
			}
		})
	}
}

func BenchmarkPFMerge(b *testing.B) {
	tx := Tx{st: NewState(), write: true, meter: cost.Unlimited()}
	for i := range 2000 {
		pfAdd(&tx, [][]byte{nil, fmt.Append(nil, "h", i%2), fmt.Append(nil, i)})
	}
	for b.Loop() {
		tx.remove([]byte("to"))
		pfMerge(&tx, bulks("PFMERGE", "to", "h0", "h1"))
	}
}

func BenchmarkPFCount(b *testing.B) {
	tx := Tx{st: NewState(), write: true, meter: cost.Unlimited()}
	for i := range 100_000 {
		pfAdd(&tx, [][]byte{nil, []byte("h"), fmt.Append(nil, i)})
	}
	for b.Loop() {
		pfCount(&tx, bulks("PFCOUNT", "h"))
	}
}
