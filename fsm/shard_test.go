package fsm

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestShard compares a shard with Go's map, with hashes that collide often, and
// checks that keys of one hash do not hide each other.
func TestShard(t *testing.T) {
	for _, hashes := range []uint64{1, 5, 100, 1 << 40} {
		t.Run(fmt.Sprint(hashes), func(t *testing.T) {
			g := rand.New(rand.NewPCG(hashes, 1))
			var sh shard
			want := map[string]*object{}
			hash := func(key string) uint64 { return (uint64(len(key))*7919 + uint64(key[0])<<20) % hashes }
			for step := range 20_000 {
				key := fmt.Sprintf("%c%0*d", 'a'+g.IntN(20), 1+g.IntN(30), 0)
				up := step/4000%2 == 0 // it grows and shrinks again and again
				switch {
				case up && g.IntN(5) > 0 || g.IntN(5) == 0:
					o := &object{key: key}
					sh.set(hash(key), []byte(key), o)
					want[key] = o
				case want[key] != nil:
					sh.remove(hash(key), []byte(key))
					delete(want, key)
				}
				if got := sh.get(hash(key), []byte(key)); got != want[key] {
					t.Fatalf("step %d: %q is %v, not %v", step, key, got, want[key])
				}
				if sh.size != len(want) || len(sh.slots) > max(minSlots, 16*sh.size) {
					t.Fatalf("step %d: %d keys, not %d, in %d slots", step, sh.size, len(want), len(sh.slots))
				}
			}
			var keys []string
			for _, o := range sh.sorted() {
				keys = append(keys, o.key)
			}
			if !slices.Equal(keys, slices.Sorted(maps.Keys(want))) {
				t.Errorf("%d keys, not %d", len(keys), len(want))
			}
		})
	}
}
