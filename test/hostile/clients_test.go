//go:build hostile

package hostile

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/trivetdb/trivet/resp"
)

// users are clients with few rights, or with much patience: sections B11 and B12.
var users = group{name: "B11 users", flags: []string{"--password", password}, password: password, inputs: []input{
	{name: "CLIENT SETNAME of 50 MB, 34 denials", setup: fewRights, want: answered, send: func(s *scene) (resp.Value, error) {
		return denials(s, "CLIENT", "SETNAME", strings.Repeat("n", 50<<20))
	}},
	{name: "CLIENT SETINFO of 50 MB, 34 denials", setup: fewRights, want: answered, long: true, send: func(s *scene) (resp.Value, error) {
		return denials(s, "CLIENT", "SETINFO", "LIB-NAME", strings.Repeat("n", 50<<20))
	}},
	{name: "30 denials of names of 50 MB", setup: fewRights, want: answered, long: true, send: func(s *scene) (last resp.Value, err error) {
		for i := 0; i < 30 && err == nil; i++ {
			last, err = denials(s, "GET", fmt.Sprint(i)+strings.Repeat("k", 50<<20))
		}
		return last, err
	}},
	{name: "AUTH by 50 names of 16 MB", want: anything, long: true, send: func(s *scene) (last resp.Value, err error) {
		for i := 0; i < 50 && err == nil; i++ {
			var c *client
			if c, err = dial(s.at.Redis); err == nil {
				last, err = c.do(s.within(), "AUTH", fmt.Sprint(i)+strings.Repeat("u", 16<<20), "p")
				c.Close()
			}
		}
		return last, err
	}},
	{name: "60 silent readers of 8 MB", setup: large("big", 8<<20), want: anything, send: silent(60, 4)},
	{name: "400 silent readers of 8 MB", setup: large("big", 8<<20), want: anything, send: silent(400, 4)},
	{name: "300 silent subscribers, a message of 8 MB", want: anything, send: subscribers(300, 1, 8<<20)},
	{name: "300 silent subscribers, 200 messages of 60 KB", want: anything, send: subscribers(300, 200, 60<<10), long: true},
	{name: "60 silent readers of 500 replies of 8 MB", setup: large("big", 8<<20), want: anything, send: silent(60, 500), long: true},
	{name: "a slow log of all there is", want: anything, long: true, within: 5 * time.Minute, send: slowLog},
	{name: "200,000 GETs of 1 KB, then reading", setup: large(longKey, 1<<10), want: served, within: 3 * time.Minute,
		send: func(s *scene) (resp.Value, error) {
			return s.to.pipeline(s.within(), 200_000, repeated(200_000, "GET", longKey))
		}},
	{name: "20,000 EVALs of 500 B, then reading", want: served, within: 3 * time.Minute, send: func(s *scene) (resp.Value, error) {
		script := "return '" + strings.Repeat("x", 491) + "'"
		return s.to.pipeline(s.within(), 20_000, repeated(20_000, "EVAL", script, "0"))
	}},
	{name: "4 GB of replies, then reading", setup: large("big", 1<<20), want: anything, long: true, within: 2 * time.Minute,
		send: func(s *scene) (resp.Value, error) {
			return s.to.pipeline(s.within(), 4000, repeated(4000, "GET", "big"))
		}},
}}

// longKey makes requests larger than what the kernel keeps on their way.
var longKey = strings.Repeat("k", 100)

// most is how many clients the nodes of crowds take.
const most = 100

// crowds are connections that keep others out: section B11.
var crowds = group{name: "B11 crowds", flags: []string{"--password", password, "--max-clients", fmt.Sprint(most)}, password: password, inputs: []input{
	{name: "silent connections, then an operator", want: served, within: 30 * time.Second, send: crowd(nil)},
	{name: "connections without AUTH, then an operator", want: served, within: 30 * time.Second, send: crowd(words("PING"))},
	{name: "half a command on each, then an operator", want: served, within: 30 * time.Second, send: crowd([]byte("*2\r\n$4\r\nAU"))},
	{name: "users with few rights, then an operator", setup: fewRights, want: served, within: 30 * time.Second,
		send: crowd(slices.Concat(words("AUTH", "low", "low"), words("PING")))},
	{name: "2,000 connections at once, then an operator", want: served, within: 30 * time.Second, long: true, send: func(s *scene) (resp.Value, error) {
		open, err := flood(s.at.Redis, 2000, nil)
		defer hangUp(open)
		if err != nil {
			return resp.Nil, err
		}
		return operator(s)
	}},
}}

