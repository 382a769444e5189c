package resp

import (
	"errors"
	"io"
)

const (
	minBuffer = 4 << 10  // what an idle connection costs
	maxAhead  = 64 << 10 // what is read ahead of a need
)

var errMixed = errors.New("resp: a request that one method began was left to the other")

// A Reader reads requests from a stream.
//
// It reads from its source only when no whole request is left in its buffer. A
// source may thus flush the replies to what was read so far before it waits.
//
// An error of the source leaves the request as far as it is: after a deadline
// the same method may be called again. A [ProtocolError] is final. At the end of
// the stream the error is io.EOF between requests, io.ErrUnexpectedEOF in one.
//
// A Reader is for one goroutine.
type Reader struct {
	src io.Reader
	lim Limits

	buf        []byte // buf[start:end] has arrived and is not consumed
	start, end int
	burst      int   // bytes that arrived since the buffer was last empty
	ahead      bool  // the last read filled the buffer: more is likely to wait
	late       error // came with the last bytes from src; due after them
	broken     error // a ProtocolError

	cmd  command
	args [][]byte // what ReadCommand returned last
	val  parser
}

// NewReader returns a Reader of requests from src within lim.
func NewReader(src io.Reader, lim Limits) *Reader {
	lim = lim.orDefault()
	return &Reader{src: src, lim: lim, cmd: newCommand(), val: newParser(lim)}
}

// SetLimits changes what is accepted from the next request on.
func (r *Reader) SetLimits(lim Limits) {
	r.lim = lim.orDefault()
	r.val.lim = r.lim
}

// ReadCommand reads one request, an array of bulk strings or an inline command,
// and returns its arguments, at least one. Like Redis it passes over empty ones.
// The arguments lie in the reader's buffer: they are valid until the next call
// of a method of r. The caller may change their bytes, and append to them.
func (r *Reader) ReadCommand() ([][]byte, error) {
	if r.broken != nil {
		return nil, r.broken
	}
	if r.val.begun() {
		return nil, errMixed
	}
	for {
		b := r.buf[r.start:r.end]
		whole, err := r.cmd.parse(b, &r.lim)
		switch {
		case err != nil:
			r.broken = err
			return nil, err
		case whole:
			r.start += r.cmd.pos
			args := r.args[:0]
			for _, s := range r.cmd.args {
				args = append(args, b[s.from:s.to:s.to])
			}
			r.args = args
			r.cmd.reset()
			if len(args) > 0 {
				return args, nil
			}
		default:
			if err := r.fill(r.cmd.want(), r.start == r.end); err != nil {
				return nil, err
			}
		}
	}
}

// ReadValue reads one value of any dialect. Its first byte, if wrong, is refused
// at once. The value holds no part of the reader's buffer.
//
// A big number (RESP3's "(") is returned as a Bulk string of its digits.
func (r *Reader) ReadValue() (Value, error) {
	if r.broken != nil {
		return Value{}, r.broken
	}
	if r.cmd.begun() {
		return Value{}, errMixed
	}
	for {
		v, n, whole, err := r.val.parse(r.buf[r.start:r.end])
		r.start += n
		switch {
		case err != nil:
			r.broken = err
			return Value{}, err
		case whole:
			return v, nil
		}
		if err := r.fill(r.val.want(), r.start == r.end && !r.val.begun()); err != nil {
			return Value{}, err
		}
	}
}

// Await reads more from the source without parsing it: a caller that does not
// want the next request yet learns that the stream has ended. What was read
// stays for the next request.
func (r *Reader) Await() error { return r.fill(0, r.start == r.end) }

// Buffered returns the number of bytes that were read and not consumed.
func (r *Reader) Buffered() int { return r.end - r.start }

// fill reads more from the source, at least a byte. want is how many bytes the
// parser asks for, 0 if it cannot tell; idle says that no request is begun.
func (r *Reader) fill(want int, idle bool) error {
	r.makeRoom(want, idle)
	for range 100 {
		if err := r.late; err != nil {
			r.late = nil
			if err == io.EOF && !idle {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		n, err := r.src.Read(r.buf[r.end:])
		r.end += n
		r.burst += n
		r.ahead = r.end == len(r.buf)
		r.late = err
		if n > 0 {
			return nil
		}
	}
	return io.ErrNoProgress
}

// makeRoom sees to it that the buffer has space behind what has arrived.
func (r *Reader) makeRoom(want int, idle bool) {
	have := r.end - r.start
	if r.start > 0 { // once a request: from then on it starts at 0
		copy(r.buf, r.buf[r.start:r.end])
		r.start, r.end = 0, have
	}
	if idle {
		// The next read may last for hours. A buffer larger than the last
		// requests had use for is given back; one in steady use is kept.
		if len(r.buf) > maxAhead || len(r.buf) > minBuffer && r.burst <= minBuffer {
			r.replace(nil)
			r.ahead = false
		}
		if cap(r.args) > 1024 {
			r.args, r.cmd.args = nil, nil
		}
		r.burst = 0
	}
	size := len(r.buf)
	switch {
	case size == 0:
		size = minBuffer
	case have == size:
		// Twice what has arrived, never what a header claims; less where the
		// need is known to be less. Not much less, or a request of many
		// arguments would be copied for each of them.
		size *= 2
		if want < size && want > have+have/4 {
			size = want
		}
	case r.ahead && size < maxAhead:
		size *= 2
	default:
		return
	}
	buf := make([]byte, size)
	copy(buf, r.buf[:have])
	r.replace(buf)
}

// replace puts buf in the place of the buffer, and lets the old one go.
func (r *Reader) replace(buf []byte) {
	r.buf = buf
	clear(r.args[:cap(r.args)]) // they would keep the old buffer in memory
}
