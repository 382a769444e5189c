package node

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/node/server"
)

const (
	// claimCheck is how often the leader is asked whether it knows of the
	// same clients. It mends what got lost.
	claimCheck = 500 * time.Millisecond
	// noteTimeout is how long the leader may take to answer a note.
	noteTimeout = 2 * time.Second
	maxWords    = 1000 // in a note
	maxNote     = 256 << 10
	// maxWaitKeys bounds the bytes of the keys of one command. A client that
	// names more is never called.
	maxWaitKeys = 8 << 20
)

// blocking are the blocked clients of this node. One goroutine tells the leader
// of them, in order, many at a time; see waiters. When another leads, it is told
// of all of them, and of how long each has waited.
type blocking struct {
	origin  fsm.Origin
	addr    string // of this node, for others
	leaders *leaders
	send    func(ctx context.Context, to leader, n *claimNote) (claimAnswer, error)
	wake    chan struct{}

	mu     sync.Mutex // guards what follows
	lastID uint64
	here   map[uint64]*standing
	words  []told // not said yet, in order

	stream uint64
	number uint64 // of the next note
	count  uint64 // what the leader must have come to, after what was said
	sum    uint64
}

// A standing is a client's place. It implements server.Place.
type standing struct {
	b     *blocking
	id    uint64
	since time.Time
	db    int
	wait  fsm.Wait
	call  func(first bool)
	known chan struct{} // closed when the leader has heard of it

	// guarded by b
	said  bool   // the claim was made in this stream
	heard int64  // when a leader heard of it, by its clock; 0 for not yet
	held  uint64 // the number of the turn it had last
	key   int    // what that is for; -1 once it has tried
}

// told is a word for the leader. A ghost's client is not known here.
type told struct {
	kind  byte
	of    *standing
	turn  uint64
	ghost uint64 // its number
}

func newBlocking(origin fsm.Origin, addr string, l *leaders, send func(context.Context, leader, *claimNote) (claimAnswer, error)) *blocking {
	return &blocking{
		origin: origin, addr: addr, leaders: l, send: send,
		wake: make(chan struct{}, 1), here: map[uint64]*standing{},
	}
}

// enter lets a client wait; see server.Backend.
func (b *blocking) enter(db int, w fsm.Wait, call func(first bool)) server.Place {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lastID++
	s := &standing{b: b, id: b.lastID, since: time.Now(), db: db, wait: w, call: call, known: make(chan struct{}), key: -1}
	size := 0
	for _, key := range w.Keys {
		size += len(key)
	}
	if size <= maxWaitKeys {
		b.here[s.id] = s
		b.say(told{kind: claimMade, of: s})
	}
	return s
}

func (b *blocking) say(t told) {
	b.words = append(b.words, t)
	signal(b.wake)
}

// Known implements server.Place.
func (s *standing) Known() <-chan struct{} { return s.known }

// Stay implements server.Place.
func (s *standing) Stay() {
	s.b.mu.Lock()
	defer s.b.mu.Unlock()
	s.key = -1
	if s.said {
		s.b.say(told{kind: claimStays, of: s, turn: s.held})
	}
}

// Leave implements server.Place.
func (s *standing) Leave() {
	s.b.mu.Lock()
	defer s.b.mu.Unlock()
	delete(s.b.here, s.id)
	if s.said {
		s.b.say(told{kind: claimLeaves, of: s})
	}
}

// hear takes turns in.
func (b *blocking) hear(n turnNote) {
	for _, t := range n.turns {
		if s := b.turn(&n, t); s != nil {
			s.call(t.first)
		}
	}
}

// turn notes a turn and returns whom to call, if anyone.
func (b *blocking) turn(n *turnNote, t turn) *standing {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n.origin != b.origin || n.stream != b.stream {
		return nil
	}
	s := b.here[t.id]
	if s == nil {
		b.say(told{kind: claimLeaves, ghost: t.id})
		return nil
	}
	s.held, s.key = t.number, t.key
	return s
}

