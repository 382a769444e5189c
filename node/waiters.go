package node

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trivetdb/trivet/fsm"
)

const (
	// turnTimeout is how long a node may take to hear of a turn. One that does
	// not within two tries loses all of its places; if it lives, it comes back.
	turnTimeout = time.Second
	maxTurns    = 1000 // in a note
)

// waiters are the blocked clients of all nodes, on the leader. They lie in
// memory only: an idle one costs no log entry, and a new leader is told of all of
// them by their nodes. A line has the clients that wait for one key, oldest
// first. Who is next gets a turn, a hint to try; a key has as many turns out as
// it has elements, so that nobody tries in vain and nobody is passed over.
type waiters struct {
	self     uint64 // this node's ID as an origin
	elements func(p place) (fsm.WaitKind, int)
	unread   func(p place, group string) (n int, ok bool)
	send     func(ctx context.Context, addr string, n turnNote) error

	count atomic.Int64 // claims

	mu        sync.Mutex // guards what follows
	term      uint64     // that this node leads; 0 for none
	closed    bool
	reign     context.Context // ends with the term
	end       context.CancelFunc
	lines     map[place]*line
	streams   map[place]map[string]*line // by consumer group
	claimants map[uint64]*claimant       // by the origin's ID
	coming    map[place]coming
	batches   map[batchID][]fsm.Push // that the sequencer has
	made      uint64                 // counts claims
	granted   uint64                 // counts turns
	newest    int64                  // time of a note or a claim, microseconds
	senders   sync.WaitGroup
}

// A place is a key of a database.
type place struct {
	db  int
	key string
}

// A line is who waits for a key or, of a stream, for a consumer group.
type line struct {
	place
	group  string
	stream bool
	claims []*claim // oldest first
	turns  int      // how many of them have a turn for it
}

// A claim is a client that waits.
type claim struct {
	id    uint64
	of    *claimant
	since int64  // microseconds by the clock of the leader that heard of it first
	order uint64 // among those of the same time
	kind  fsm.WaitKind
	group string // of WaitGroup, as is want
	want  int64
	keys  []place
	turn  *line  // that it has a turn for; nil for none
	held  uint64 // the number of that turn
}

func (c *claim) before(d *claim) int {
	return cmp.Or(cmp.Compare(c.since, d.since), cmp.Compare(c.order, d.order))
}

// A claimant is a node that clients wait on.
type claimant struct {
	origin fsm.Origin
	addr   string
	stream uint64
	number uint64 // of the next note
	claims map[uint64]*claim
	sum    uint64 // the exclusive or of their numbers
	turns  []turn // to be sent
	wake   chan struct{}
	gone   context.CancelFunc
}

func newWaiters(self uint64, elements func(place) (fsm.WaitKind, int), send func(context.Context, string, turnNote) error) *waiters {
	w := &waiters{self: self, elements: elements, send: send}
	w.reset()
	return w
}

func (w *waiters) reset() {
	w.lines, w.streams = map[place]*line{}, map[place]map[string]*line{}
	w.claimants, w.term = map[uint64]*claimant{}, 0
	w.coming, w.batches = map[place]coming{}, map[batchID][]fsm.Push{}
	w.count.Store(0)
}

// open lets clients wait from now on: this node leads, and holds all that was
// committed before its term.
func (w *waiters) open(term uint64) {
	w.close(0)
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		w.term = term
		w.reign, w.end = context.WithCancel(context.Background())
	}
}

// close forgets all, if the term is that of open; 0 means any.
func (w *waiters) close(term uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.term != 0 && (term == 0 || term == w.term) {
		w.end()
		w.reset()
	}
}

// shut is close for good. It returns when nothing is sent any more.
func (w *waiters) shut() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.close(0)
	w.senders.Wait()
}

// hear takes a note in. The time in the answer is when the claims in it were made
// by this node's clock, less their age: it is for the next leader, so that
// clients of different nodes keep their order.
func (w *waiters) hear(n claimNote) claimAnswer {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.term == 0 {
		return claimAnswer{verdict: noteNoTerm}
	}
	w.newest = max(w.newest+1, time.Now().UnixMicro())
	at := w.newest
	from := w.claimants[n.origin.ID]
	if n.number == 0 && (from == nil || from.origin.Life < n.origin.Life ||
		from.origin == n.origin && from.stream < n.stream) {
		from = w.welcome(from, &n)
	}
	if from == nil || from.origin != n.origin || from.stream != n.stream || from.number != n.number {
		return claimAnswer{verdict: noteAgain}
	}
	from.number++
	for i := range n.words {
		w.take(from, &n.words[i], at)
	}
	if uint64(len(from.claims)) != n.count || from.sum != n.sum {
		w.drop(from)
		return claimAnswer{verdict: noteAgain}
	}
	return claimAnswer{noteTaken, at, from.next(), w.after(from, &n)}
}

// after returns the claims made by a note that have no turn, and stand in a line
// in which others have one.
func (w *waiters) after(from *claimant, n *claimNote) (ids []uint64) {
	for i := range n.words {
		c := from.claims[n.words[i].id]
		if c == nil || n.words[i].kind != claimMade || c.turn != nil {
			continue
		}
		if slices.ContainsFunc(c.keys, func(p place) bool { l := w.lineOf(p, c); return l != nil && l.turns > 0 }) {
			ids = append(ids, c.id)
		}
	}
	return ids
}

// welcome begins a stream, in the place of the one before.
func (w *waiters) welcome(old *claimant, n *claimNote) *claimant {
	if old != nil {
		w.drop(old)
	}
	ctx, gone := context.WithCancel(w.reign)
	from := &claimant{
		origin: n.origin, addr: n.addr, stream: n.stream, claims: map[uint64]*claim{},
		wake: make(chan struct{}, 1), gone: gone,
	}
	w.claimants[n.origin.ID] = from
	w.senders.Go(func() { w.deliver(ctx, from) })
	return from
}

