package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// Tests here run in a bubble: time passes only when all wait, so the waits of
// seconds cost nothing and the bounds are exact.

// pair connects host b to host a.
func pair(t *testing.T, m *Memory) (near, far net.Conn) {
	t.Helper()
	ln, err := m.Host("a").Listen("a:1")
	if err != nil {
		t.Fatal(err)
	}
	near, err = m.Host("b").Dial(context.Background(), "a:1")
	if err != nil {
		t.Fatal(err)
	}
	far, err = ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close(); far.Close(); ln.Close() })
	return near, far
}

func TestMemoryStallAndHeal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMemory()
		near, far := pair(t, m)
		m.Partition("a", "b")
		near.Write([]byte("hello"))
		far.SetReadDeadline(time.Now().Add(time.Minute))
		buf := make([]byte, 10)
		if n, err := far.Read(buf); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("across the cut: %d, %v", n, err)
		}
		near.Close() // neither does the end pass
		go func() {
			time.Sleep(time.Minute)
			m.Heal("b", "a") // either order
		}()
		far.SetReadDeadline(time.Time{})
		start := time.Now()
		got, err := io.ReadAll(far)
		if string(got) != "hello" || err != nil || time.Since(start) != time.Minute {
			t.Fatalf("after heal: %q, %v in %v", got, err, time.Since(start))
		}
		if _, err := far.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
			t.Fatalf("write to a closed peer: %v", err)
		}
	})
}

func TestMemoryDial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMemory()
		b := m.Host("b")
		if _, err := b.Dial(context.Background(), "a:1"); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatalf("nobody listens: %v", err)
		}
		pair(t, m)
		m.Partition("a", "b")
		start := time.Now()
		_, err := b.Dial(context.Background(), "a:1")
		var timeout net.Error
		if !errors.As(err, &timeout) || !timeout.Timeout() || time.Since(start) != memoryDialTimeout {
			t.Fatalf("across the cut: %v after %v", err, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := b.Dial(ctx, "a:1"); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("across the cut: %v", err)
		}
		time.AfterFunc(time.Second, m.HealAll)
		conn, err := b.Dial(context.Background(), "a:1")
		if err != nil {
			t.Fatalf("healed while dialing: %v", err)
		}
		conn.Close()
		if _, err := b.Listen("a:9"); err == nil {
			t.Fatal("listened on another host's address")
		}
	})
}

func TestMemoryDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMemory()
		near, far := pair(t, m)
		m.Delay(50 * time.Millisecond)
		start := time.Now()
		near.Write([]byte("slow"))
		m.Delay(0)
		near.Write([]byte("fast")) // does not overtake
		buf := make([]byte, 8)
		if _, err := io.ReadFull(far, buf); err != nil || string(buf) != "slowfast" {
			t.Fatalf("%q, %v", buf, err)
		}
		if d := time.Since(start); d != 50*time.Millisecond {
			t.Fatalf("took %v", d)
		}
	})
}

func TestMemoryBackpressureAndDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMemory()
		near, far := pair(t, m)
		big := bytes.Repeat([]byte("0123456789"), pipeSize/4)
		near.SetWriteDeadline(time.Now().Add(time.Second))
		n, err := near.Write(big)
		if n != pipeSize || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("wrote %d, %v", n, err)
		}
		near.SetWriteDeadline(time.Time{})
		go func() {
			near.Write(big[n:])
			near.Close()
		}()
		if got, err := io.ReadAll(far); err != nil || !bytes.Equal(got, big) {
			t.Fatalf("read %d of %d, %v", len(got), len(big), err)
		}
	})
}

