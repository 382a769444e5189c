package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// A field is one of the networks that tests run on.
type field struct {
	name  string
	hosts func() (server, client Network)
	addr  string // for the server to listen on
	local string // for the client
}

var fields = []field{
	{"tcp", func() (Network, Network) { return TCP{}, TCP{} }, "127.0.0.1:0", "127.0.0.1:0"},
	{"memory", func() (Network, Network) {
		m := NewMemory()
		return m.Host("a"), m.Host("b")
	}, "a:0", "b:0"},
}

func onFields(t *testing.T, test func(t *testing.T, server, client Network, addr, local string)) {
	for _, f := range fields {
		t.Run(f.name, func(t *testing.T) {
			checkLeaks(t)
			s, c := f.hosts()
			test(t, s, c, f.addr, f.local)
		})
	}
}

// checkLeaks fails the test if its goroutines outlive it. Call it before
// anything that registers a cleanup.
func checkLeaks(t *testing.T) {
	t.Helper()
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		deadline := time.Now().Add(3 * time.Second)
		for runtime.NumGoroutine() > before {
			if time.Now().After(deadline) {
				buf := make([]byte, 1<<20)
				t.Errorf("%d goroutines before, %d after\n%s", before, runtime.NumGoroutine(), buf[:runtime.Stack(buf, true)])
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	})
}

