package fsm

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cespare/xxhash/v2"
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

// Keys that share a hash, as anybody can make them, take no long search.
func TestShardCrowd(t *testing.T) {
	keys := sameHash(5000)
	st := NewStateAt(NewestLevel)
	tx := freeTx()
	tx.st, tx.write = st, true
	for _, key := range keys {
		tx.put([]byte(key), &object{str: key})
	}
	frozen := st.Freeze()
	for i, key := range keys {
		o := tx.peek([]byte(key))
		if o == nil || o.str != key {
			t.Fatalf("key %d is not there", i)
		}
		if i%3 == 0 {
			tx.put([]byte(key), &object{str: "new"})
		} else if i%3 == 1 {
			tx.remove([]byte(key))
		}
	}
	for i, key := range keys {
		switch o := tx.peek([]byte(key)); {
		case i%3 == 0 && (o == nil || o.str != "new"), i%3 == 1 && o != nil, i%3 == 2 && (o == nil || o.str != key):
			t.Fatalf("key %d holds %v", i, o)
		}
		if o := frozen.dbs[0].get([]byte(key)); o == nil || o.str != key {
			t.Fatalf("a frozen view has lost key %d", i)
		}
	}
	if err := st.Check(); err != nil {
		t.Fatal(err)
	}
	hash := xxhash.Sum64String(keys[0])
	used := 0
	for _, s := range tx.keys().shards[hash>>(64-shardBits)].of(hash).slots {
		if s.tag != 0 {
			used++
		}
	}
	if used > maxProbe {
		t.Errorf("%d keys of one hash are in a row", used)
	}
	for _, key := range keys {
		tx.remove([]byte(key))
	}
	if st.Len(0) != 0 {
		t.Fatalf("%d keys are left", st.Len(0))
	}
}