func TestMemoryKill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMemory()
		near, far := pair(t, m)
		m.Kill("a")
		if _, err := near.Read(make([]byte, 1)); err != io.EOF {
			t.Fatalf("peer of the dead: %v", err)
		}
		if _, err := far.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Fatalf("the dead: %v", err)
		}
		if _, err := m.Host("b").Dial(context.Background(), "a:1"); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatalf("dial the dead: %v", err)
		}
		ln, err := m.Host("a").Listen(":1")
		if err != nil || ln.Addr().String() != "a:1" {
			t.Fatalf("restart: %v", err)
		}
		ln.Close()
	})
}

// TestPartitionedLink: a cut shorter than DeadAfter is a pause, a longer one
// breaks the link, on both sides, and the next call dials anew.
func TestPartitionedLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMemory()
		s := listen(t, m.Host("a"), "a:1", Options{})
		c := listen(t, m.Host("b"), "b:1", Options{})
		ended := make(chan time.Time, 1)
		s.Serve(func(ctx context.Context, req []byte) ([]byte, error) {
			if string(req) == "hang" {
				<-ctx.Done()
				ended <- time.Now()
			}
			return req, nil
		})
		l := c.Link("a:1")
		call := func(req string) error {
			_, err := l.Call(context.Background(), []byte(req))
			return err
		}
		if err := call("x"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour) // idle is not dead
		first := l.current.client

		m.Partition("a", "b")
		time.AfterFunc(1500*time.Millisecond, m.HealAll)
		if err := call("x"); err != nil {
			t.Fatalf("short cut: %v", err)
		}
		if l.current.client != first {
			t.Fatal("the connection did not last")
		}

		start := time.Now()
		time.AfterFunc(10*time.Millisecond, func() { m.Partition("a", "b") })
		wantErr(t, call("hang"), ErrUnknown)
		if d := time.Since(start); d < 2*time.Second || d > 3100*time.Millisecond {
			t.Fatalf("noticed after %v", d)
		}
		if d := (<-ended).Sub(start); d > 3100*time.Millisecond {
			t.Fatalf("the handler's side noticed after %v", d)
		}
		wantErr(t, call("x"), ErrNotSent) // the dial times out
		m.HealAll()
		if err := call("x"); err != nil {
			t.Fatalf("after heal: %v", err)
		}
	})
}

// TestWithdraw: what waits behind a stalled write was never sent.
func TestWithdraw(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMemory()
		s := listen(t, m.Host("a"), "a:1", Options{})
		c := listen(t, m.Host("b"), "b:1", Options{})
		s.Serve(echo)
		l := c.Link("a:1")
		if _, err := l.Call(context.Background(), nil); err != nil {
			t.Fatal(err)
		}
		m.Partition("a", "b")
		big, small, late := make(chan error, 1), make(chan error, 1), make(chan error, 1)
		call := func(size int, ctx context.Context, done chan error) {
			_, err := l.Call(ctx, make([]byte, size))
			done <- err
		}
		short, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		go call(2*pipeSize, context.Background(), big)
		synctest.Wait()
		go call(1, short, small)
		go call(1, context.Background(), late)
		wantErr(t, <-small, ErrNotSent) // by its ctx
		wantErr(t, <-big, ErrUnknown)
		wantErr(t, <-late, ErrNotSent) // by the break
	})
}

// TestServeLate: calls that come before the handler wait for it.
func TestServeLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMemory()
		s := listen(t, m.Host("a"), "a:1", Options{})
		c := listen(t, m.Host("b"), "b:1", Options{})
		time.AfterFunc(time.Second, func() { s.Serve(echo) })
		if _, err := c.Link("a:1").Call(context.Background(), nil); err != nil {
			t.Fatal(err)
		}
	})
}

// TestHelloTimeout: one who connects and says nothing is shown out.
func TestHelloTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMemory()
		listen(t, m.Host("a"), "a:1", Options{})
		conn, err := m.Host("b").Dial(context.Background(), "a:1")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		start := time.Now()
		if _, err := conn.Read(make([]byte, 1)); err != io.EOF || time.Since(start) != 3*time.Second {
			t.Fatalf("%v after %v", err, time.Since(start))
		}
	})
}