func listen(t testing.TB, nw Network, addr string, opts Options) *Mux {
	t.Helper()
	m, err := Listen(nw, addr, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func echo(_ context.Context, req []byte) ([]byte, error) { return req, nil }

// hang returns a handler that never answers, and a channel that tells of each
// request it got.
func hang() (Handler, <-chan struct{}) {
	got := make(chan struct{}, 1000)
	return func(ctx context.Context, _ []byte) ([]byte, error) {
		got <- struct{}{}
		<-ctx.Done()
		return nil, ctx.Err()
	}, got
}

func within(t testing.TB, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

func wantErr(t *testing.T, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("got error %v, want %v", got, want)
	}
	if other := ErrUnknown; want == ErrNotSent && errors.Is(got, other) {
		t.Fatalf("error %v claims both outcomes", got)
	}
	if other := ErrNotSent; want == ErrUnknown && errors.Is(got, other) {
		t.Fatalf("error %v claims both outcomes", got)
	}
}

func TestCall(t *testing.T) {
	onFields(t, func(t *testing.T, server, client Network, addr, local string) {
		s := listen(t, server, addr, Options{})
		c := listen(t, client, local, Options{})
		s.Serve(func(_ context.Context, req []byte) ([]byte, error) {
			if len(req) == 0 {
				return nil, errors.New("nothing asked")
			}
			return append([]byte("re:"), req...), nil
		})
		l := c.Link(s.Addr().String())
		if l != c.Link(s.Addr().String()) {
			t.Fatal("two links to one address")
		}
		for _, size := range []int{1, 100, bufferSize, firstChunk + 1, 5<<20 + 3} {
			req := bytes.Repeat([]byte{'x'}, size)
			reply, err := l.Call(within(t, 20*time.Second), req)
			if err != nil || len(reply) != size+3 || !bytes.Equal(reply[3:], req) {
				t.Fatalf("size %d: %d bytes, %v", size, len(reply), err)
			}
		}
		_, err := l.Call(within(t, 5*time.Second), nil)
		var remote *RemoteError
		if !errors.As(err, &remote) || remote.Text != "nothing asked" {
			t.Fatalf("got %v", err)
		}
		if errors.Is(err, ErrUnknown) || errors.Is(err, ErrNotSent) {
			t.Fatalf("an answered call has a known outcome: %v", err)
		}
	})
}

func TestManyCalls(t *testing.T) {
	onFields(t, func(t *testing.T, server, client Network, addr, local string) {
		// Fewer slots than calls, so that reading pauses too.
		s := listen(t, server, addr, Options{MaxHandlers: 100})
		c := listen(t, client, local, Options{})
		s.Serve(echo)
		l := c.Link(s.Addr().String())
		ctx := within(t, 30*time.Second)
		var wg sync.WaitGroup
		for i := range 1000 {
			wg.Go(func() {
				for j := range 5 {
					req := fmt.Appendf(nil, "%d-%d-%s", i, j, strings.Repeat("p", i))
					reply, err := l.Call(ctx, req)
					if err != nil || !bytes.Equal(reply, req) {
						t.Errorf("call %d: %q, %v", i, reply, err)
						return
					}
				}
			})
		}
		wg.Wait()
	})
}

func TestPeerDiesMidCall(t *testing.T) {
	onFields(t, func(t *testing.T, server, client Network, addr, local string) {
		s := listen(t, server, addr, Options{})
		c := listen(t, client, local, Options{})
		h, got := hang()
		s.Serve(h)
		at := s.Addr().String()
		l := c.Link(at)
		done := make(chan error)
		go func() {
			_, err := l.Call(context.Background(), []byte("x"))
			done <- err
		}()
		<-got
		s.Close()
		wantErr(t, <-done, ErrUnknown)

		_, err := l.Call(within(t, 5*time.Second), []byte("x"))
		wantErr(t, err, ErrNotSent)

		again := listen(t, server, at, Options{})
		again.Serve(echo)
		if _, err := l.Call(within(t, 5*time.Second), []byte("x")); err != nil {
			t.Fatalf("after restart: %v", err)
		}
	})
}

func TestContext(t *testing.T) {
	onFields(t, func(t *testing.T, server, client Network, addr, local string) {
		s := listen(t, server, addr, Options{})
		c := listen(t, client, local, Options{})
		release, got := make(chan struct{}), make(chan struct{})
		s.Serve(func(_ context.Context, req []byte) ([]byte, error) {
			if string(req) == "slow" {
				close(got)
				<-release
			}
			return req, nil
		})
		l := c.Link(s.Addr().String())
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		_, err := l.Call(ended, []byte("x"))
		wantErr(t, err, ErrNotSent)

		ended, cancel = context.WithCancel(context.Background())
		go func() {
			<-got
			cancel()
		}()
		_, err = l.Call(ended, []byte("slow"))
		wantErr(t, err, ErrUnknown)
		wantErr(t, err, context.Canceled)

		close(release) // the late reply is dropped and the link stays sound
		for range 10 {
			reply, err := l.Call(within(t, 5*time.Second), []byte("next"))
			if err != nil || string(reply) != "next" {
				t.Fatalf("%q, %v", reply, err)
			}
		}
		if n := len(l.current.client.calls); n != 0 {
			t.Fatalf("%d calls left in the table", n)
		}
	})
}

func TestTooLarge(t *testing.T) {
	c := listen(t, NewMemory().Host("a"), "a:1", Options{})
	_, err := c.Link("b:1").Call(within(t, time.Second), make([]byte, MaxFrame+1))
	wantErr(t, err, ErrNotSent)
}

func TestRaftStream(t *testing.T) {
	onFields(t, func(t *testing.T, server, client Network, addr, local string) {
		s := listen(t, server, addr, Options{Cluster: func() string { return "ours" }})
		c := listen(t, client, local, Options{Cluster: func() string { return "ours" }})
		go func() {
			conn, err := s.Raft().Accept()
			if err != nil {
				return
			}
			buf := make([]byte, 4)
			conn.Read(buf)
			conn.Write(buf)
			conn.Close()
		}()
		conn, err := c.DialRaft(within(t, 5*time.Second), s.Addr().String(), "")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.Write([]byte("ping"))
		buf := make([]byte, 4)
		if _, err := conn.Read(buf); err != nil || string(buf) != "ping" {
			t.Fatalf("%q, %v", buf, err)
		}
		s.Raft().Close()
		if _, err := s.Raft().Accept(); !errors.Is(err, net.ErrClosed) {
			t.Fatalf("accept after close: %v", err)
		}
	})
}

func TestAdmit(t *testing.T) {
	onFields(t, func(t *testing.T, server, client Network, addr, local string) {
		long := strings.Repeat("z", 300)
		s := listen(t, server, addr, Options{Admit: func(kind byte, cluster, node string) error {
			if cluster != "ours" || node == "someone else" {
				return fmt.Errorf("%c from %s to %q: not ours %s", kind, cluster, node, long)
			}
			return nil
		}})
		s.Serve(echo)
		identity := "theirs"
		c := listen(t, client, local, Options{Cluster: func() string { return identity }})
		at := s.Addr().String()

		var refused *RefusedError
		_, err := c.DialRaft(within(t, 5*time.Second), at, "")
		if !errors.As(err, &refused) || !strings.HasPrefix(refused.Reason, `R from theirs to "": not ours`) {
			t.Fatalf("raft: %v", err)
		}
		_, err = c.Link(at).Call(within(t, 5*time.Second), []byte("x"))
		wantErr(t, err, ErrNotSent)
		if !errors.As(err, &refused) || len(refused.Reason) != maxText {
			t.Fatalf("call: %v", err)
		}
		identity = "ours"
		if _, err := c.Link(at).Call(within(t, 5*time.Second), []byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, err = c.DialRaft(within(t, 5*time.Second), at, "someone else"); !errors.As(err, &refused) {
			t.Fatalf("raft for another node: %v", err)
		}
	})
}

func TestCloseEndsHandlersAndCalls(t *testing.T) {
	onFields(t, func(t *testing.T, server, client Network, addr, local string) {
		s := listen(t, server, addr, Options{})
		c := listen(t, client, local, Options{})
		h, got := hang()
		s.Serve(h)
		l := c.Link(s.Addr().String())
		done := make(chan error)
		go func() {
			_, err := l.Call(context.Background(), []byte("x"))
			done <- err
		}()
		<-got
		c.Close() // the caller's side this time
		wantErr(t, <-done, ErrUnknown)
		_, err := l.Call(context.Background(), []byte("x"))
		wantErr(t, err, ErrNotSent)
		if _, err := c.DialRaft(context.Background(), s.Addr().String(), ""); err == nil {
			t.Fatal("dialed from a closed mux")
		}
	})
}

func TestOptions(t *testing.T) {
	_, err := Listen(NewMemory().Host("a"), "a:1", Options{PingEvery: 2 * time.Second, DeadAfter: time.Second})
	if err == nil {
		t.Fatal("took pings that are too rare")
	}
}

func BenchmarkCall(b *testing.B) {
	for _, callers := range []int{1, 50} {
		b.Run(fmt.Sprintf("tcp/%d", callers), func(b *testing.B) { benchmarkCall(b, callers, 256) })
	}
	b.Run("tcp/1/256KiB", func(b *testing.B) { benchmarkCall(b, 1, 256<<10) })
}

func benchmarkCall(b *testing.B, callers, size int) {
	s := listen(b, TCP{}, "127.0.0.1:0", Options{})
	c := listen(b, TCP{}, "127.0.0.1:0", Options{})
	s.Serve(func(_ context.Context, req []byte) ([]byte, error) { return req[:8], nil })
	l := c.Link(s.Addr().String())
	req := make([]byte, size)
	b.SetBytes(int64(size))
	b.ReportAllocs()
	var wg sync.WaitGroup
	work := make(chan struct{}, b.N)
	for range b.N {
		work <- struct{}{}
	}
	close(work)
	b.ResetTimer()
	for range callers {
		wg.Go(func() {
			for range work {
				if _, err := l.Call(context.Background(), req); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}
