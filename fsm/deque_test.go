package fsm

import (
	"fmt"
	"slices"
	"testing"
)

// contents returns the elements of a list.
func (d *deque) contents() []string {
	all := make([]string, 0, d.n)
	d.each(0, func(_ int, s string) bool {
		all = append(all, s)
		return true
	})
	return all
}

// A frozenList is a list as it was when a clone took its place.
type frozenList struct {
	d    *deque
	want []string
}

// changeDeque makes one random change to d and the same to its model.
func (g *generator) changeDeque(d *deque, model []string, grow bool) []string {
	s := fmt.Sprint(g.IntN(30))
	front := g.IntN(2) == 0
	op := g.IntN(12)
	switch {
	case op < 5 && grow || op < 3: // runs of pushes fill chunks and pages
		for range g.IntN(300) {
			s := fmt.Sprint(g.IntN(30))
			if d.push(s, front); front {
				model = slices.Insert(model, 0, s)
			} else {
				model = append(model, s)
			}
		}
	case op < 6:
		for range min(g.IntN(300), len(model)) {
			if front {
				d.popFront()
				model = model[1:]
			} else {
				d.popBack()
				model = model[:len(model)-1]
			}
		}
	case len(model) == 0:
	case op < 8:
		for range g.IntN(200) {
			i := g.IntN(len(model) + 1)
			d.insert(i, s)
			model = slices.Insert(model, i, s)
		}
	case op < 9:
		i := g.IntN(len(model))
		d.set(i, s)
		model[i] = s
	case op < 11:
		model = g.removeEqual(d, model, s, front)
	default:
		from := g.IntN(len(model)/8 + 1)
		to := len(model) - g.IntN(len(model)/8+1)
		d.trim(from, to)
		if from >= to {
			return nil
		}
		model = model[from:to]
	}
	return model
}

func (g *generator) removeEqual(d *deque, model []string, s string, back bool) []string {
	limit := 1 + g.IntN(len(model)/10+2)
	d.removeEqual(s, limit, back)
	drop := func(v string) bool {
		if v != s || limit == 0 {
			return false
		}
		limit--
		return true
	}
	if back {
		slices.Reverse(model)
	}
	model = slices.DeleteFunc(model, drop)
	if back {
		slices.Reverse(model)
	}
	return model
}

// A deque does what a slice does, and its clones stay as they were.
func TestDequeIsASlice(t *testing.T) {
	t.Parallel()
	g := newGenerator(t)
	rounds := 4000
	if testing.Short() {
		rounds = 400
	}
	epoch := uint64(1)
	d := newDeque(epoch)
	var model []string
	var old []frozenList
	for i := range rounds {
		model = g.changeDeque(d, model, i%1000 < 600)
		if err := d.check(); err != nil {
			t.Fatalf("round %d: %v", i, err)
		}
		if !slices.Equal(d.contents(), model) {
			t.Fatalf("round %d: the list differs from its model", i)
		}
		if n := len(model); n > 0 {
			at := g.IntN(n)
			if d.at(at) != model[at] {
				t.Fatalf("round %d: element %d is %q, want %q", i, at, d.at(at), model[at])
			}
			next := at
			d.eachBack(at, func(i int, s string) bool {
				if i != next || s != model[i] {
					t.Fatalf("walking back, element %d is %q at %d", next, s, i)
				}
				next--
				return true
			})
			if next != -1 {
				t.Fatalf("walking back ended at %d", next)
			}
		}
		if g.IntN(5) == 0 {
			old = append(old, frozenList{d, slices.Clone(model)})
			epoch++
			d = d.clone(epoch).(*deque)
		}
		if len(old) > 8 {
			f := old[0]
			old = old[1:]
			if err := f.d.check(); err != nil || !slices.Equal(f.d.contents(), f.want) {
				t.Fatalf("round %d: a clone changed: %v", i, err)
			}
		}
	}
}

// However a list came to be, it does not become all structure.
func TestDequeStaysDense(t *testing.T) {
	const n = 200_000
	d := newDeque(1)
	for i := range n {
		d.pushBack(fmt.Sprint(i % 100))
	}
	for i := 1; i < 100; i++ {
		d.removeEqual(fmt.Sprint(i), d.n, i%2 == 0)
	}
	chunks := 0
	for _, pg := range d.pages {
		chunks += len(pg.chunks)
	}
	if d.n != n/100 || chunks > d.n/8 || len(d.pages) > 4 {
		t.Errorf("%d elements in %d chunks and %d pages", d.n, chunks, len(d.pages))
	}
	if err := d.check(); err != nil {
		t.Fatal(err)
	}
	// A queue that holds little keeps little.
	q := newDeque(1)
	for i := range n {
		q.pushFront("job")
		if i > 2 {
			q.popBack()
		}
	}
	if len(q.pages) != 1 || len(q.pages[0].chunks) != 1 || len(q.pages[0].chunks[0].buf) > 16 {
		t.Errorf("a queue of %d takes %d pages", q.n, len(q.pages))
	}
}
