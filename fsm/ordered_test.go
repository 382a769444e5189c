package fsm

import (
	"maps"
	"slices"
	"testing"
)

// An ordered does what a map does, in order, and its copies stay as they were.
func TestOrderedIsAMap(t *testing.T) {
	g := newGenerator(t)
	rounds := 300
	if testing.Short() {
		rounds = 50
	}
	type frozen struct {
		tree  ordered[streamID, int]
		model map[streamID]int
	}
	var tree ordered[streamID, int]
	model, epoch := map[streamID]int{}, uint64(1)
	var views []frozen
	same := func(tree *ordered[streamID, int], model map[streamID]int, from streamID) {
		t.Helper()
		if err := tree.check(epoch); err != nil {
			t.Fatal(err)
		}
		want := slices.SortedFunc(maps.Keys(model), func(a, b streamID) int {
			if a.less(b) {
				return -1
			}
			return 1
		})
		if n := len(want); n > 0 && tree.greatest() != want[n-1] {
			t.Fatalf("the greatest is %v, want %v", tree.greatest(), want[n-1])
		}
		want = slices.DeleteFunc(want, func(id streamID) bool { return id.less(from) })
		var got []streamID
		tree.each(from, func(id streamID, v *int) bool {
			if *v != model[id] {
				t.Fatalf("%v has %d, want %d", id, *v, model[id])
			}
			got = append(got, id)
			return true
		})
		if !slices.Equal(got, want) {
			t.Fatalf("from %v: got %v, want %v", from, got, want)
		}
	}
	for round := range rounds {
		next := streamID{uint64(g.IntN(3000)), 0}
		for range g.IntN(400) {
			if g.IntN(3) > 0 { // runs, as streams have them
				next.ms++
			} else {
				next = streamID{uint64(g.IntN(3000)), 0}
			}
			_, there := model[next]
			switch v := g.IntN(100); {
			case round%4 >= 2:
				if tree.remove(next, epoch) != there {
					t.Fatalf("removed %v", next)
				}
				delete(model, next)
			case g.IntN(4) == 0:
				if p := tree.edit(next, epoch); (p != nil) != there {
					t.Fatalf("found %v", next)
				} else if there {
					*p, model[next] = v, v
				}
			default:
				if tree.put(next, v, epoch) == there {
					t.Fatalf("put %v, which is there: %v", next, there)
				}
				model[next] = v
			}
		}
		same(&tree, model, streamID{})
		same(&tree, model, streamID{uint64(g.IntN(3000)), 1})
		if g.IntN(3) == 0 {
			views = append(views, frozen{tree, maps.Clone(model)})
			epoch++
		}
		for i := range views {
			same(&views[i].tree, views[i].model, streamID{})
		}
		if len(views) > 5 {
			views = views[1:]
		}
	}
	for id := range maps.Clone(model) {
		tree.remove(id, epoch)
	}
	if tree.root != nil || tree.n != 0 {
		t.Error("an empty tree has nodes")
	}
	if _, _, ok := tree.seek(streamID{}); ok || tree.get(streamID{}) != nil || tree.edit(streamID{}, epoch) != nil {
		t.Error("an empty tree has something")
	}
}
