package load

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// The kinds of client.
const (
	Plain   = "plain"   // never tries again
	Default = "default" // tries again as go-redis does without settings
)

const (
	pace       = 10 * time.Millisecond  // between the writes of a client
	afterError = 100 * time.Millisecond // before it tries the next one
)

// A Config says whom the clients write to.
type Config struct {
	Store    string            // names the data: what earlier rounds wrote to it must be at the targets now
	Targets  map[string]string // host:port by the name that reports give it
	Password string
	CA       string // PEM; "" for no TLS
	Clients  int    // of each kind, to each target
}

// options are those of a client to one of the targets.
func (c Config) options(addr, kind string) (*redis.Options, error) {
	o := &redis.Options{Addr: addr, Password: c.Password}
	if kind == Plain {
		o.MaxRetries, o.DialerRetries, o.PoolSize = -1, 1, 1
	}
	if c.CA != "" {
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM([]byte(c.CA)) {
			return nil, errors.New("the configuration's CA has no certificate")
		}
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		o.TLSConfig = &tls.Config{RootCAs: roots, ServerName: host}
	}
	return o, nil
}

// A client writes to one target, one command after the other.
type client struct {
	name   string // unique, part of its keys
	target string
	kind   string
	conn   *redis.Client
	now    atomic.Pointer[history] // of the round that it is in; nil where it rests
	next   func(*client) *history  // the history to go on with; nil to rest
}

// run writes until ctx ends.
func (c *client) run(ctx context.Context) {
	defer c.conn.Close()
	since, increment := time.Now(), false
	for ctx.Err() == nil {
		h := c.next(c)
		if c.now.Swap(h) == nil {
			since = time.Now() // the time of rest is no pause
		}
		wait := pace
		if h != nil {
			became, err := c.write(ctx, h, increment)
			h.note(increment, became, since, err)
			if err != nil {
				wait = afterError
			} else {
				since = time.Now()
			}
			increment = c.kind == Plain && !increment
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// write does one write and says what became of it.
func (c *client) write(ctx context.Context, h *history, increment bool) (byte, error) {
	var err error
	switch {
	case increment:
		err = c.conn.Incr(ctx, h.key+":n").Err()
	case c.kind == Plain:
		err = c.conn.RPush(ctx, h.key, h.next()).Err()
	default:
		err = c.conn.SAdd(ctx, h.key, h.next()).Err()
	}
	switch {
	case err == nil:
		return acked, nil
	case c.kind == Plain && notWritten(err):
		return refused, err
	}
	return unknown, err
}

// notWritten reports whether an error is sure to mean that the command was not
// carried out: there was no connection, or the server said so.
func notWritten(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial" || strings.HasPrefix(err.Error(), "LOADING")
}
