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
	for _, hashes := range []uint64{1, 5, 100, 1 << 40, 1 << 63} {
		t.Run(fmt.Sprint(hashes), func(t *testing.T) {
			g := rand.New(rand.NewPCG(hashes, 1))
			var sh shard
			want := map[string]*object{}
			wasSplit, wasJoined := false, false
			hash := func(key string) uint64 {
				return (uint64(len(key))*7919 + uint64(key[0])<<20) * 0x9e3779b97f4a7c15 % hashes
			}
			for step := range 20_000 {
				key := fmt.Sprintf("%c%0*d", 'a'+g.IntN(20), 1+g.IntN(30), 0)
				up := step/4000%2 == 0 // it grows and shrinks again and again
				switch {
				case up && g.IntN(5) > 0 || g.IntN(20) == 0:
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
				slots, most := len(sh.slots), max(minSlots, 16*sh.size)
				if sh.parts != nil {
					wasSplit = true
					most = max(most, parts*minSlots)
					for i := range sh.parts {
						slots += len(sh.parts[i].slots)
					}
				}
				wasJoined = wasJoined || wasSplit && sh.parts == nil
				if sh.size != len(want) || slots > most {
					t.Fatalf("step %d: %d keys, not %d, in %d slots", step, sh.size, len(want), slots)
				}
			}
			if !wasSplit || !wasJoined {
				t.Errorf("split: %t, joined: %t", wasSplit, wasJoined)
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
