package node

import (
	"testing"
	"testing/synctest"

	"github.com/trivetdb/trivet/fsm"
)

// A swap of databases may bring what clients of both wait for.
func TestTurnsAfterASwap(t *testing.T) {
	desks(t, func(d *desk) {
		in := func(db int) func(*claimWord) { return func(w *claimWord) { w.db = db } }
		d.claim(1, 1, "a", in(3))
		d.claim(1, 2, "b none", in(3))
		d.claim(2, 3, "a", in(4))
		d.turns()
		d.mu.Lock()
		d.holds["a"], d.holds["b"] = 1, 2
		d.mu.Unlock()
		d.w.signal(nil, []fsm.Signal{{DB: 3, All: true}})
		synctest.Wait()
		d.turns("n1:1:a", "n1:2:b")
	})
}