// fewRights makes the user low, who may do next to nothing.
func fewRights(s *scene) {
	s.must("ACL", "SETUSER", "low", "reset", "on", ">low", "-@all", "+client|setname", "+client|setinfo", "+client|id", "+ping", "+get", "~mine:*")
}

// denials sends a command as low, and then asks for what low may not have.
func denials(s *scene, args ...string) (resp.Value, error) {
	c, err := dial(s.at.Redis)
	if err != nil {
		return resp.Nil, err
	}
	defer c.Close()
	if v, err := c.do(s.within(), "AUTH", "low", "low"); err != nil || v.IsError() {
		return v, errors.Join(errors.New("AUTH"), err)
	}
	last, err := c.do(s.within(), args...)
	for i := 0; i < 34 && err == nil; i++ {
		last, err = c.do(s.within(), "GET", fmt.Sprintf("other:%d", i))
	}
	return last, err
}

// silent opens connections that ask for a large value some times and do not read.
func silent(readers, gets int) func(*scene) (resp.Value, error) {
	return func(s *scene) (resp.Value, error) {
		request := slices.Concat(words("AUTH", password), repeated(gets, "GET", "big"))
		open, err := flood(s.at.Redis, readers, request)
		time.Sleep(5 * time.Second)
		hangUp(open)
		return resp.OK, err
	}
}

// subscribers are clients that listen to a channel, and read nothing.
func subscribers(clients, messages, size int) func(*scene) (resp.Value, error) {
	return func(s *scene) (last resp.Value, err error) {
		open, err := flood(s.at.Redis, clients, slices.Concat(words("AUTH", password), words("SUBSCRIBE", "c")))
		defer func() { hangUp(open) }()
		for i := 0; i < messages && err == nil; i++ {
			last, err = s.ask("PUBLISH", "c", strings.Repeat("m", size))
		}
		time.Sleep(3 * time.Second)
		return last, err
	}
}

// slowLog has an operator keep as many commands as may be, and then sends long ones.
func slowLog(s *scene) (last resp.Value, err error) {
	for _, length := range []string{"9223372036854775807", "10000000", "1000000", "300000", "100000", "10000"} {
		last, err = s.ask("CONFIG", "SET", "slowlog-max-len", length, "slowlog-log-slower-than", "0")
		if err != nil || !last.IsError() {
			break
		}
	}
	args := []string{"EXISTS"}
	for range 31 {
		args = append(args, strings.Repeat("k", 128))
	}
	for i := 0; i < 300 && err == nil; i++ {
		last, err = s.to.pipeline(s.within(), 1000, repeated(1000, args...))
	}
	if err == nil {
		_, err = s.ask("CONFIG", "SET", "slowlog-max-len", "128", "slowlog-log-slower-than", "10000")
	}
	return last, err
}

// crowd takes all places that a node has with connections that say something, or
// nothing, and then lets an operator in.
func crowd(say []byte) func(*scene) (resp.Value, error) {
	return func(s *scene) (resp.Value, error) {
		open, err := flood(s.at.Redis, most+20, say)
		defer func() { hangUp(open) }()
		if err != nil {
			return resp.Nil, err
		}
		stop, done := make(chan struct{}), make(chan struct{})
		go func() { // those that were thrown out come again
			defer close(done)
			for i := 0; ; i = (i + 1) % len(open) {
				select {
				case <-stop:
					return
				case <-time.After(10 * time.Millisecond):
				}
				open[i] = reopened(s.at.Redis, open[i], say)
			}
		}()
		v, err := operator(s)
		close(stop)
		<-done
		return v, err
	}
}

// reopened replaces a connection that the node has closed.
func reopened(addr string, c net.Conn, say []byte) net.Conn {
	c.SetReadDeadline(time.Now().Add(time.Millisecond))
	if _, err := c.Read(make([]byte, 4096)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		return c
	}
	c.Close()
	if fresh, err := net.DialTimeout("tcp", addr, time.Second); err == nil {
		fresh.Write(say)
		return fresh
	}
	return c
}

// operator tries to get in, by the port or else by the socket that the node has for
// that, and ends all other clients.
func operator(s *scene) (resp.Value, error) {
	v, err := resp.Nil, error(nil)
	for end := time.Now().Add(s.within()); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		for _, connect := range []func() (*client, error){
			func() (*client, error) { return s.connect(s.at) },
			func() (*client, error) { return s.login(dialUnix(filepath.Join(s.at.Dir, "trivet.sock"))) },
		} {
			var c *client
			if c, err = connect(); err != nil {
				continue
			}
			v, err = c.do(5*time.Second, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
			c.Close()
			if err == nil && !v.IsError() {
				return v, nil
			}
		}
	}
	if err != nil {
		err = fmt.Errorf("no operator gets in: %w", err)
	}
	return v, err
}
