package transport

import (
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// pipeSize is how many bytes may be under way in one direction before the
// writer waits, as with a socket's buffers.
const pipeSize = 256 << 10

// A memoryConn is one end of a connection within a [Memory].
type memoryConn struct {
	memory        *Memory
	in, out       *pipe
	local, remote memoryAddr
}

func (c *memoryConn) Read(b []byte) (int, error)  { return c.in.read(b) }
func (c *memoryConn) Write(b []byte) (int, error) { return c.out.write(b) }
func (c *memoryConn) LocalAddr() net.Addr         { return c.local }
func (c *memoryConn) RemoteAddr() net.Addr        { return c.remote }

func (c *memoryConn) Close() error {
	c.in.closeReader()
	c.out.closeWriter()
	c.memory.mu.Lock()
	defer c.memory.mu.Unlock()
	delete(c.memory.conns, c)
	return nil
}

func (c *memoryConn) SetReadDeadline(t time.Time) error {
	c.in.set(func(p *pipe) { p.readBy = t })
	return nil
}

func (c *memoryConn) SetWriteDeadline(t time.Time) error {
	c.out.set(func(p *pipe) { p.writeBy = t })
	return nil
}

func (c *memoryConn) SetDeadline(t time.Time) error {
	c.SetReadDeadline(t)
	return c.SetWriteDeadline(t)
}

// A pipe is one direction of a connection. While it is cut, neither bytes nor
// the news of the other end's close pass.
type pipe struct {
	delay *atomic.Int64 // the Memory's

	mu           sync.Mutex
	changed      *sync.Cond
	chunks       []chunk
	size         int       // bytes in chunks
	last         time.Time // when the newest chunk, or the end, is due
	cut          bool
	readerClosed bool
	writerClosed bool
	readBy       time.Time // deadlines; zero for none
	writeBy      time.Time
}

type chunk struct {
	due  time.Time
	data []byte
}

func newPipe(delay *atomic.Int64) *pipe {
	p := &pipe{delay: delay}
	p.changed = sync.NewCond(&p.mu)
	return p
}

func (p *pipe) set(change func(*pipe)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(p)
	p.changed.Broadcast()
}

func (p *pipe) setCut(cut bool) { p.set(func(p *pipe) { p.cut = cut }) }

func (p *pipe) closeReader() {
	p.set(func(p *pipe) {
		p.readerClosed = true
		p.chunks, p.size = nil, 0
	})
}

func (p *pipe) closeWriter() {
	p.set(func(p *pipe) {
		if !p.writerClosed {
			p.writerClosed = true
			p.last = p.nextDue()
		}
	})
}

// nextDue keeps order even when the delay has just become shorter.
func (p *pipe) nextDue() time.Time {
	due := time.Now().Add(time.Duration(p.delay.Load()))
	if due.Before(p.last) {
		return p.last
	}
	return due
}

func (p *pipe) read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		now := time.Now()
		until := p.readBy
		switch {
		case p.readerClosed:
			return 0, net.ErrClosed
		case passed(p.readBy, now):
			return 0, os.ErrDeadlineExceeded
		case len(b) == 0:
			return 0, nil
		case p.cut:
		case len(p.chunks) > 0 && !p.chunks[0].due.After(now):
			return p.take(b, now), nil
		case len(p.chunks) > 0:
			until = earlier(until, p.chunks[0].due)
		case p.writerClosed && !p.last.After(now):
			return 0, io.EOF
		case p.writerClosed:
			until = earlier(until, p.last)
		}
		p.wait(until)
	}
}

// take moves what is due into b.
func (p *pipe) take(b []byte, now time.Time) int {
	n := 0
	for n < len(b) && len(p.chunks) > 0 && !p.chunks[0].due.After(now) {
		first := &p.chunks[0]
		k := copy(b[n:], first.data)
		n += k
		first.data = first.data[k:]
		if len(first.data) == 0 {
			p.chunks = p.chunks[1:]
		}
	}
	p.size -= n
	p.changed.Broadcast()
	return n
}

func (p *pipe) write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for {
		switch {
		case p.writerClosed:
			return n, net.ErrClosed
		case passed(p.writeBy, time.Now()):
			return n, os.ErrDeadlineExceeded
		case p.readerClosed && !p.cut:
			return n, syscall.EPIPE
		case n == len(b):
			return n, nil
		}
		if room := min(len(b)-n, pipeSize-p.size); room > 0 && !p.readerClosed {
			p.last = p.nextDue()
			p.chunks = append(p.chunks, chunk{p.last, append([]byte(nil), b[n:n+room]...)})
			p.size += room
			n += room
			p.changed.Broadcast()
		}
		if n < len(b) {
			p.wait(p.writeBy)
		}
	}
}

// wait returns when something changed, or at the given time unless it is zero.
func (p *pipe) wait(until time.Time) {
	if !until.IsZero() {
		t := time.AfterFunc(time.Until(until), func() { p.set(func(*pipe) {}) })
		defer t.Stop()
	}
	p.changed.Wait()
}

func passed(deadline, now time.Time) bool { return !deadline.IsZero() && !deadline.After(now) }

// earlier takes a zero time for never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}
