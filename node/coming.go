package node

import "github.com/trivetdb/trivet/fsm"

// The part of waiters for pushes that are on their way into the log. Who waits
// for what they bring gets a turn before they are applied, so that its pop shares
// their entry, or takes the next: a job costs one round instead of two. A
// turn is a hint, so nothing depends on whether they succeed.

// coming is how many elements of lists are on their way to a key.
type coming struct {
	// queued are in writes that wait for this node's next batch. Its own clients
	// can share that; those of other nodes would come before it.
	queued int
	// submitted are in batches that the sequencer has.
	submitted int
}

// A batchID tells batches from each other.
type batchID struct {
	origin fsm.Origin
	seq    uint64
}

// queue hears of a write that is about to wait for this node's next batch.
// It returns what is to be told to unqueue, and how many of this node's clients
// got a turn for it.
func (w *waiters) queue(db int, g *fsm.Group) (pushes []fsm.Push, called int) {
	if w.count.Load() == 0 {
		return nil, 0
	}
	if pushes = g.Pushes(db); len(pushes) == 0 {
		return nil, 0
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	before := w.granted
	for _, p := range pushes {
		w.expect(p, coming{queued: p.N})
	}
	return pushes, int(w.granted - before)
}

// unqueue hears that a write waits no more.
func (w *waiters) unqueue(pushes []fsm.Push) {
	if len(pushes) == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range pushes {
		w.expect(p, coming{queued: -p.N})
	}
}

// submit hears of a batch that is about to go to the sequencer, and returns what
// is to be called when its outcome is known, or was given up.
func (w *waiters) submit(b *fsm.Batch) (done func()) {
	if w.count.Load() == 0 {
		return func() {}
	}
	pushes := fsm.Pushes(b.Body)
	if len(pushes) == 0 {
		return func() {}
	}
	id := batchID{b.Origin, b.Seq}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.arrived(id)
	w.batches[id] = pushes
	for _, p := range pushes {
		w.expect(p, coming{submitted: p.N})
	}
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.arrived(id)
	}
}

// arrived forgets what a batch brings: it is there, or never will be.
func (w *waiters) arrived(id batchID) {
	for _, p := range w.batches[id] {
		w.expect(p, coming{submitted: -p.N})
	}
	delete(w.batches, id)
}

// expect counts elements that come to a key, and gives out the turns that they are
// good for.
func (w *waiters) expect(p fsm.Push, more coming) {
	at := place{p.DB, p.Key}
	c := w.coming[at]
	c.queued = max(0, c.queued+more.queued)
	c.submitted = max(0, c.submitted+more.submitted)
	if c.queued > 0 || c.submitted > 0 {
		w.coming[at] = c
	} else {
		delete(w.coming, at)
	}
	if l := w.lines[at]; l != nil && (more.queued > 0 || more.submitted > 0) {
		w.grant(l)
	}
}
