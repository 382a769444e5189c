package server

import (
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/trivetdb/trivet/resp"
)

const (
	// keepReplies is how many bytes of replies wait for a client that does not read,
	// before the session carries out no more of its commands. What the client sends
	// then is read ahead, see ahead.
	keepReplies = 4 << 20
	// maxPiece is how many bytes are sent at once. A client must take as many within
	// the write timeout.
	maxPiece = 64 << 10
	// lendAt is from which size on a string is sent from where it lies, instead of
	// being copied for each client that gets it.
	lendAt = 16 << 10
)

// An outbox collects what is to be sent to a client: replies, in the order of
// the requests, and messages of channels between them. What the connection does
// not take at once is sent by a goroutine that lasts as long as there is some.
type outbox struct {
	conn    net.Conn
	try     func([][]byte) (int, error) // sends what the kernel takes at once; nil where that cannot be told
	timeout time.Duration               // how long a client may take nothing and send nothing
	sent    *atomic.Uint64              // counts bytes
	held    *footprint
	abort   func()         // ends the connection
	silent  *atomic.Uint64 // counts clients that were given up for the timeout

	mu        sync.Mutex // guards what follows
	buf       []byte     // not handed over yet
	queue     [][]byte   // on their way, in order; not to be changed
	queued    int        // bytes in queue; the first buffer counts until all of it is sent
	at        int        // how many bytes of the first buffer were sent
	writing   bool       // somebody sends the queue
	failed    bool       // the client was given up
	listening bool       // the session reads ahead until there is room

	moved  chan struct{} // there is room again, or nothing left
	pushed chan struct{} // nil before the first subscription; something was pushed
}

// append adds a value, and returns how many bytes wait.
func (o *outbox) append(v resp.Value, d resp.Dialect) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.add(v, d)
}

// answer is append for a reply. While the session is at work, it does not look
// whether the client sends: that time is none in which the client is silent.
func (o *outbox) answer(v resp.Value, d resp.Dialect) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.writing {
		o.conn.SetWriteDeadline(time.Now().Add(o.timeout))
	}
	return o.add(v, d)
}

// add is append for a caller that holds the lock.
func (o *outbox) add(v resp.Value, d resp.Dialect) int {
	if o.failed {
		return 0
	}
	if o.buf == nil {
		o.buf = *buffers.Get().(*[]byte)
	}
	size, lent := v.Weight(lendAt)
	if size-lent >= flushAt {
		o.buf = slices.Grow(o.buf, size-lent)
	}
	if lent == 0 {
		o.buf = v.Append(o.buf, d)
	} else {
		o.buf = v.AppendParts(o.buf, d, lendAt, o.lend)
	}
	n := o.queued + len(o.buf)
	if n >= flushAt {
		o.weigh()
	}
	return n
}

// lend queues what was appended, and a string behind it. The caller holds the lock.
func (o *outbox) lend(before []byte, s string) []byte {
	o.push(before)
	o.push(unsafe.Slice(unsafe.StringData(s), len(s)))
	return *buffers.Get().(*[]byte)
}

// push queues a buffer. The caller holds the lock.
func (o *outbox) push(b []byte) {
	if len(b) == 0 {
		recycle(b)
		return
	}
	o.queue = append(o.queue, b)
	o.queued += len(b)
}

// waits reports whether something is there that was not handed over.
func (o *outbox) waits() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.buf) > 0
}

// len returns how many bytes wait to be sent.
func (o *outbox) len() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.queued + len(o.buf)
}

// flush sends all that is there, as far as the connection takes it; the rest
// follows by itself. The error means that the client was given up.
func (o *outbox) flush() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failed {
		return io.ErrClosedPipe
	}
	if b := o.buf; b != nil {
		o.buf = nil
		o.push(b)
	}
	if len(o.queue) == 0 || o.writing {
		return nil
	}
	o.writing = true
	o.sendNow()
	if o.failed {
		o.writing = false
		return io.ErrClosedPipe
	}
	if o.writing = len(o.queue) > 0; o.writing {
		go o.sendRest()
	}
	o.weigh()
	return nil
}

// sendNow sends what the kernel takes without waiting. The caller holds the lock,
// which is let go meanwhile.
func (o *outbox) sendNow() {
	for o.try != nil && len(o.queue) > 0 && !o.failed {
		some := o.queue[:min(len(o.queue), maxVector)]
		want := 0
		for _, b := range some {
			want += len(b)
		}
		o.mu.Unlock()
		n, err := o.try(some)
		o.mu.Lock()
		o.took(n)
		if err != nil {
			o.fail()
		}
		if n < want {
			return
		}
	}
}

// maxVector is how many buffers go to the kernel at once.
const maxVector = 16

