package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
)

// The two ways in which a call can end without an answer. Errors of
// [Link.Call] wrap one of them, or are a [*RemoteError].
var (
	// ErrNotSent says that no byte of the request was written: the peer
	// cannot have seen it.
	ErrNotSent = errors.New("request not sent")
	// ErrUnknown says that the request was written, perhaps only in part, and
	// no answer came: the peer may or may not have acted on it.
	ErrUnknown = errors.New("outcome of request unknown")
)

// A RemoteError is the error with which the peer's handler answered.
type RemoteError struct{ Text string }

func (e *RemoteError) Error() string { return e.Text }

// errBroken says that a connection broke before a call could join it.
var errBroken = errors.New("connection broken")

// A Link calls one peer. Get it from [Mux.Link]. It dials at the first call
// and again at the first call after a break, without any pause in between:
// how often to try is the caller's decision. All methods may be called
// concurrently.
type Link struct {
	mux  *Mux
	addr string

	mu      sync.Mutex
	current *attempt // the newest, nil before the first
}

// An attempt is a connection in the making, shared by all calls that wait for
// it, and later the connection itself.
type attempt struct {
	done   chan struct{} // closed once client or err is set
	client *client
	err    error
}

// usable reports whether a call may wait for or use the attempt.
func (a *attempt) usable() bool {
	select {
	case <-a.done:
		return a.err == nil && !a.client.wire.isClosed()
	default:
		return true
	}
}

// Addr is the address that the link dials.
func (l *Link) Addr() string { return l.addr }

// Call sends req to the peer's [Handler] and waits for its reply, which then
// belongs to the caller. req must not be changed any more, not even after
// Call returned: when ctx ends early its bytes may still be on their way.
//
// Calls in flight together may be handled in any order.
func (l *Link) Call(ctx context.Context, req []byte) ([]byte, error) {
	if len(req) > MaxFrame {
		return nil, fmt.Errorf("%w: %d bytes exceed %d", ErrNotSent, len(req), MaxFrame)
	}
	// The second round is for a connection that broke between the look and
	// the call. A peer that breaks a fresh one too has no third chance.
	for range 2 {
		c, err := l.connect(ctx)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNotSent, err)
		}
		reply, err := c.call(ctx, req)
		if !errors.Is(err, errBroken) {
			return reply, err
		}
	}
	return nil, fmt.Errorf("%w: call %s: %w", ErrNotSent, l.addr, errBroken)
}

func (l *Link) connect(ctx context.Context) (*client, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	a := l.attempt()
	select {
	case <-a.done:
		return a.client, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// attempt returns the current connection, or starts to make a new one. The
// dial outlives the call that started it, for the sake of those that joined.
func (l *Link) attempt() *attempt {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.current != nil && l.current.usable() {
		return l.current
	}
	a := &attempt{done: make(chan struct{})}
	l.current = a
	started := l.mux.spawn(func() {
		a.client, a.err = l.dial()
		close(a.done)
	})
	if !started {
		a.err = net.ErrClosed
		close(a.done)
	}
	return a
}

func (l *Link) dial() (*client, error) {
	conn, err := l.mux.dial(l.mux.ctx, KindCall, l.addr, "")
	if err != nil {
		return nil, err
	}
	c := &client{wire: newWire(conn, &l.mux.opts), calls: make(map[uint64]*call)}
	stop := context.AfterFunc(l.mux.ctx, c.wire.close)
	run := func() {
		defer stop()
		c.run()
	}
	if !l.mux.spawn(c.wire.write) || !l.mux.spawn(run) {
		c.wire.close()
		return nil, net.ErrClosed
	}
	return c, nil
}

// A client is one connection of a link and the calls in flight on it.
type client struct {
	wire *wire

	mu    sync.Mutex
	last  uint64 // id of the newest call
	calls map[uint64]*call
}

type call struct {
	parcel
	done chan answer // holds one, so that nobody waits to deliver
}

type answer struct {
	body []byte
	err  error
}

// call returns errBroken if the wire closed before the request was queued.
func (c *client) call(ctx context.Context, req []byte) ([]byte, error) {
	k := &call{done: make(chan answer, 1)}
	c.mu.Lock()
	c.last++
	id := c.last
	k.frame = frame{kind: frameCall, id: id, body: req}
	c.calls[id] = k
	c.mu.Unlock()

	// In the table first: whoever closes the wire after send fails the call.
	if !c.wire.send(&k.parcel) {
		c.take(id)
		return nil, errBroken
	}
	select {
	case a := <-k.done:
		return a.body, a.err
	case <-ctx.Done():
	}
	if c.take(id) == nil {
		a := <-k.done // the answer was first
		return a.body, a.err
	}
	return nil, k.fail(ctx.Err())
}

// fail names the outcome of a call that gets no answer.
func (k *call) fail(cause error) error {
	if k.withdraw() {
		return fmt.Errorf("%w: %w", ErrNotSent, cause)
	}
	return fmt.Errorf("%w: %w", ErrUnknown, cause)
}

// take removes a call from the table. Whoever gets it decides its answer.
func (c *client) take(id uint64) *call {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.calls[id]
	delete(c.calls, id)
	return k
}

// run delivers answers until the connection breaks, then fails the rest.
func (c *client) run() {
	cause := c.wire.read(func(f frame) bool {
		k := c.take(f.id)
		if k == nil {
			return f.kind != frameCall // its caller has gone
		}
		switch f.kind {
		case frameReply:
			k.done <- answer{body: f.body}
		case frameFault:
			k.done <- answer{err: &RemoteError{Text: string(f.body)}}
		default:
			k.done <- answer{err: k.fail(errors.New("peer broke the protocol"))}
			return false
		}
		return true
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, k := range c.calls {
		delete(c.calls, id)
		k.done <- answer{err: k.fail(cause)}
	}
}
