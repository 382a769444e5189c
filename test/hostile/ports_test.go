//go:build hostile

package hostile

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/trivetdb/trivet/resp"
	"github.com/trivetdb/trivet/test/cluster"
)

// password is the default user's, where there is one.
const password = "of-the-operator"

// remote is who reaches a node without a password from beyond loopback: section B9.
var remote = group{name: "B9 protected mode", inputs: []input{
	{name: "a remote client, no password", want: denied, send: fromAfar()},
	{name: "a remote client, a password", want: served, send: fromAfar("--password", password)},
	{name: "a remote client, --protected-mode no", want: served, send: fromAfar("--protected-mode", "no")},
}}

// browsers are at the HTTP port of nodes with a password: section B10.
var browsers = group{name: "B10 HTTP", flags: []string{"--password", password}, password: password, inputs: []input{
	{name: "/status without a user", want: refused, send: get("/status", "")},
	{name: "/status by another Host", want: refused, send: get("/status", "rebound.example.org")},
	{name: "/metrics by another Host", want: refused, send: get("/metrics", "rebound.example.org:8379")},
	{name: "a profile", want: refused, send: get("/debug/pprof/goroutine?debug=2", "")},
	{name: "the command line, with the password", want: refused, send: get("/debug/pprof/cmdline", "")},
	{name: "the heap", want: refused, send: get("/debug/pprof/heap", "")},
	{name: "a header without end", want: anything, send: func(s *scene) (resp.Value, error) {
		conn, err := net.DialTimeout("tcp", s.at.HTTP, 5*time.Second)
		if err != nil {
			return resp.Nil, err
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		io.WriteString(conn, "GET /livez HTTP/1.1\r\nHost: a\r\nX: ")
		for range 256 {
			if _, err := conn.Write(make([]byte, 1<<20)); err != nil {
				return resp.Status("closed"), nil
			}
		}
		return resp.OK, nil
	}},
	{name: "2,000 connections that say nothing", want: anything, send: func(s *scene) (resp.Value, error) {
		open, err := flood(s.at.HTTP, 2000, nil)
		time.Sleep(2 * time.Second)
		hangUp(open)
		return resp.OK, err
	}},
}}

// get asks the HTTP port, by its own name where host is empty. A status of 400 or
// more is an error.
func get(path, host string) func(*scene) (resp.Value, error) {
	return func(s *scene) (resp.Value, error) {
		r, err := http.NewRequest(http.MethodGet, "http://"+s.at.HTTP+path, nil)
		if err != nil {
			return resp.Nil, err
		}
		r.Host = host
		web := http.Client{Timeout: s.within()}
		answer, err := web.Do(r)
		if err != nil {
			return resp.Nil, err
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if strings.Contains(string(text), password) {
			return resp.Str("it shows the password"), err
		}
		if answer.StatusCode >= 400 {
			return resp.Err("HTTP " + answer.Status), err
		}
		return resp.Str(answer.Status), err
	}
}

// denied wants the refusal of protected mode.
func denied(v resp.Value, err error) string {
	if err == nil && !strings.HasPrefix(v.Str, "DENIED") {
		return fmt.Sprintf("the answer is %.100q", v.Str)
	}
	return refused(v, err)
}

// afar is an address for documentation that no network has.
var afar = net.IPv4(192, 0, 2, 13)

// fromAfar starts a node more, of a cluster of its own, that listens on an address
// other than loopback's, and sends it a command from there. The address is given to
// the machine's loopback interface, so nobody else can reach it.
func fromAfar(flags ...string) func(*scene) (resp.Value, error) {
	return func(s *scene) (resp.Value, error) {
		if err := address(true); err != nil {
			return resp.Nil, fmt.Errorf("give the loopback interface the address %v, which takes root: %w", afar, err)
		}
		defer address(false)
		n := cluster.New(s.t, flags...).Add("--bootstrap-expect", "1")
		_, port, _ := net.SplitHostPort(n.Redis)
		n.Redis = net.JoinHostPort(afar.String(), port)
		n.Arg("--redis", n.Redis)
		n.Start()
		defer n.Kill()
		var c *client
		for end := time.Now().Add(15 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			var err error
			if c, err = dial(n.Redis); err == nil {
				break
			}
			if time.Now().After(end) || !n.Running() {
				log, _ := os.ReadFile(n.Log)
				return resp.Nil, fmt.Errorf("the node does not listen: %w, %.200s", err, log)
			}
		}
		defer c.Close()
		if len(flags) > 0 && flags[0] == "--password" {
			if v, err := c.do(s.within(), "AUTH", password); err != nil || v.IsError() {
				return v, err
			}
		}
		return c.do(s.within(), "CLIENT", "ID")
	}
}

// address gives the loopback interface another address, or takes it away, as
// `ip address add` does with a label.
func address(there bool) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	r, err := unix.NewIfreq("lo:hostile")
	if err != nil {
		return err
	}
	if !there {
		r.SetUint16(0) // down: it goes
		return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, r)
	}
	if err := r.SetInet4Addr(afar.To4()); err != nil {
		return err
	}
	return unix.IoctlIfreq(fd, unix.SIOCSIFADDR, r)
}
