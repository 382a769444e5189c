package server

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/trivetdb/trivet/resp"
)

// A fixture is a server on two ports over a node that is alone.
type fixture struct {
	*Server
	t              *testing.T
	node           *alone
	redis, classic string // addresses
}

func start(t *testing.T, opts Options) *fixture {
	t.Helper()
	f := &fixture{t: t, node: newAlone()}
	opts.Backend = f.node
	opts.RunID = strings.Repeat("ab", 20)
	opts.Version = "0.0.0"
	f.Server = New(opts)
	f.node.deliver, f.node.configure = f.Deliver, f.Configure
	f.node.users, f.node.refused = f.SetUsers, f.Refused
	serve := func(classic bool) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		served := make(chan error, 1)
		go func() { served <- f.Serve(l, classic) }()
		t.Cleanup(func() {
			f.Shutdown(t.Context())
			if err := <-served; err != nil {
				t.Errorf("Serve: %v", err)
			}
		})
		return l.Addr().String()
	}
	f.redis, f.classic = serve(false), serve(true)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := f.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	})
	return f
}

// awaitCommand waits until a session has taken up a command.
func (f *fixture) awaitCommand(name string) {
	f.t.Helper()
	eventually(f.t, "a session that is busy with "+name, func() bool {
		for _, s := range f.conns.list() {
			if r := s.last.Load(); r != nil && r.Name == name {
				return true
			}
		}
		return false
	})
}

// A wire is a raw connection.
type wire struct {
	t *testing.T
	net.Conn
	r *bufio.Reader
}

func dial(t *testing.T, addr string) *wire {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	return &wire{t, conn, bufio.NewReader(conn)}
}

func (w *wire) send(text string) {
	w.t.Helper()
	if _, err := io.WriteString(w, text); err != nil {
		w.t.Fatal(err)
	}
}

// expect reads as many bytes as want has.
func (w *wire) expect(want string) {
	w.t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(w.r, got); err != nil || string(got) != want {
		w.t.Fatalf("got %q (%v), want %q", got[:n], err, want)
	}
}

// ask sends a line and expects an answer.
func (w *wire) ask(line, want string) {
	w.t.Helper()
	w.send(line + "\r\n")
	w.expect(want)
}

// closed expects the end of the stream, and nothing ahead of it.
func (w *wire) closed() {
	w.t.Helper()
	if rest, err := io.ReadAll(w.r); len(rest) > 0 || err != nil {
		w.t.Fatalf("got %q (%v), want the end of the stream", rest, err)
	}
}

// value sends a line and reads one value.
func (w *wire) value(line string) resp.Value {
	w.t.Helper()
	w.send(line + "\r\n")
	return w.next()
}