// run tells the leader what there is to tell, until stop is closed.
func (b *blocking) run(stop <-chan struct{}) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		<-stop
		cancel()
	}()
	check := time.NewTicker(claimCheck)
	defer check.Stop()
	var under context.Context // the reign that the stream is for
	for ctx.Err() == nil {
		due := false
		select {
		case <-b.wake:
		case <-check.C:
			due = true
		case <-ctx.Done():
			return
		}
		for b.pending(due) {
			to, reign, err := b.leaders.await(ctx)
			if err != nil {
				return
			}
			if reign != under {
				b.restart()
				under = reign
			}
			b.tell(ctx, reign, to)
			due = false
		}
	}
}

// pending reports whether there is something to tell the leader, or a check due.
// Where nobody waits and nobody leads, there is not.
func (b *blocking) pending(check bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now, _ := b.leaders.get(); now == (leader{}) && len(b.here) == 0 {
		b.words = nil
		return false
	}
	return len(b.words) > 0 || check && b.count > 0
}

// restart begins a new stream, which makes all claims again, oldest first.
func (b *blocking) restart() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stream++
	b.number, b.count, b.sum = 0, 0, 0
	b.words = make([]told, 0, len(b.here))
	for _, s := range b.here {
		s.said = false
		b.words = append(b.words, told{kind: claimMade, of: s})
	}
	slices.SortFunc(b.words, func(x, y told) int { return cmp.Compare(x.of.id, y.of.id) })
}

// tell sends one note.
func (b *blocking) tell(ctx, reign context.Context, to leader) {
	n := b.compose()
	ctx, cancel := context.WithTimeout(ctx, noteTimeout)
	defer cancel()
	defer context.AfterFunc(reign, cancel)()
	answer, err := b.send(ctx, to, n)
	if err == nil && answer.verdict == noteTaken {
		b.hear(turnNote{n.origin, n.stream, answer.turns})
		b.known(n, &answer)
		return
	}
	b.restart()
	if answer.verdict != noteAgain {
		pause(ctx, retryPause)
	}
}

// compose takes the words of the next note.
func (b *blocking) compose() *claimNote {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := &claimNote{origin: b.origin, addr: b.addr, stream: b.stream, number: b.number}
	b.number++
	taken, size := 0, 0
	for taken < len(b.words) && len(n.words) < maxWords && size < maxNote {
		w := b.words[taken]
		taken++
		if word, ok := b.word(w); ok {
			n.words = append(n.words, word)
			for _, key := range word.wait.Keys {
				size += len(key)
			}
		}
	}
	if b.words = b.words[taken:]; len(b.words) == 0 {
		b.words = nil
	}
	n.count, n.sum = b.count, b.sum
	return n
}

// known notes that the leader has heard of claims.
func (b *blocking) known(n *claimNote, a *claimAnswer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, w := range n.words {
		if s := b.here[w.id]; s != nil && w.kind == claimMade && s.heard == 0 {
			s.heard = a.at - w.age.Microseconds()
			if !slices.Contains(a.after, w.id) {
				close(s.known)
			}
		}
	}
}

// word returns what is to be said by now, if anything.
func (b *blocking) word(w told) (word claimWord, ok bool) {
	s := w.of
	switch {
	case s == nil:
		return claimWord{kind: w.kind, id: w.ghost}, true
	case w.kind != claimMade:
		if w.kind == claimLeaves {
			b.count--
			b.sum ^= s.id
		}
		return claimWord{kind: w.kind, id: s.id, turn: w.turn}, true
	case b.here[s.id] == nil: // it has left again
		return word, false
	}
	s.said = true
	b.count++
	b.sum ^= s.id
	return claimWord{
		kind: claimMade, id: s.id, turn: s.held, since: s.heard, age: time.Since(s.since),
		key: s.key, db: s.db, wait: s.wait,
	}, true
}
