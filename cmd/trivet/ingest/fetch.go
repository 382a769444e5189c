package ingest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/trivetdb/trivet/resp"
)

// A refusal is why a Redis does not send its data.
type refusal struct{ error }

func (r *refusal) Unwrap() error { return r.error }

// A replica is a connection on which Redis takes us for one.
type replica struct {
	net.Conn
	r *bufio.Reader
}

// Read gives up when nothing comes for sourceTime.
func (c *replica) Read(b []byte) (int, error) {
	c.SetReadDeadline(time.Now().Add(sourceTime))
	return c.Conn.Read(b)
}

// fetch keeps what Redis sends to a replica in a temporary file, and returns that
// at its beginning. Redis need not wait for our writing then, nor keep what its
// clients write meanwhile. The error is a *refusal where Redis did not begin.
func (o *Origin) fetch(ctx context.Context, p *Progress) (*os.File, error) {
	conn, err := o.dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to Redis: %w", err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	c := &replica{Conn: conn}
	c.r = bufio.NewReaderSize(c, 256<<10)
	if err := o.authenticate(c); err != nil {
		return nil, err
	}
	length, mark, err := c.begin()
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, &refusal{err}
	}
	f, err := os.CreateTemp("", "trivet-import-*.rdb")
	if err != nil {
		return nil, fmt.Errorf("file for what Redis sends (TMPDIR names another directory): %w", err)
	}
	p.start()
	if err = c.copy(f, length, mark, p); err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	p.Finish()
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		f.Close()
		return nil, errors.Join(err, os.Remove(f.Name()))
	}
	return f, nil
}

func (o *Origin) dial(ctx context.Context) (net.Conn, error) {
	d := &net.Dialer{Timeout: o.options.DialTimeout}
	if o.options.TLSConfig != nil {
		return (&tls.Dialer{NetDialer: d, Config: o.options.TLSConfig}).DialContext(ctx, "tcp", o.options.Addr)
	}
	return d.DialContext(ctx, "tcp", o.options.Addr)
}

func (o *Origin) authenticate(c *replica) error {
	if o.options.Password == "" {
		return nil
	}
	words := []string{"AUTH", o.options.Password}
	if o.options.Username != "" {
		words = []string{"AUTH", o.options.Username, o.options.Password}
	}
	reply, err := c.ask(words...)
	if err == nil && reply[0] == '-' {
		err = errors.New(reply[1:])
	}
	if err != nil {
		return fmt.Errorf("log in to Redis: %w", err)
	}
	return nil
}

// ask sends a command and returns the line that answers it.
func (c *replica) ask(words ...string) (string, error) {
	c.SetWriteDeadline(time.Now().Add(sourceTime))
	if _, err := c.Write(resp.Strs(words...).Append(nil, resp.RESP2)); err != nil {
		return "", err
	}
	return c.line()
}

// line returns the next line that is not empty: those mean that Redis is at work.
func (c *replica) line() (string, error) {
	for {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return "", err
		}
		if text := strings.TrimRight(string(line), "\r\n"); text != "" {
			return text, nil
		}
	}
}

// markSize is that of the mark after data whose length Redis does not know.
const markSize = 40

// begin asks for the data. It returns their length, or the mark that ends them.
func (c *replica) begin() (length int64, mark []byte, err error) {
	// Old servers do not know these; they then send the length, and writes that
	// nobody reads.
	for _, option := range [][]string{{"capa", "eof"}, {"rdb-only", "1"}} {
		if _, err := c.ask(append([]string{"REPLCONF"}, option...)...); err != nil {
			return 0, nil, err
		}
	}
	line, err := c.ask("PSYNC", "?", "-1")
	if err == nil && strings.HasPrefix(line, "+FULLRESYNC") {
		line, err = c.line()
	}
	if err != nil {
		return 0, nil, err
	}
	if line[0] == '-' {
		return 0, nil, errors.New(line[1:])
	}
	if m, ok := strings.CutPrefix(line, "$EOF:"); ok && len(m) == markSize {
		return 0, []byte(m), nil
	}
	if n, ok := strings.CutPrefix(line, "$"); ok {
		if length, err = strconv.ParseInt(n, 10, 64); err == nil && length > 0 {
			return length, nil, nil
		}
	}
	return 0, nil, fmt.Errorf("it answers %.100q to PSYNC", line)
}

// copy writes the data to f.
func (c *replica) copy(f *os.File, length int64, mark []byte, p *Progress) error {
	buf, tail := make([]byte, 256<<10), []byte(nil)
	for got := int64(0); mark != nil || got < length; {
		part := buf
		if mark == nil {
			part = buf[:min(int64(len(buf)), length-got)]
		}
		n, err := c.r.Read(part)
		if _, err := f.Write(part[:n]); err != nil {
			return fmt.Errorf("keep what Redis sends (TMPDIR names another directory): %w", err)
		}
		got += int64(n)
		// Redis sends nothing after the mark: the reader of the file stops before it.
		tail = append(tail, part[:n]...)
		tail = tail[max(0, len(tail)-markSize):]
		if mark != nil && bytes.Equal(tail, mark) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("receive the data: Redis stopped after %d bytes: %w", got, err)
		}
		p.tell(func(seconds float64) string {
			text := fmt.Sprintf("received %s", size(float64(got)))
			if length > 0 {
				text += " of " + size(float64(length))
			}
			return fmt.Sprintf("%s, %s/s", text, size(float64(got)/seconds))
		})
	}
	return nil
}
