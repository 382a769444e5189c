package node

import (
	"math"
	"slices"

	"github.com/trivetdb/trivet/fsm"
)

// The part of waiters for clients in XREADGROUP. They stand in a line for each
// consumer group. A turn is good for as many entries as its client takes, so that
// as many clients get one as there are entries for. Where the group is gone all
// get one, to hear of that.

func (w *waiters) lineOf(p place, c *claim) *line {
	if c.kind == fsm.WaitGroup {
		return w.streams[p][c.group]
	}
	return w.lines[p]
}

// makeLine returns the line of a claim for a key, and makes it where there is
// none.
func (w *waiters) makeLine(p place, c *claim) *line {
	l := w.lineOf(p, c)
	switch {
	case l != nil:
	case c.kind == fsm.WaitGroup:
		if w.streams[p] == nil {
			w.streams[p] = map[string]*line{}
		}
		l = &line{place: p, group: c.group, stream: true}
		w.streams[p][c.group] = l
	default:
		l = &line{place: p}
		w.lines[p] = l
	}
	return l
}

func (w *waiters) dropLine(l *line) {
	if !l.stream {
		delete(w.lines, l.place)
		return
	}
	delete(w.streams[l.place], l.group)
	if len(w.streams[l.place]) == 0 {
		delete(w.streams, l.place)
	}
}

// grantGroup gives out the turns that a group's entries are good for.
func (w *waiters) grantGroup(l *line) {
	if len(l.claims) == 0 {
		return
	}
	n, ok := w.unread(l.place, l.group)
	left := int64(n)
	for _, c := range l.claims {
		if c.turn == l {
			left -= c.takes()
		}
	}
	for _, c := range l.claims {
		if ok && left <= 0 {
			return
		}
		if c.turn == nil {
			w.grantTo(c, l, slices.Index(c.keys, l.place), false)
			left -= c.takes()
		}
	}
}

// takes returns how many entries a claim may take.
func (c *claim) takes() int64 {
	if c.want == 0 {
		return math.MaxInt32
	}
	return min(c.want, math.MaxInt32)
}

// grantStream looks at the groups of a stream, or of all, that may have gained
// something, or have gone.
func (w *waiters) grantStream(s fsm.Signal) {
	if !s.All {
		for _, l := range w.streams[place{s.DB, s.Key}] {
			w.grantGroup(l)
		}
		return
	}
	for p, groups := range w.streams {
		if p.db == s.DB {
			for _, l := range groups {
				w.grantGroup(l)
			}
		}
	}
}
