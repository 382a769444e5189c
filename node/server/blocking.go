package server

import (
	"cmp"
	"errors"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/resp"
)

// maxAhead is how much of what a blocked client sends is read ahead. Past it the
// end of the connection is not noticed before the client is served.
const maxAhead = 64 << 10

// knownWait is how long a client waits at least for the leader to know of it,
// though its time be over: what was there for it when it came is its still.
const knownWait = 500 * time.Millisecond

// forEver is a timeout that nobody lives to see.
const forEver = 100 * 365 * 24 * time.Hour

// The rows of package fsm that blocking needs.
var (
	txWoken = fsm.Lookup("TX|WOKEN")
	txLast  = fsm.Lookup("TX|LAST")
)

// blocked is what a session has to do with while its client waits.
type blocked struct {
	s     *session
	row   *row
	args  [][]byte // copies
	typed []bool
	since time.Time
	until time.Time // zero for ever
	firm  bool      // out of CLIENT UNBLOCK's reach
	wake  chan struct{}

	mu      sync.Mutex // guards what follows
	reading bool       // the session waits for the connection, up to a deadline
	next    event
}

// An event is what a blocked session has to look at.
type event uint8

const (
	nothing event = iota
	turn          // the client should try
	firstTurn
	timedOut    // by itself or by CLIENT UNBLOCK
	interrupted // by CLIENT UNBLOCK ERROR
)

// block carries out a blocking command. The time that it returns is when the
// command would have begun, had the client not waited.
func (s *session) block(r *row, args [][]byte, typed []bool) (v resp.Value, began time.Time, err error) {
	s.show(r, args)
	began = time.Now()
	w, fail := fsm.WaitOf(r.command, args)
	if fail.IsError() {
		return fail, began, nil
	}
	b := &blocked{s: s, row: r, typed: slices.Clone(typed), since: began, wake: make(chan struct{}, 1)}
	b.args = s.keep(args)
	b.resolve()
	// The keys are parts of the arguments, which the next read overwrites.
	w, _ = fsm.WaitOf(r.command, b.args)
	if w.Timeout > 0 && w.Timeout < forEver.Milliseconds() {
		b.until = began.Add(time.Duration(w.Timeout) * time.Millisecond)
	}
	if s.srv.opts.Backend.Ready(s.who.db, w) {
		if v, err := b.try(false); err != nil || !nullOf(v) {
			return v, began, err
		}
	}
	s.blocked.Store(b)
	s.srv.counts.blocked.Add(1)
	defer func() {
		s.srv.counts.blocked.Add(-1)
		s.blocked.Store(nil)
	}()
	return b.wait(w)
}

// resolve puts the last IDs in the place of each $, as they are in the order of
// all writes. Where nobody leads they are those that this node knows, which at
// worst brings the client more than it asked for.
func (b *blocked) resolve() {
	keys, ids := fsm.LastIDs(b.args)
	for i := range ids {
		req := fsm.Request{Command: txLast, Args: [][]byte{nil, b.args[keys[i]]}, DB: b.s.who.db}
		v, err := b.s.srv.opts.Backend.Read(b.s.ctx, req, b.s.seen, true)
		if err != nil {
			v, err = b.s.srv.opts.Backend.Read(b.s.ctx, req, b.s.seen, false)
		}
		if err == nil {
			b.args[ids[i]] = []byte(v.Str)
		}
	}
}

// nullOf reports whether v is the answer of a blocking command that found
// nothing.
func nullOf(v resp.Value) bool { return v.Kind == resp.Null || v.Kind == resp.NullArray }

// wait lets the client wait until it is served, or gives up.
func (b *blocked) wait(w fsm.Wait) (v resp.Value, began time.Time, err error) {
	if err := b.s.flush(); err != nil {
		return resp.Nil, time.Now(), err
	}
	place := b.s.srv.opts.Backend.Queue(b.s.who.db, w, b.turn)
	defer place.Leave()
	for {
		next, err := b.await()
		if err == nil && next == timedOut {
			next = b.last(place)
		}
		began = time.Now()
		switch {
		case err != nil:
			return resp.Nil, began, err
		case next == timedOut:
			return resp.Value{Kind: resp.NullArray}, began, nil
		case next == interrupted:
			return errUnblocked, began, nil
		}
		if v, err = b.try(next == turn); err != nil || !nullOf(v) {
			return v, began, err
		}
		place.Stay()
	}
}

