package fsm

import (
	"fmt"
	"testing"
)

// A group with a million entries pending, as when consumers have long been gone.
func millionPending(b *testing.B) *stream {
	b.Helper()
	s := newStream(1)
	g := streamGroup{}
	for _, name := range []label{"a", "b"} {
		g.consumers.put(name, streamConsumer{}, 1)
	}
	for i := range uint64(1_000_000) {
		g.pend(streamID{i + 1, 0}, delivery{label("ab"[i%2 : i%2+1]), 1, 1}, 1)
	}
	s.putGroup("g", g)
	return s
}

// BenchmarkAck acknowledges what is pending, in several orders, and gives it out
// again; "frozen" has a snapshot begun now and then.
func BenchmarkAck(b *testing.B) {
	for name, step := range map[string]uint64{"in order": 1, "scattered": 7919} {
		for _, freeze := range []int{0, 10_000} {
			b.Run(fmt.Sprintf("%s/frozen=%d", name, freeze), func(b *testing.B) {
				s := millionPending(b)
				at := uint64(0)
				b.ReportAllocs()
				b.ResetTimer()
				for i := range b.N {
					if freeze > 0 && i%freeze == 0 {
						s = s.clone(s.epoch + 1).(*stream)
					}
					g := s.groups.edit("g", s.epoch)
					id := streamID{at%1_000_000 + 1, 0}
					at += step
					if !g.forget(s, id) {
						b.Fatalf("%v was not pending", id)
					}
					g.assign(s, id, delivery{"a", 2, 1})
				}
			})
		}
	}
}
