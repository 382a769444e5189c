package node

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/node/server"
	"github.com/trivetdb/trivet/resp"
)

const (
	// holdUnsent is how long a write waits for a leader before it is refused.
	// It is less than the read timeout of any client library we know.
	holdUnsent = 2 * time.Second
	// holdBehind is how long a write that waits behind another, or a read of what
	// this node has not applied yet, is held while there is a leader. Then a disk
	// or a processor is slow, and many clients take a refusal for the end.
	holdBehind = 3 * holdUnsent
	// holdSent is how long the answer to a batch that was sent is looked for while
	// the leader does not get on. After it the clients' connections are closed
	// without a reply.
	holdSent = 10 * time.Second
	// retryPause is between two tries at a leader that does not lead.
	retryPause = 10 * time.Millisecond
	// companyWait is how long a batch waits for the sessions that took part in
	// the one before, and for the pops of what it pushes. Without it sessions fall
	// into halves that alternate.
	companyWait = 600 * time.Microsecond
	// maxQueued bounds the bytes of writes that wait for their batch.
	maxQueued = 256 << 20
)

// A proposer makes the node's batches, one after the other, and sees each to
// its end: it sends a batch again until it knows what became of it.
type proposer struct {
	origin  fsm.Origin
	leaders *leaders
	send    sendFunc
	seq     uint64 // of the newest batch; only run's goroutine uses it
	room    *semaphore.Weighted

	waiters *waiters // told of what waits here; may be nil
	// works reports whether a leader answers, and applies entries or has applied some
	// since it was asked last. Nil means never.
	works func(ctx context.Context, to leader) bool

	mu      sync.Mutex
	queue   []*write
	called  int           // queue length with the pops of all that got turns for pushes in it
	want    int           // queue length that ends the wait for company
	wake    chan struct{} // there is a write
	arrived chan struct{} // the queue has reached want

	stalled atomic.Bool // the batch in flight has no leader to go to
	batches atomic.Uint64
	resent  atomic.Uint64
}

// A sendFunc hands a batch to the leader and returns the entry's index and the
// result. Its errors wrap errNotProposed or errMaybe.
type sendFunc func(ctx context.Context, to leader, b *fsm.Batch) (uint64, fsm.Result, error)

// A write is a group on its way into a batch.
type write struct {
	db     int
	group  *fsm.Group // its session's again once the write was taken by that
	size   int
	brings []fsm.Push   // to clients that wait
	taken  atomic.Bool  // by a batch, or by its session that gave up
	got    []resp.Value // replies to commands that are done: group has the others
	done   chan written
}

type written struct {
	replies []resp.Value
	index   uint64
	err     error
}

func newProposer(origin fsm.Origin, l *leaders, send sendFunc) *proposer {
	return &proposer{
		origin: origin, leaders: l, send: send, room: semaphore.NewWeighted(maxQueued),
		wake: make(chan struct{}, 1), arrived: make(chan struct{}, 1),
	}
}

// write has a group applied; see server.Backend.
func (p *proposer) write(ctx context.Context, db int, g *fsm.Group) ([]resp.Value, uint64, error) {
	size := min(int64(g.Size()), maxQueued)
	if err := p.enter(ctx, size); err != nil {
		return nil, 0, err
	}
	defer p.room.Release(size)
	w := &write{db: db, group: g, size: g.Size(), done: make(chan written, 1)}
	called := 0
	if p.waiters != nil {
		w.brings, called = p.waiters.queue(db, g)
	}
	p.enqueue(w, called)
	began, timer := time.Now(), time.NewTimer(holdUnsent)
	defer timer.Stop()
	for {
		select {
		case r := <-w.done:
			return r.replies, r.index, r.err
		case <-timer.C:
			if p.stalled.Load() && p.leaders.late(began) && w.taken.CompareAndSwap(false, true) {
				p.forget(w)
				p.left(w)
				return nil, 0, server.ErrNoLeader
			}
			timer.Reset(holdUnsent)
		}
	}
}

