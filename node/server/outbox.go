package server

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trivetdb/trivet/resp"
)

// An outbox collects what is to be sent to a client: replies, in the order of
// the requests, and messages of channels between them.
type outbox struct {
	conn    net.Conn
	timeout time.Duration
	sent    *atomic.Uint64 // counts bytes

	mu      sync.Mutex // guards buf
	buf     []byte
	sending sync.Mutex // held while a buffer is on its way, so that none overtakes it

	pushed chan struct{} // nil before the first subscription; something was pushed
}

// append adds to the buffer by f, and returns its length.
func (o *outbox) append(f func([]byte) []byte) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.buf == nil {
		o.buf = *buffers.Get().(*[]byte)
	}
	o.buf = f(o.buf)
	return len(o.buf)
}

// waits reports whether something is there to be sent.
func (o *outbox) waits() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.buf) > 0
}

// flush sends all that is there. The error means that the client is given up.
func (o *outbox) flush() error {
	o.sending.Lock()
	defer o.sending.Unlock()
	o.mu.Lock()
	b := o.buf
	o.buf = nil
	o.mu.Unlock()
	if b == nil {
		return nil
	}
	defer func() {
		if cap(b) <= keepBuffer {
			b = b[:0]
			buffers.Put(&b)
		}
	}()
	if len(b) == 0 {
		return nil
	}
	o.conn.SetWriteDeadline(time.Now().Add(o.timeout))
	n, err := o.conn.Write(b)
	o.sent.Add(uint64(n))
	if err != nil {
		return io.ErrClosedPipe
	}
	return nil
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
	if s.hushed(v) {
		return nil
	}
	n := s.out.append(func(b []byte) []byte { return v.Append(b, s.who.dialect) })
	if n >= flushAt {
		return s.flush()
	}
	return nil
}

// flush sends all replies. A client that does not take them in time is given up.
func (s *session) flush() error {
	if err := s.out.flush(); err != nil {
		s.limp = false
		return err
	}
	return nil
}
