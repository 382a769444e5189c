package fsm

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
)

var value64 = strings.Repeat("v", 64)

// setBatch is a body of n SETs of 64 bytes; the keys count on from first.
func setBatch(first, n, keys int) []byte {
	g := &Group{}
	set := Lookup("SET")
	for i := range n {
		g.Add(set, bulks("SET", fmt.Sprintf("key:%012d", (first+i)%keys), value64), nil)
	}
	return g.Append(nil, 0)
}

// filled returns a state of n keys.
func filled(n int) *State {
	s := NewStateAt(NewestLevel)
	for i := 0; i < n; i += 1000 {
		b := Batch{Origin: testOrigin, Seq: uint64(i + 1), Body: setBatch(i, min(1000, n-i), n)}
		if _, err := s.Apply(uint64(i+1), Entry{Time: 1, Batches: []Batch{b}}); err != nil {
			panic(err)
		}
	}
	return s
}

// million is a state that benchmarks share; -short makes it small.
var million = sync.OnceValue(func() *State {
	n := 1_000_000
	if testing.Short() {
		n = 10_000
	}
	return filled(n)
})

func BenchmarkApplySet(b *testing.B) {
	const size, keys = 64, 100_000
	s := filled(keys)
	var bodies [][]byte
	for i := range 100 {
		bodies = append(bodies, setBatch(i*7919, size, keys))
	}
	b.ReportAllocs()
	i := uint64(1 << 20)
	for b.Loop() {
		i++
		batch := Batch{Origin: testOrigin, Seq: i, Body: bodies[i%100]}
		if _, err := s.Apply(i, Entry{Time: int64(i), Batches: []Batch{batch}}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/size, "ns/set")
}

func BenchmarkReadGet(b *testing.B) {
	const keys = 100_000
	s := filled(keys)
	var names [][]byte
	for i := range 1000 {
		names = append(names, fmt.Appendf(nil, "key:%012d", i*97))
	}
	r := Request{Command: Lookup("GET"), Args: bulks("GET", ""), Scratch: new(Scratch)}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		r.Args[1] = names[i%1000]
		if s.Read(r).Str != value64 {
			b.Fatal("not found")
		}
	}
}

// BenchmarkFreeze measures the freeze itself, and the first write to each of
// 64 shards after it, which copies them.
func BenchmarkFreeze(b *testing.B) {
	s := million()
	b.Run("view", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.Freeze()
		}
	})
	b.Run("batch after", func(b *testing.B) {
		body := setBatch(5, 64, 1_000_000)
		seq := s.index + 1<<30
		for b.Loop() {
			s.Freeze()
			seq++
			if _, err := s.Apply(seq, Entry{Time: 1, Batches: []Batch{{Origin: testOrigin, Seq: seq, Body: body}}}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	f := million().Freeze()
	n := len(encoded(b, million()))
	b.SetBytes(int64(n))
	b.ReportAllocs()
	for b.Loop() {
		if err := f.Encode(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	data := encoded(b, million())
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(bytes.NewReader(data)); err != nil {
			b.Fatal(err)
		}
	}
}
