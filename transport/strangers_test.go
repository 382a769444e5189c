package transport

import (
	"context"
	"io"
	"net"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// TestStrangers has a host open many connections that never say a word. Peers get
// in meanwhile, from there as from elsewhere, and the strangers take little.
func TestStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMemory()
		s := listen(t, m.Host("a"), "a:1", Options{Secrets: knowing(ourSecret), MaxStrangers: 20})
		s.Serve(echo)
		ctx := context.Background()
		closed := make(chan struct{}, 1000)
		for range 200 {
			conn, err := m.Host("evil").Dial(ctx, "a:1")
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.Write([]byte{kindProof})
			go func() {
				io.Copy(io.Discard, conn)
				closed <- struct{}{}
			}()
			synctest.Wait()
		}
		if n := s.strangers.count; n != 20 || len(closed) != 180 {
			t.Fatalf("%d strangers, %d closed", n, len(closed))
		}
		began := time.Now()
		for _, host := range []string{"b", "evil"} {
			c := listen(t, m.Host(host), host+":9", Options{Secrets: knowing(ourSecret)})
			if _, err := c.Link("a:1").Call(ctx, []byte("x")); err != nil {
				t.Fatal(err)
			}
		}
		if time.Since(began) > 0 {
			t.Fatalf("a peer waited %v", time.Since(began))
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if n := s.strangers.count; n != 0 || len(s.strangers.hosts) != 0 || len(closed) != 200 {
			t.Fatalf("at the end %d strangers of %d hosts, %d closed", n, len(s.strangers.hosts), len(closed))
		}
	})
}

// TestStrangersWords sends much before a proof: none of it is kept, and the
// connection ends.
func TestStrangersWords(t *testing.T) {
	s := listen(t, TCP{}, "127.0.0.1:0", Options{Secrets: knowing(ourSecret)})
	s.Serve(strictly(t))
	go func() {
		for {
			conn, err := s.Raft().Accept()
			if err != nil {
				return
			}
			t.Error("a stranger reached raft")
			conn.Close()
		}
	}()
	chunk := make([]byte, 1<<20)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, start := range [][]byte{
		{KindCall, 0, 0}, {KindRaft, 0, 0}, append([]byte{KindCall, 0, 0}, header(MaxFrame, frameCall)...),
		{kindProof, proofVersion}, {kindProof, 99}, {kindProof}, {0}, {0xff}, []byte("GET / HTTP/1.1\r\n"), {22, 3, 1, 2, 0},
	} {
		conn, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		conn.Write(start)
		sent := 0
		for err == nil && sent < 64 {
			_, err = conn.Write(chunk)
			sent++
		}
		if err == nil {
			t.Errorf("%q: %d MB were taken", start, sent)
		}
		conn.Close()
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 4<<20 {
		t.Errorf("strangers made us take %d bytes", took)
	}
}

func TestThrottle(t *testing.T) {
	var l throttle
	now := time.Now()
	passed, left := 0, 0
	for i := range 1000 { // 10 s of a line each 10 ms
		ok, out := l.pass(now.Add(time.Duration(i) * 10 * time.Millisecond))
		if left += out; ok {
			passed++
		}
	}
	if passed != 19 || left+l.left != 1000-passed {
		t.Errorf("%d lines passed, %d were counted", passed, left+l.left)
	}
}
