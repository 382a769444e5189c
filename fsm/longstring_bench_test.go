package fsm

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkStrings applies batches of 64 commands on small strings.
func BenchmarkStrings(b *testing.B) {
	for _, words := range [][]string{
		{"GET", "s"}, {"SET", "s", value64}, {"INCR", "n"}, {"SETRANGE", "s", "7", "text"}, {"SETBIT", "b", "77"},
		{"BITFIELD", "b", "INCRBY", "u8", "0", "1"}, {"APPEND", "s", "x"}, {"BITCOUNT", "b"}, {"PFADD", "hll"}, {"GETRANGE", "s", "1", "9"},
	} {
		b.Run(words[0], func(b *testing.B) {
			s := NewStateAt(NewestLevel)
			g, c := &Group{}, Lookup(words[0])
			for i := range 64 {
				w := words
				switch w[0] {
				case "SETBIT":
					w = append(w[:3:3], fmt.Sprint(i%2))
				case "PFADD":
					w = append(w[:2:2], fmt.Sprint(i))
				}
				g.Add(c, bulks(w...), nil)
			}
			set := &Group{}
			set.Add(Lookup("MSET"), bulks("MSET", "s", value64, "n", "0", "b", strings.Repeat("x", 100)), nil)
			body, reset := g.Append(nil, 0), set.Append(nil, 0)
			b.ReportAllocs()
			for i := uint64(1); b.Loop(); i++ {
				for j, body := range [][]byte{reset, body} {
					batch := Batch{Origin: testOrigin, Seq: 2*i + uint64(j), Body: body}
					if _, err := s.Apply(i, Entry{Time: 1, Batches: []Batch{batch}}); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/64, "ns/command")
		})
	}
}