func (w *wire) next() resp.Value {
	w.t.Helper()
	v, err := readValue(w.r)
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

// readValue reads one value and no byte more.
func readValue(r *bufio.Reader) (resp.Value, error) {
	var b []byte
	for {
		c, err := r.ReadByte()
		if err != nil {
			return resp.Nil, err
		}
		b = append(b, c)
		if c != '\n' {
			continue
		}
		v, _, err := resp.ParseValue(b, resp.NoLimits)
		if err != io.ErrUnexpectedEOF {
			return v, err
		}
	}
}

func TestPipeline(t *testing.T) {
	f := start(t, Options{})
	w := dial(t, f.redis)
	w.send("SET a 1\r\nINCR a\r\nINCR a\r\nGET a\r\nnosuch x\r\nDEL a\r\nGET a b\r\nSELECT 1\r\nSET b 2\r\nSELECT 0\r\nEXISTS b\r\n")
	w.expect("+OK\r\n:2\r\n:3\r\n$1\r\n3\r\n-ERR unknown command 'nosuch', with args beginning with: 'x' \r\n:1\r\n" +
		"-ERR wrong number of arguments for 'get' command\r\n+OK\r\n+OK\r\n+OK\r\n:0\r\n")
	f.node.mu.Lock()
	defer f.node.mu.Unlock()
	if got := f.node.groups; len(got) != 3 || got[0] != 3 || got[1] != 1 || got[2] != 1 {
		t.Errorf("groups of %v commands, want 3, 1 and 1", got)
	}
	if got := f.node.minIndexes; len(got) != 2 || got[0] != 1 || got[1] != 3 {
		t.Errorf("reads wait for %v, want 1 and 3", got)
	}
}

func TestHalfAPipeline(t *testing.T) {
	w := dial(t, start(t, Options{}).redis)
	w.send("SET a 1\r\nGET a\r\nSET b")
	w.expect("+OK\r\n$1\r\n1\r\n")
	w.send(" 2\r\n*2\r\n$3\r\nGET\r\n$1\r\n")
	w.expect("+OK\r\n")
	w.send("b\r\n")
	w.expect("$1\r\n2\r\n")
}

func TestLargePipeline(t *testing.T) {
	f := start(t, Options{})
	w := dial(t, f.redis)
	const n = 25_000
	go io.WriteString(w, strings.Repeat("INCR n\r\n", n)+"GET n\r\n")
	for i := range n {
		if v := w.next(); v.Int != int64(i+1) {
			t.Fatalf("reply %d is %v", i, v)
		}
	}
	w.expect("$5\r\n25000\r\n")
	f.node.mu.Lock()
	defer f.node.mu.Unlock()
	for _, size := range f.node.groups {
		if size > maxGroupCommands {
			t.Errorf("a group of %d commands", size)
		}
	}
}

func TestLargeValues(t *testing.T) {
	f := start(t, Options{})
	w := dial(t, f.redis)
	big := strings.Repeat("x", 1<<20)
	go func() {
		for range 4 {
			io.WriteString(w, "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1048576\r\n"+big+"\r\nGET a\r\n")
		}
	}()
	for range 4 {
		w.expect("+OK\r\n$1048576\r\n" + big + "\r\n")
	}
}

func TestProtocolErrors(t *testing.T) {
	f := start(t, Options{})
	for sent, want := range map[string]string{
		"SET a 1\r\n*1\r\n#4\r\nPING\r\n": "+OK\r\n-ERR Protocol error: expected '$', got '#'\r\n",
		"PING\r\n*x\r\nPING\r\n":          "+PONG\r\n-ERR Protocol error: invalid multibulk length\r\n",
		"foo 'a\r\n":                      "-ERR Protocol error: unbalanced quotes in request\r\n",
		"*1\r\n$-1\r\n":                   "-ERR Protocol error: invalid bulk length\r\n",
	} {
		w := dial(t, f.redis)
		w.send(sent)
		w.expect(want)
		w.closed()
	}
}

func TestQuitAnswersAndCloses(t *testing.T) {
	w := dial(t, start(t, Options{}).redis)
	w.send("SET a 1\r\nQUIT\r\nGET a\r\n")
	w.expect("+OK\r\n+OK\r\n")
	w.closed()
}

func TestHalfClosedClientGetsItsReplies(t *testing.T) {
	w := dial(t, start(t, Options{}).redis)
	w.send("SET a 1\r\nGET a\r\n")
	w.Conn.(*net.TCPConn).CloseWrite()
	w.expect("+OK\r\n$1\r\n1\r\n")
	w.closed()
}

func TestMaxClients(t *testing.T) {
	f := start(t, Options{MaxClients: 2})
	a, b := dial(t, f.redis), dial(t, f.classic)
	a.ask("PING", "+PONG\r\n")
	b.ask("+PING", "+PONG\r\n")
	for _, addr := range []string{f.redis, f.classic} {
		w := dial(t, addr)
		w.send("PING\r\n")
		w.expect("-ERR max number of clients reached\r\n")
		w.closed()
	}
	a.Close()
	eventually(t, "a place", func() bool { return f.conns.total() == 1 })
	dial(t, f.redis).ask("PING", "+PONG\r\n")
}

func TestAuth(t *testing.T) {
	f := start(t, Options{Password: "sekret"})
	const wrong = "-WRONGPASS invalid username-password pair or user is disabled.\r\n"
	const noAuth = "-NOAUTH Authentication required.\r\n"
	w := dial(t, f.redis)
	w.ask("GET a", noAuth)
	w.ask("GET", "-ERR wrong number of arguments for 'get' command\r\n")
	w.ask("CLIENT ID", noAuth)
	w.ask("HELLO 3", "-"+errHelloNoAuth.Str+"\r\n")
	w.ask("HELLO 3 AUTH default bad", wrong)
	w.ask("AUTH bad", wrong)
	w.ask("AUTH nobody sekret", wrong)
	w.ask("AUTH default sekret", "+OK\r\n")
	w.ask("GET a", "$-1\r\n")
	w.ask("RESET", "+RESET\r\n")
	w.ask("PING", noAuth)
	w.ask("AUTH sekret", "+OK\r\n")
	w.ask("PING", "+PONG\r\n")

	c := dial(t, f.classic)
	c.ask("+GET a", noAuth)
	c.ask("+AUTH sekret", "+OK\r\n")
	c.ask("+GET a", "$-1\r\n")

	open := dial(t, start(t, Options{}).redis)
	open.ask("AUTH x", "-"+errNoPassword.Str+"\r\n")
	open.ask("AUTH default x", "+OK\r\n")
	open.ask("AUTH x y", wrong)
}

func TestMoved(t *testing.T) {
	f := start(t, Options{Redirect: true})
	w, c := dial(t, f.redis), dial(t, f.classic)
	w.ask("SET a 1", "+OK\r\n")
	f.node.set(func() { f.node.follows = true })
	w.ask("SET a 2", "-MOVED 0 10.0.0.2:6379\r\n")
	w.ask("GET a", "$1\r\n1\r\n")
	w.ask("PUBLISH c m", ":0\r\n")
	w.ask(`SCRIPT LOAD "return 1"`, "$40\r\ne0e1f9fabfc9d4800c877a703b823ac0578ff8db\r\n")
	c.ask("+SET a 2", "-MOVED 0 10.0.0.2:31337\r\n")
	f.node.set(func() { f.node.noLeader = true })
	w.ask("SET a 2", "-LOADING Redis is loading the dataset in memory\r\n")
	f.node.set(func() { f.node.follows, f.node.noLeader = false, false })
	w.ask("SET a 3", "+OK\r\n")

	f = start(t, Options{}) // forwards
	f.node.set(func() { f.node.follows = true })
	dial(t, f.redis).ask("SET a 1", "+OK\r\n")
}

func TestNoLeader(t *testing.T) {
	f := start(t, Options{})
	f.node.set(func() { f.node.noLeader = true })
	w := dial(t, f.redis)
	const loading = "-LOADING Redis is loading the dataset in memory\r\n"
	w.send("SET a 1\r\nSET b 1\r\nGET a\r\nCLIENT READS LINEARIZABLE\r\nGET a\r\n")
	w.expect(loading + loading + "$-1\r\n+OK\r\n" + loading)
	f.node.set(func() { f.node.noLeader = false })
	w.ask("SET a 1", "+OK\r\n")
}

func TestUnknownOutcomeClosesWithoutAReply(t *testing.T) {
	f := start(t, Options{})
	w := dial(t, f.redis)
	w.ask("PING", "+PONG\r\n")
	f.node.set(func() { f.node.unknown = true })
	w.send("PING\r\nGET a\r\nSET a 1\r\nGET a\r\n")
	w.expect("+PONG\r\n$-1\r\n")
	w.closed()
}

func TestReadsModes(t *testing.T) {
	f := start(t, Options{Linearizable: true})
	w := dial(t, f.redis)
	w.ask("GET a", "$-1\r\n")
	w.ask("CLIENT READS", "$12\r\nlinearizable\r\n")
	w.ask("CLIENT READS local", "+OK\r\n")
	w.ask("GET a", "$-1\r\n")
	w.ask("CLIENT READS", "$5\r\nlocal\r\n")
	w.ask("CLIENT READS often", "-ERR syntax error\r\n")
	w.ask("RESET", "+RESET\r\n")
	w.ask("GET a", "$-1\r\n")
	f.node.mu.Lock()
	defer f.node.mu.Unlock()
	if got := f.node.linearizable; len(got) != 3 || !got[0] || got[1] || !got[2] {
		t.Errorf("linearizable reads: %v", got)
	}
}

// TestReadsPipelined has one linearizable read for what comes at once, and another
// for what comes later.
func TestReadsPipelined(t *testing.T) {
	f := start(t, Options{Linearizable: true})
	w := dial(t, f.redis)
	for range 2 {
		w.send("GET a\r\nSET a 1\r\nGET a\r\nDEL a\r\nGET a\r\n")
		w.expect("$-1\r\n+OK\r\n$1\r\n1\r\n:1\r\n$-1\r\n")
	}
	f.node.mu.Lock()
	defer f.node.mu.Unlock()
	if got := fmt.Sprint(f.node.linearizable); got != "[true false false true false false]" {
		t.Errorf("linearizable reads: %v", got)
	}
}

func TestSlowReaderIsClosed(t *testing.T) {
	f := start(t, Options{WriteTimeout: 50 * time.Millisecond})
	w := dial(t, f.redis)
	big := strings.Repeat("x", 1<<20)
	w.send("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1048576\r\n" + big + "\r\n")
	w.expect("+OK\r\n")
	w.send(strings.Repeat("GET a\r\n", 100))
	eventually(t, "the end of a client that does not read", func() bool { return f.conns.total() == 0 })
}

func TestPanicEndsOneConnection(t *testing.T) {
	f := start(t, Options{})
	other := dial(t, f.redis)
	other.ask("PING", "+PONG\r\n")
	w := dial(t, f.redis)
	f.node.set(func() { f.node.panics = true })
	w.send("GET a\r\n")
	w.closed()
	f.node.set(func() { f.node.panics = false })
	other.ask("GET a", "$-1\r\n")
}