// try has the command applied. Nothing is found, too, where there is no leader.
func (b *blocked) try(woken bool) (resp.Value, error) {
	s := b.s
	if fail := s.permit(b.row, b.args); fail.IsError() {
		return fail, nil
	}
	if b.row.Flags&fsm.Read != 0 {
		v, err := s.read(b.row, b.args)
		s.leaveReads() // it may have found nothing, and wait
		if errors.Is(err, ErrNoLeader) {
			return resp.Nil, nil
		}
		return v, err
	}
	group := groups.Get().(*fsm.Group)
	if woken {
		group.Add(txWoken, [][]byte{nil}, nil)
	}
	group.Add(b.row.command, b.args, b.typed)
	replies, index, err := s.srv.opts.Backend.Write(s.ctx, s.who.db, group)
	switch {
	case errors.Is(err, ErrNoLeader):
		return resp.Nil, nil
	case err != nil:
		return resp.Nil, errors.Join(ErrUnknown, err)
	}
	if group.Size() <= keepBuffer {
		group.Reset()
		groups.Put(group)
	}
	s.seen = max(s.seen, index)
	return replies[len(replies)-1], nil
}

// await returns what comes first. Meanwhile it reads from the connection, to
// notice when the client goes; what it sends stays for later. The error ends
// the session.
func (b *blocked) await() (event, error) {
	for {
		next, read, err := b.look()
		if err != nil || next != nothing {
			return next, err
		}
		if !read {
			b.rest()
			continue
		}
		err = b.s.reader.Await()
		b.mu.Lock()
		b.reading = false
		b.mu.Unlock()
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return nothing, err
		}
	}
}

// last returns the turn of a client whose time was over before the leader knew
// of it, if there is one.
func (b *blocked) last(place Place) event {
	timeout := time.After(time.Until(b.since.Add(knownWait)))
	for over := false; ; {
		b.mu.Lock()
		next := b.next
		b.next = nothing
		b.mu.Unlock()
		if over || next != nothing {
			return cmp.Or(next, timedOut)
		}
		select {
		case <-b.wake:
		case <-place.Known():
			over = true
		case <-timeout:
			over = true
		case <-b.s.ctx.Done():
			over = true
		}
	}
}

// look takes the event that is there. Where there is none, it sets the
// connection's deadline and says whether to read.
func (b *blocked) look() (next event, read bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	late := !b.until.IsZero() && !time.Now().Before(b.until)
	read = b.next == nothing && !late && b.s.reader.Buffered() < maxAhead
	deadline := time.Time{}
	if read {
		deadline = b.until
	}
	b.s.conn.SetReadDeadline(deadline)
	// A server that stops ends all reads by a deadline, which was perhaps just
	// taken away.
	if b.s.srv.conns.stopping.Load() {
		b.s.conn.SetReadDeadline(time.Unix(1, 0))
		return nothing, false, net.ErrClosed
	}
	b.reading = read
	next, b.next = b.next, nothing
	if next == nothing && late {
		next = timedOut
	}
	return next, read, nil
}

// rest waits without reading.
func (b *blocked) rest() {
	var timeout <-chan time.Time
	if !b.until.IsZero() {
		timer := time.NewTimer(time.Until(b.until))
		defer timer.Stop()
		timeout = timer.C
	}
	select {
	case <-b.wake:
	case <-timeout:
	case <-b.s.ctx.Done():
		b.notify(timedOut)
	}
}

// turn tells the session that it should try.
func (b *blocked) turn(first bool) {
	if first {
		b.notify(firstTurn)
	} else {
		b.notify(turn)
	}
}

// notify wakes the session. A client that was unblocked stays so.
func (b *blocked) notify(e event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next = max(b.next, e)
	if b.reading {
		b.s.conn.SetReadDeadline(time.Unix(1, 0))
	}
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

func clientUnblock(s *session, args [][]byte) resp.Value {
	e := timedOut
	switch {
	case len(args) > 4:
		return errSubcommandSyntax(args)
	case len(args) == 4 && is(args[3], "ERROR"):
		e = interrupted
	case len(args) == 4 && !is(args[3], "TIMEOUT"):
		return errUnblockReason
	}
	id, ok := parseInt(args[2])
	if !ok {
		return errNotInteger
	}
	if other := s.srv.conns.find(id); other != nil {
		if b := other.blocked.Load(); b != nil && !b.firm {
			b.notify(e)
			return resp.Int(1)
		}
	}
	return resp.Int(0)
}
