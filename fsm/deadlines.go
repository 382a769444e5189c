package fsm

import "container/heap"

// deadlines orders the keys of a database that expire by (time, key), the
// earliest first. It implements heap.Interface; others call add and drop.
type deadlines []*deadline

type deadline struct {
	at  int64
	key string
	pos int // in the heap
}

func (a *deadline) before(b *deadline) bool {
	return a.at < b.at || a.at == b.at && a.key < b.key
}

func (d *deadlines) add(at int64, key string) *deadline {
	e := &deadline{at: at, key: key}
	heap.Push(d, e)
	return e
}

func (d *deadlines) drop(e *deadline) { heap.Remove(d, e.pos) }

// passed returns how many deadlines have passed at a time.
func (d deadlines) passed(now int64) int { return d.passedFrom(0, now) }

// passedFrom is passed for the part of the heap under an index.
func (d deadlines) passedFrom(i int, now int64) int {
	if i >= len(d) || d[i].at > now {
		return 0
	}
	return 1 + d.passedFrom(2*i+1, now) + d.passedFrom(2*i+2, now)
}

// nextDue returns the earliest deadline of all databases, and which one it is
// of: the first where there are several. It is nil where nothing expires.
func (s *State) nextDue() (d *deadline, db int) {
	for i := range s.dbs {
		if due := s.dbs[i].due; len(due) > 0 && (d == nil || due[0].at < d.at) {
			d, db = due[0], i
		}
	}
	return d, db
}

func (d deadlines) Len() int           { return len(d) }
func (d deadlines) Less(i, j int) bool { return d[i].before(d[j]) }
func (d deadlines) Swap(i, j int) {
	d[i], d[j] = d[j], d[i]
	d[i].pos, d[j].pos = i, j
}

// Push implements heap.Interface.
func (d *deadlines) Push(x any) {
	e := x.(*deadline)
	e.pos = len(*d)
	*d = append(*d, e)
}

// Pop implements heap.Interface.
func (d *deadlines) Pop() any {
	last := len(*d) - 1
	e := (*d)[last]
	(*d)[last] = nil
	*d = (*d)[:last]
	return e
}