// drop removes all claims of a node. Others get its turns.
func (w *waiters) drop(from *claimant) {
	if w.claimants[from.origin.ID] != from {
		return
	}
	delete(w.claimants, from.origin.ID)
	from.gone()
	freed := map[*line]bool{}
	for _, c := range from.claims {
		if c.turn != nil {
			freed[c.turn] = true
		}
		w.remove(c)
	}
	for l := range freed {
		w.grant(l)
	}
}

func (w *waiters) take(from *claimant, word *claimWord, at int64) {
	c := from.claims[word.id]
	switch {
	case word.kind == claimMade && c == nil:
		w.enter(from, word, at)
	case word.kind == claimLeaves && c != nil:
		l := c.turn
		w.remove(c)
		if l != nil {
			w.grant(l)
		}
	case word.kind == claimStays && c != nil && c.turn != nil && c.held == word.turn:
		c.turn.turns--
		c.turn = nil
		w.grantAll(c)
	}
}

// enter gives a claim, made in a note of a time, its places.
func (w *waiters) enter(from *claimant, word *claimWord, at int64) {
	w.made++
	c := &claim{id: word.id, of: from, since: word.since, order: w.made, kind: word.wait.Kind}
	c.group, c.want = word.wait.Group, word.wait.Count
	if c.since == 0 {
		c.since = at - word.age.Microseconds()
	}
	w.newest = max(w.newest, c.since)
	for i, key := range word.wait.Keys {
		p := place{word.db, string(key)}
		c.keys = append(c.keys, p)
		l := w.makeLine(p, c)
		at, _ := slices.BinarySearchFunc(l.claims, c, (*claim).before)
		l.claims = slices.Insert(l.claims, at, c)
		if i == word.key {
			c.turn, c.held = l, word.turn
			l.turns++
		}
	}
	from.claims[c.id] = c
	from.sum ^= c.id
	w.count.Add(1)
	if word.since == 0 && c.turn == nil && c.kind != fsm.WaitGroup {
		w.refuse(c)
	}
	w.grantAll(c)
}

// refuse has the claim tried where that fails at once: the first of its keys
// that is there is of another kind.
func (w *waiters) refuse(c *claim) {
	for i, p := range c.keys {
		kind, _ := w.elements(p)
		if kind == fsm.WaitNone {
			continue
		}
		if kind != c.kind {
			w.grantTo(c, w.lines[p], i, true)
		}
		return
	}
}

// remove takes a claim out of all lines.
func (w *waiters) remove(c *claim) {
	if c.turn != nil {
		c.turn.turns--
	}
	for _, p := range c.keys {
		l := w.lineOf(p, c)
		if l == nil {
			continue
		}
		if at, found := slices.BinarySearchFunc(l.claims, c, (*claim).before); found {
			l.claims = slices.Delete(l.claims, at, at+1)
		}
		if len(l.claims) == 0 {
			w.dropLine(l)
		}
	}
	delete(c.of.claims, c.id)
	c.of.sum ^= c.id
	w.count.Add(-1)
}

func (w *waiters) grantAll(c *claim) {
	for _, p := range c.keys {
		if l := w.lineOf(p, c); l != nil {
			w.grant(l)
		}
	}
}

// grant gives out the turns that a key is good for.
func (w *waiters) grant(l *line) {
	if l.stream {
		w.grantGroup(l)
		return
	}
	if len(l.claims) == 0 {
		return
	}
	kind, n := w.elements(l.place)
	coming := w.coming[l.place]
	if kind == fsm.WaitNone && coming.queued+coming.submitted > 0 {
		kind = fsm.WaitList
	}
	if kind == fsm.WaitList {
		n += coming.submitted
	}
	for _, c := range l.claims {
		if l.turns >= n && (kind != fsm.WaitList || l.turns >= n+coming.queued) {
			return
		}
		if c.turn == nil && c.kind == kind {
			if l.turns >= n && c.of.origin.ID != w.self {
				return
			}
			w.grantTo(c, l, slices.Index(c.keys, l.place), false)
		}
	}
}

func (w *waiters) grantTo(c *claim, l *line, key int, first bool) {
	w.granted++
	c.turn, c.held = l, w.granted
	l.turns++
	c.of.turns = append(c.of.turns, turn{c.id, c.held, key, first})
	signal(c.of.wake)
}

// signal hears of an entry that was applied, and looks at keys that may have
// gained something by it.
func (w *waiters) signal(batches []fsm.Batch, signals []fsm.Signal) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range batches {
		w.arrived(batchID{batches[i].Origin, batches[i].Seq})
	}
	for _, s := range signals {
		if s.All {
			w.grantDB(s.DB)
		} else if l := w.lines[place{s.DB, s.Key}]; l != nil {
			w.grant(l)
		}
		w.grantStream(s)
	}
}

// grantDB looks at all keys of a database.
func (w *waiters) grantDB(db int) {
	for p, l := range w.lines {
		if p.db == db {
			w.grant(l)
		}
	}
}

// ready reports whether a client need not wait: see server.Backend.
func (w *waiters) ready(db int, wait fsm.Wait) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.term == 0 {
		return false
	}
	for _, key := range wait.Keys {
		p := place{db, string(key)}
		switch kind, _ := w.elements(p); kind {
		case fsm.WaitNone:
		case wait.Kind:
			return w.lines[p] == nil
		default:
			return true
		}
	}
	return false
}
