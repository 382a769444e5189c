package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// A wire is a connection whose replies are read as they come, for those that are
// too large to be read at once.
type wire struct {
	conn net.Conn
	r    *bufio.Reader
}

// A refusal is an error that the server answered.
type refusal string

func (r refusal) Error() string { return string(r) }

// wireIdle is how long nothing may come from a server that is to send something.
const wireIdle = 2 * time.Minute

// dial connects to the first node that answers, and comes in there.
func (t *target) dial(ctx context.Context) (*wire, error) {
	conf, err := t.secure()
	if err != nil {
		return nil, err
	}
	var faults []error
	for _, addr := range t.addresses {
		o := t.client(addr, conf).Options()
		w, err := openWire(ctx, o)
		var refused refusal
		if err == nil || errors.As(err, &refused) {
			return w, err
		}
		faults = append(faults, fmt.Errorf("%s: %w", addr, err))
	}
	return nil, fmt.Errorf("no node answers; name one with --addr:\n%w", errors.Join(faults...))
}

// openWire connects as a client with these options would.
func openWire(ctx context.Context, o *redis.Options) (*wire, error) {
	conn, err := o.Dialer(ctx, o.Network, o.Addr)
	if err != nil {
		return nil, err
	}
	w := &wire{conn, bufio.NewReaderSize(conn, 64<<10)}
	if o.Password != "" {
		words := []string{"AUTH", o.Password}
		if o.Username != "" {
			words = []string{"AUTH", o.Username, o.Password}
		}
		if _, err := w.ask(wireIdle, words...); err != nil {
			w.Close()
			return nil, err
		}
	}
	return w, nil
}

// Close ends the connection.
func (w *wire) Close() error { return w.conn.Close() }

// send sends a command.
func (w *wire) send(words ...string) error {
	b := fmt.Appendf(nil, "*%d\r\n", len(words))
	for _, word := range words {
		b = fmt.Appendf(b, "$%d\r\n", len(word))
		b = append(append(b, word...), '\r', '\n')
	}
	w.conn.SetDeadline(time.Now().Add(wireIdle))
	_, err := w.conn.Write(b)
	return err
}

// ask sends a command and returns its reply, which comes within a time; see reply.
func (w *wire) ask(within time.Duration, words ...string) ([]string, error) {
	if err := w.send(words...); err != nil {
		return nil, err
	}
	w.conn.SetDeadline(time.Now().Add(within))
	kind, head, err := w.head()
	if err != nil {
		return nil, err
	}
	return w.reply(kind, head)
}

// head reads the first line of a reply: its kind and the rest. An error that the
// server answers is a refusal. Empty lines, by which a Redis says that it is still
// at work, are passed over.
func (w *wire) head() (kind byte, text string, err error) {
	for {
		line, err := w.r.ReadString('\n')
		if err != nil {
			return 0, "", err
		}
		line = strings.TrimRight(line, "\r\n")
		switch {
		case line == "":
		case line[0] == '-':
			return 0, "", refusal(line[1:])
		default:
			return line[0], line[1:], nil
		}
	}
}

// reply reads the rest of a reply, of one text or a flat array of them.
func (w *wire) reply(kind byte, head string) ([]string, error) {
	switch kind {
	case '+', ':':
		return []string{head}, nil
	case '$':
		b, err := w.bulk(head)
		return []string{string(b)}, err
	case '*':
		n, err := strconv.Atoi(head)
		if err != nil {
			return nil, err
		}
		var all []string
		for range n {
			kind, head, err := w.head()
			if err != nil {
				return nil, err
			}
			one, err := w.reply(kind, head)
			if err != nil {
				return nil, err
			}
			all = append(all, one...)
		}
		return all, nil
	}
	return nil, fmt.Errorf("a reply that begins with %q makes no sense", kind)
}

func (w *wire) bulk(head string) ([]byte, error) {
	n, err := strconv.Atoi(head)
	if err != nil || n < 0 {
		return nil, fmt.Errorf("a string of %q bytes", head)
	}
	b := make([]byte, n+2)
	_, err = io.ReadFull(w.r, b)
	return b[:n], err
}

// waiting gives the server its time to send more.
func (w *wire) waiting() { w.conn.SetDeadline(time.Now().Add(wireIdle)) }