func (p *proposer) enter(ctx context.Context, size int64) error {
	if p.room.TryAcquire(size) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, holdUnsent)
	defer cancel()
	if p.room.Acquire(ctx, size) != nil {
		return server.ErrNoLeader
	}
	return nil
}

// enqueue lets a write wait for its batch, and that for the pops of so many
// clients that it has called.
func (p *proposer) enqueue(w *write, called int) {
	p.mu.Lock()
	p.queue = append(p.queue, w)
	if called > 0 {
		p.called = max(p.called, len(p.queue)-1) + 1 + called
	}
	first, full := len(p.queue) == 1, len(p.queue) == p.want
	p.mu.Unlock()
	if first {
		signal(p.wake)
	}
	if full {
		signal(p.arrived)
	}
}

// left tells of a write that waits for its batch no more.
func (p *proposer) left(w *write) {
	if p.waiters != nil {
		p.waiters.unqueue(w.brings)
	}
}

// forget drops a write that its session has taken back.
func (p *proposer) forget(w *write) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.queue, w); i >= 0 {
		p.queue = slices.Delete(p.queue, i, i+1)
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// run makes batches until stop is closed.
func (p *proposer) run(stop <-chan struct{}) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		<-stop
		cancel()
	}()
	for {
		select {
		case <-p.wake:
		case <-ctx.Done():
			p.refuse()
			return
		}
		for answered := 0; p.awaitLeader(ctx); {
			p.awaitCompany(answered)
			writes, body := p.take()
			if len(writes) == 0 {
				break
			}
			p.deliver(ctx, writes, body)
			answered = len(writes)
		}
	}
}

// awaitLeader waits until there is a leader, or reports false where ctx ends
// first. Writes stay in the queue meanwhile, where each gives up in its own
// time.
func (p *proposer) awaitLeader(ctx context.Context) bool {
	if now, _ := p.leaders.get(); now == (leader{}) {
		p.stalled.Store(true)
		defer p.stalled.Store(false)
		if _, _, err := p.leaders.await(ctx); err != nil {
			return false
		}
	}
	return ctx.Err() == nil
}

// awaitCompany waits a moment for the sessions that were answered just now to
// come back with their next writes, and for those that were called.
func (p *proposer) awaitCompany(answered int) {
	p.mu.Lock()
	p.want = p.called
	if answered > 1 {
		p.want = max(p.want, (answered+len(p.queue))*9/10)
	}
	enough := len(p.queue) >= p.want
	select {
	case <-p.arrived: // left over from an earlier wait
	default:
	}
	p.mu.Unlock()
	if enough {
		return
	}
	timer := time.NewTimer(companyWait)
	defer timer.Stop()
	select {
	case <-p.arrived:
	case <-timer.C:
	}
}

// take removes the writes of the next batch from the queue, and encodes them.
func (p *proposer) take() ([]*write, []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.called = 0
	writes := make([]*write, 0, len(p.queue))
	n, size := 0, 0
	for ; n < len(p.queue) && (size == 0 || size+p.queue[n].size <= maxEntry); n++ {
		if w := p.queue[n]; len(w.got) > 0 || w.taken.CompareAndSwap(false, true) {
			writes = append(writes, w)
			size += w.size
		}
	}
	body := make([]byte, 0, size+len(writes)*fsm.MaxGroupHeader)
	for _, w := range writes {
		body = w.group.Append(body, w.db)
		p.left(w)
	}
	p.queue = p.queue[n:]
	if len(p.queue) == 0 {
		p.queue = nil
	} else {
		signal(p.wake)
	}
	return writes, body
}

// refuse answers all that wait, when the node stops.
func (p *proposer) refuse() {
	p.stalled.Store(true)
	for {
		writes, _ := p.take()
		if len(writes) == 0 {
			return
		}
		finish(writes, written{err: server.ErrNoLeader})
	}
}