// sendRest sends the queue until it is empty or the client is given up.
func (o *outbox) sendRest() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.queue) > 0 && !o.failed {
		b := o.queue[0][o.at:]
		o.mu.Unlock()
		o.conn.SetWriteDeadline(time.Now().Add(o.timeout))
		n, err := o.conn.Write(b[:min(len(b), maxPiece)])
		o.mu.Lock()
		o.took(n)
		if err != nil && !o.failed {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				o.silent.Add(1)
			}
			o.fail()
		}
		o.weigh()
		if o.queued <= keepReplies/2 {
			o.tell()
		}
	}
	o.writing = false
	o.conn.SetWriteDeadline(time.Time{})
	o.tell()
}

// took takes down that bytes of the queue were sent. The caller holds the lock.
func (o *outbox) took(n int) {
	o.sent.Add(uint64(n))
	for len(o.queue) > 0 { // else the client was given up meanwhile
		b := o.queue[0]
		left := len(b) - o.at
		if n < left {
			o.at += n
			return
		}
		n -= left
		o.at = 0
		o.queued -= len(b)
		o.queue[0] = nil
		o.queue = o.queue[1:]
		recycle(b)
	}
	o.queue = nil
}

// recycle keeps a buffer for others. One without room may be a string that was lent.
func recycle(b []byte) {
	if len(b) < cap(b) && cap(b) <= keepBuffer {
		b = b[:0]
		buffers.Put(&b)
	}
}

// weigh notes what the client makes the node hold. The caller holds the lock.
func (o *outbox) weigh() {
	o.held.set(heldReplies, o.queued+len(o.buf))
}

// tell wakes the session if it waits for room. The caller holds the lock.
func (o *outbox) tell() {
	if o.listening {
		o.listening = false
		o.conn.SetReadDeadline(time.Unix(1, 0))
	}
	select {
	case o.moved <- struct{}{}:
	default:
	}
}

// giveUp drops all that was not sent, and ends the connection.
func (o *outbox) giveUp() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.fail()
}

// fail is giveUp for a caller that holds the lock.
func (o *outbox) fail() {
	if o.failed {
		return
	}
	o.failed = true
	o.buf, o.queue, o.queued, o.at = nil, nil, 0, 0
	o.held.set(heldReplies, 0)
	o.abort()
	o.tell()
}

// drain waits until all is sent, or the client is given up.
func (o *outbox) drain() error {
	for {
		o.mu.Lock()
		writing, failed := o.writing, o.failed
		o.mu.Unlock()
		switch {
		case failed:
			return io.ErrClosedPipe
		case !writing:
			return nil
		}
		<-o.moved
	}
}

// room returns nil where a session may go on. Else the channel tells when to ask
// again. Listen says that the session will read from the connection meanwhile,
// which is ended by a deadline then.
func (o *outbox) room(most int, listen bool) (<-chan struct{}, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.failed:
		return nil, io.ErrClosedPipe
	case o.queued <= most:
		return nil, nil
	}
	if o.listening = listen; listen {
		o.conn.SetReadDeadline(time.Time{})
	}
	return o.moved, nil
}

// heard says that the session does not read ahead any more. A client that has sent
// something is at work, though it does not read yet, and is given more time.
func (o *outbox) heard(something bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.listening = false
	if something && o.writing {
		o.conn.SetWriteDeadline(time.Now().Add(o.timeout))
	}
}

// relay sends what is pushed while the session waits for its client, until
// stop is closed.
func (o *outbox) relay(stop <-chan struct{}) {
	for {
		select {
		case <-o.pushed:
			if o.flush() != nil {
				o.conn.Close()
				return
			}
		case <-stop:
			return
		}
	}
}

// reply takes down a reply, and sends what is there when that is much.
func (s *session) reply(v resp.Value) error {
	if v.IsError() {
		s.srv.counts.failed(v.Str)
	}
	n, err := s.note(v)
	s.leaveReads() // before the session waits for anything
	switch {
	case err != nil:
		return err
	case n >= flushAt:
		return s.flush()
	}
	return nil
}

// note puts a reply into the outbox, and returns how many bytes wait there.
func (s *session) note(v resp.Value) (int, error) {
	if s.hushed(v) {
		return 0, nil
	}
	if size, _ := v.Weight(lendAt); size >= flushAt && !s.reserve(size) {
		return 0, io.ErrClosedPipe
	}
	return s.out.answer(v, s.who.dialect), nil
}

// reserve counts a large reply before it is made, and reports whether the client
// may have it.
func (s *session) reserve(size int) bool {
	n := s.out.len() + size
	most := s.srv.limits.replies.Load()
	if s.subs.any() || s.watches {
		most = s.srv.limits.messages.Load()
	}
	if most > 0 && int64(n) > most {
		s.end(endedByReplies)
		return false
	}
	s.srv.garbage.made.Add(int64(size))
	s.held.set(heldReplies, n)
	s.srv.shed()
	return !s.held.ended.Load()
}

// flush sends all replies. Where many of them wait for the client, the session
// waits, too, and reads ahead what the client sends meanwhile.
func (s *session) flush() error {
	err := s.out.flush()
	if err == nil {
		err = s.awaitRoom()
	}
	if err != nil {
		s.limp = false
	}
	return err
}
