package server

import (
	"errors"
	"os"
	"time"
)

const (
	// maxSentAhead is how many bytes of requests are read from a client that does
	// not take the replies to those before. A client may thus write a long pipeline
	// before it reads the first reply, and neither side waits for the other for ever.
	// Past it the node reads no more, and gives the client up once it has taken
	// nothing for the write timeout.
	maxSentAhead = 64 << 20
	aheadChunk   = 64 << 10
)

// ahead is what was read of a client's requests while replies waited for it. It
// lies below the reader, whose buffer still holds the command at hand.
type ahead struct {
	chunks [][]byte
	size   int
	err    error // the end of the connection, due after the bytes
}

// room returns where to put what is read next.
func (a *ahead) room() []byte {
	if n := len(a.chunks); n > 0 {
		if last := a.chunks[n-1]; len(last) < cap(last) {
			return last[len(last):cap(last)]
		}
	}
	a.chunks = append(a.chunks, make([]byte, 0, aheadChunk))
	return a.chunks[len(a.chunks)-1][:aheadChunk]
}

// grew says that n bytes were put into room.
func (a *ahead) grew(n int) {
	last := &a.chunks[len(a.chunks)-1]
	*last = (*last)[:len(*last)+n]
	a.size += n
}

// read takes out what was read first.
func (a *ahead) read(p []byte) (n int, err error) {
	if a.size == 0 {
		err, a.err = a.err, nil
		return 0, err
	}
	for n < len(p) && a.size > 0 {
		first := a.chunks[0]
		m := copy(p[n:], first)
		n, a.size = n+m, a.size-m
		if m < len(first) {
			a.chunks[0] = first[m:]
			break
		}
		a.chunks[0] = nil
		a.chunks = a.chunks[1:]
	}
	if a.size == 0 {
		a.chunks = nil
	}
	return n, nil
}

// holds reports whether there is something to be read.
func (a *ahead) holds() bool { return a.size > 0 || a.err != nil }

// awaitRoom returns once no more replies wait for the client than the session may
// leave behind. Meanwhile it reads ahead what the client sends. The error ends the
// session.
func (s *session) awaitRoom() error {
	if wake, err := s.out.room(keepReplies, false); wake == nil {
		return err
	}
	for {
		listen := s.ahead.size < maxSentAhead && s.ahead.err == nil && !s.srv.conns.stopping.Load()
		wake, err := s.out.room(keepReplies/2, listen)
		switch {
		case err != nil:
			return err
		case wake == nil:
			s.freeDeadline()
			return nil
		case listen:
			s.listen()
		default:
			<-wake // the outbox is sent or fails within the write timeout
		}
	}
}

// listen reads ahead once.
func (s *session) listen() {
	if s.srv.conns.stopping.Load() { // its deadline was perhaps just taken away
		s.out.heard(false)
		return
	}
	n, err := s.conn.Read(s.ahead.room())
	s.ahead.grew(n)
	s.out.heard(n > 0)
	if n > 0 {
		s.active.Store(time.Now().UnixMilli())
		s.srv.counts.in.Add(uint64(n))
		s.held.set(heldRequests, s.ahead.size+s.reader.Buffered())
	}
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		s.ahead.err = err
	}
}

// freeDeadline takes back the deadline that ended a read, but not that of a server
// that stops.
func (s *session) freeDeadline() {
	s.conn.SetReadDeadline(time.Time{})
	if s.srv.conns.stopping.Load() {
		s.conn.SetReadDeadline(time.Now().Add(quietTime))
	}
}