// deliver sends a batch until its outcome is known or time is up.
func (p *proposer) deliver(ctx context.Context, writes []*write, body []byte) {
	p.seq++
	b := &fsm.Batch{Origin: p.origin, Seq: p.seq, Body: body}
	p.batches.Add(1)
	defer p.stalled.Store(false)
	began, hold, giveUp := time.Now(), holdUnsent, server.ErrNoLeader
	for tries := 0; ; tries++ {
		if tries > 0 {
			p.resent.Add(1)
			p.stalled.Store(true)
		}
		index, result, err := p.try(ctx, b, began.Add(hold))
		switch {
		case err == nil && result.Outcome == fsm.Deferred:
			began = time.Now() // there is a leader, and it will have room
			continue
		case err == nil && (result.Outcome == fsm.Superseded || len(result.Replies) == 0):
			finish(writes, written{err: server.ErrUnknown})
			return
		case err == nil:
			p.again(answer(writes, result.Replies, index))
			return
		case !errors.Is(err, errNotProposed):
			hold, giveUp = holdSent, server.ErrUnknown
		}
		if ctx.Err() == nil && time.Since(began) >= hold && giveUp == server.ErrUnknown && p.leaderWorks(ctx) {
			began = time.Now() // the entry is long, or many are ahead of it
			continue
		}
		if ctx.Err() != nil || time.Since(began) >= hold {
			finish(writes, written{err: giveUp})
			return
		}
	}
}

// leaderWorks reports whether there is a leader that gets on: an answer will come.
func (p *proposer) leaderWorks(ctx context.Context) bool {
	to, _ := p.leaders.get()
	return p.works != nil && to != (leader{}) && p.works(ctx, to)
}

// try sends the batch once, to the leader that there is before the deadline.
// It does not wait for the answer of one that leads no more.
func (p *proposer) try(ctx context.Context, b *fsm.Batch, deadline time.Time) (uint64, fsm.Result, error) {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	if now, _ := p.leaders.get(); now == (leader{}) {
		p.stalled.Store(true)
	}
	to, reign, err := p.leaders.await(ctx)
	if err != nil {
		return 0, fsm.Result{}, errNotProposed
	}
	defer context.AfterFunc(reign, cancel)()
	index, result, err := p.send(ctx, to, b)
	if err != nil {
		select { // it may have stepped down a moment ago, or be about to: look again soon
		case <-time.After(retryPause):
		case <-ctx.Done():
		}
	}
	return index, result, err
}

// answer gives each write its part of the batch's replies, and returns those that
// have no reply, or not to all of their commands: the entry had no room for them.
func answer(writes []*write, replies []resp.Value, index uint64) (left []*write) {
	for _, w := range writes {
		n := min(w.group.Len(), len(replies))
		mine := replies[:n:n]
		if len(w.got) > 0 {
			mine = append(w.got, mine...)
		}
		if n < w.group.Len() {
			w.got, w.group = mine, w.group.From(n)
			left = append(left, w)
		} else {
			w.done <- written{replies: mine, index: index}
		}
		replies = replies[n:]
	}
	return left
}

// again puts writes that an entry had no room for ahead of all others.
func (p *proposer) again(writes []*write) {
	if len(writes) == 0 {
		return
	}
	for _, w := range writes {
		w.size, w.brings = w.group.Size(), nil
		if len(w.got) == 0 {
			w.taken.Store(false) // its session may give it up
		}
	}
	p.mu.Lock()
	p.queue = append(writes, p.queue...)
	p.mu.Unlock()
	signal(p.wake)
}

// finish ends writes without replies. What is done in part is not to be refused as
// if nothing were.
func finish(writes []*write, r written) {
	for _, w := range writes {
		if len(w.got) > 0 {
			w.done <- written{err: server.ErrUnknown}
			continue
		}
		w.done <- r
	}
}
