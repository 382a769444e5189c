//go:build hostile

package hostile

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/trivetdb/trivet/resp"
	"github.com/trivetdb/trivet/test/cluster"
)

// A client is one connection. Its methods fail nothing: a connection that breaks is
// what some inputs are about.
type client struct {
	net.Conn
	r *resp.Reader
}

// connect dials a node and, where there is a password, gives it.
func (f *field) connect(n *cluster.Node) (*client, error) { return f.login(dial(n.Redis)) }

// login gives the password on a connection, if there are both.
func (f *field) login(c *client, err error) (*client, error) {
	if err != nil || f.password == "" {
		return c, err
	}
	if v, err := c.do(5*time.Second, "AUTH", "default", f.password); err != nil || v.IsError() {
		c.Close()
		return nil, errors.Join(errors.New("AUTH: "+v.Str), err)
	}
	return c, nil
}

func dial(addr string) (*client, error) { return dialOn("tcp", addr) }

func dialUnix(path string) (*client, error) { return dialOn("unix", path) }

func dialOn(network, addr string) (*client, error) {
	conn, err := net.DialTimeout(network, addr, 5*time.Second)
	if err != nil {
		return nil, err
	}
	return &client{conn, resp.NewReader(conn, resp.NoLimits)}, nil
}

// do sends a command and returns its reply. It reads while it writes, as the answer to
// too large a request may come before its end.
func (c *client) do(within time.Duration, args ...string) (resp.Value, error) {
	c.SetDeadline(time.Now().Add(within))
	wrote := make(chan error, 1)
	go func() {
		_, err := c.Write(words(args...))
		wrote <- err
	}()
	v, err := c.r.ReadValue()
	if err != nil {
		c.Close()
		return v, errors.Join(err, <-wrote)
	}
	return v, nil
}

// pipeline sends bytes and then reads so many replies, the last of which it returns,
// or the first that is an error.
func (c *client) pipeline(within time.Duration, replies int, request []byte) (last resp.Value, err error) {
	c.SetDeadline(time.Now().Add(within))
	if _, err := c.Write(request); err != nil {
		return last, fmt.Errorf("write: %w", err)
	}
	fault := resp.Nil
	for i := range replies {
		if last, err = c.r.ReadValue(); err != nil {
			return last, fmt.Errorf("reply %d of %d: %w", i+1, replies, err)
		}
		if last.IsError() && !fault.IsError() {
			fault = last
		}
	}
	if fault.IsError() {
		return fault, nil
	}
	return last, nil
}

// words encodes a request.
func words(args ...string) []byte {
	size := 16
	for _, a := range args {
		size += len(a) + 16
	}
	b := append(make([]byte, 0, size), '*')
	b = append(strconv.AppendInt(b, int64(len(args)), 10), "\r\n"...)
	for _, a := range args {
		b = append(strconv.AppendInt(append(b, '$'), int64(len(a)), 10), "\r\n"...)
		b = append(append(b, a...), "\r\n"...)
	}
	return b
}

// parallel calls f so many times at once and returns the last reply, or the first
// error of the network.
func parallel(times int, f func(i int) (resp.Value, error)) (resp.Value, error) {
	values, errs := make([]resp.Value, times), make([]error, times)
	var wait sync.WaitGroup
	for i := range times {
		wait.Go(func() { values[i], errs[i] = f(i) })
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return resp.Nil, err
		}
	}
	return values[times-1], nil
}

// repeated is a request many times over.
func repeated(times int, args ...string) []byte { return bytes.Repeat(words(args...), times) }
