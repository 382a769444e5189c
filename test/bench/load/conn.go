package load

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// A Conn is a connection to a server that speaks the Redis protocol, version 2.
// One goroutine may use it at a time.
type Conn struct {
	net.Conn
	r *bufio.Reader
	w *bufio.Writer
}

// An Error is one that the server answered.
type Error string

func (e Error) Error() string { return string(e) }

// Dial connects to addr. When ctx ends the connection breaks.
func Dial(ctx context.Context, addr string) (*Conn, error) {
	d := net.Dialer{Timeout: 5 * time.Second}
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { c.Close() })
	return newConn(c), nil
}

func newConn(c net.Conn) *Conn {
	return &Conn{Conn: c, r: bufio.NewReaderSize(c, 16<<10), w: bufio.NewWriterSize(c, 16<<10)}
}

// Do sends a command and returns its reply.
func (c *Conn) Do(args ...string) (any, error) {
	c.Send(args...)
	if err := c.Flush(); err != nil {
		return nil, err
	}
	return c.Receive()
}

// Send puts a command into the buffer.
func (c *Conn) Send(args ...string) {
	c.head('*', len(args))
	for _, a := range args {
		c.head('$', len(a))
		c.w.WriteString(a)
		c.w.WriteString("\r\n")
	}
}

func (c *Conn) head(kind byte, n int) {
	c.w.WriteByte(kind)
	c.w.Write(strconv.AppendInt(c.w.AvailableBuffer(), int64(n), 10))
	c.w.WriteString("\r\n")
}

// Flush sends what is in the buffer, and returns the first error of writing.
func (c *Conn) Flush() error { return c.w.Flush() }

// Receive returns the next reply: a string, an int64, a []any or nil. A reply
// that is an error comes as an Error.
func (c *Conn) Receive() (any, error) {
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	if len(line) < 3 {
		return nil, fmt.Errorf("a reply that cannot be read: %q", line)
	}
	kind, text := line[0], string(line[1:len(line)-2])
	switch kind {
	case '+':
		return text, nil
	case '-':
		return nil, Error(text)
	}
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil:
		return nil, err
	case kind == ':':
		return n, nil
	case n < 0:
		return nil, nil
	case kind == '$':
		b := make([]byte, n+2)
		if _, err := io.ReadFull(c.r, b); err != nil {
			return nil, err
		}
		return string(b[:n]), nil
	case kind == '*':
		return c.array(n)
	}
	return nil, fmt.Errorf("a reply that cannot be read: %q", kind)
}

func (c *Conn) array(n int64) (any, error) {
	values := make([]any, n)
	for i := range values {
		var err error
		if values[i], err = c.Receive(); err != nil {
			return nil, err
		}
	}
	return values, nil
}
