package fsm

import "container/heap"

// deadlines orders the keys that expire by (time, database, key), the earliest
// first.
type deadlines struct {
	heap  dueHeap
	count [Databases]int
}

type deadline struct {
	at  int64
	key string
	db  int
	pos int // in the heap
}

func (a *deadline) before(b *deadline) bool {
	switch {
	case a.at != b.at:
		return a.at < b.at
	case a.db != b.db:
		return a.db < b.db
	}
	return a.key < b.key
}

func (d *deadlines) add(at int64, db int, key string) *deadline {
	e := &deadline{at: at, db: db, key: key}
	heap.Push(&d.heap, e)
	d.count[db]++
	return e
}

func (d *deadlines) remove(e *deadline) {
	heap.Remove(&d.heap, e.pos)
	d.count[e.db]--
}

// removeDB drops all deadlines of one database.
func (d *deadlines) removeDB(db int) {
	if d.count[db] == 0 {
		return
	}
	kept := d.heap[:0]
	for _, e := range d.heap {
		if e.db != db {
			e.pos = len(kept)
			kept = append(kept, e)
		}
	}
	clear(d.heap[len(kept):])
	d.heap = kept
	heap.Init(&d.heap)
	d.count[db] = 0
}

// dueHeap implements heap.Interface.
type dueHeap []*deadline

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].before(h[j]) }
func (h dueHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].pos, h[j].pos = i, j
}

func (h *dueHeap) Push(x any) {
	e := x.(*deadline)
	e.pos = len(*h)
	*h = append(*h, e)
}

func (h *dueHeap) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return e
}
