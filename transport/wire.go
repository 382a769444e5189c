package transport

import (
	"bufio"
	"crypto/tls"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// bufferSize is that of each direction's buffer: one system call moves many
// small frames.
const bufferSize = 64 << 10

// A parcel is a frame on its way out. Exactly one of begin and withdraw
// succeeds, so it is certain whether a byte of it may have left.
type parcel struct {
	frame
	settled atomic.Bool
}

// begin claims the parcel for writing.
func (p *parcel) begin() bool { return p.settled.CompareAndSwap(false, true) }

// withdraw takes the parcel back before its writing began.
func (p *parcel) withdraw() bool {
	if !p.settled.CompareAndSwap(false, true) {
		return false
	}
	p.body = nil // the writer will not look at it any more
	return true
}

// A wire carries frames over one connection, for either side of it. Any number
// of goroutines may send; one runs write, one runs read.
type wire struct {
	conn net.Conn
	opts *Options
	wake chan struct{} // holds one token while the queue may be non-empty
	done chan struct{} // closed by close

	mu     sync.Mutex
	queue  []*parcel
	closed bool
}

func newWire(conn net.Conn, opts *Options) *wire {
	return &wire{conn: conn, opts: opts, wake: make(chan struct{}, 1), done: make(chan struct{})}
}

// send queues p. It reports false, and p will not be written, if the wire is
// closed.
func (w *wire) send(p *parcel) bool {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return false
	}
	w.queue = append(w.queue, p)
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
	return true
}

func (w *wire) isClosed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.closed
}

// swap takes all that is queued and leaves the emptied slice for reuse.
func (w *wire) swap(empty []*parcel) []*parcel {
	w.mu.Lock()
	defer w.mu.Unlock()
	full := w.queue
	w.queue = empty[:0]
	return full
}

// write sends what is queued, and pings, until the wire closes. All that
// gathers while it writes goes out in one flush.
func (w *wire) write() {
	defer w.close()
	ticker := time.NewTicker(w.opts.PingEvery)
	defer ticker.Stop()
	out := bufio.NewWriterSize(w.conn, bufferSize)
	var spare []*parcel
	for {
		var err error
		select {
		case <-w.done:
			return
		case <-w.wake:
			// Let the others that are about to send do so: many callers at
			// once get a quarter of the cost, a single one loses nothing.
			runtime.Gosched()
			spare, err = w.drain(out, spare)
		case <-ticker.C:
			err = writeFrame(out, frame{kind: framePing})
		}
		if err == nil {
			err = out.Flush()
		}
		if err != nil {
			return
		}
	}
}

func (w *wire) drain(out *bufio.Writer, spare []*parcel) ([]*parcel, error) {
	for {
		batch := w.swap(spare)
		if len(batch) == 0 {
			return batch, nil
		}
		for _, p := range batch {
			if !p.begin() {
				continue
			}
			if err := writeFrame(out, p.frame); err != nil {
				return nil, err
			}
		}
		clear(batch) // let go of the bodies
		spare = batch
	}
}

// read hands each frame but pings to handle, until the connection breaks, the
// peer has been silent for too long, or handle reports false.
func (w *wire) read(handle func(frame) bool) error {
	defer w.close()
	in := bufio.NewReaderSize(patient{w.conn, w.opts.DeadAfter}, bufferSize)
	for {
		f, err := readFrame(in)
		if err != nil {
			return err
		}
		if f.kind != framePing && !handle(f) {
			return net.ErrClosed
		}
	}
}

// close may be called many times, by anyone.
func (w *wire) close() {
	w.mu.Lock()
	first := !w.closed
	w.closed = true
	w.mu.Unlock()
	if !first {
		return
	}
	close(w.done)
	hangUp(w.conn)
}

// hangUp closes a connection at once. A TLS session would first try to say
// goodbye, for up to five seconds, to a peer that may be dead.
func hangUp(conn net.Conn) {
	if session, ok := conn.(*tls.Conn); ok {
		conn = session.NetConn()
	}
	conn.Close()
}

// A patient reader waits so long for the next bytes, however large the frame
// that they belong to.
type patient struct {
	conn net.Conn
	wait time.Duration
}

func (p patient) Read(b []byte) (int, error) {
	if err := p.conn.SetReadDeadline(time.Now().Add(p.wait)); err != nil {
		return 0, err
	}
	return p.conn.Read(b)
}
