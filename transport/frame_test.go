package transport

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"runtime"
	"testing"
	"time"
)

func TestFrameRoundTrip(t *testing.T) {
	var buf bytes.Buffer
	out := bufio.NewWriterSize(&buf, 64) // small, so that headers straddle flushes
	sizes := []int{0, 1, 40, 63, 64, 65, firstChunk, firstChunk + 1, 3 * firstChunk}
	for i, n := range sizes {
		f := frame{kind: frameReply, id: uint64(i) << 40, body: bytes.Repeat([]byte{byte(i)}, n)}
		if err := writeFrame(out, f); err != nil {
			t.Fatal(err)
		}
	}
	out.Flush()
	in := bufio.NewReader(&buf)
	for i, n := range sizes {
		f, err := readFrame(in)
		if err != nil || f.kind != frameReply || f.id != uint64(i)<<40 || !bytes.Equal(f.body, bytes.Repeat([]byte{byte(i)}, n)) {
			t.Fatalf("frame %d: %v", i, err)
		}
	}
	if _, err := readFrame(in); err != io.EOF {
		t.Fatalf("at the end: %v", err)
	}
}

func header(n uint32, kind frameKind) []byte {
	b := binary.BigEndian.AppendUint32(nil, n)
	return append(binary.BigEndian.AppendUint64(b, 7), byte(kind))
}

func TestFrameClaims(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 100 {
		in := bufio.NewReader(bytes.NewReader(append(header(MaxFrame, frameCall), "short"...)))
		if _, err := readFrame(in); err != io.ErrUnexpectedEOF {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if got := (after.TotalAlloc - before.TotalAlloc) / 100; got > 2*firstChunk {
		t.Fatalf("allocated %d bytes for 5 that came", got)
	}
	for _, bad := range [][]byte{header(MaxFrame+1, frameCall), header(0, 0), header(0, framePing+1), header(1, frameCall)[:5]} {
		if _, err := readFrame(bufio.NewReader(bytes.NewReader(bad))); err == nil {
			t.Fatalf("took %x", bad)
		}
	}
}

func FuzzReadFrame(f *testing.F) {
	f.Add(append(header(3, frameCall), "abc"...))
	f.Add(header(MaxFrame, frameReply))
	f.Fuzz(func(t *testing.T, data []byte) {
		in := bufio.NewReader(bytes.NewReader(data))
		for {
			got, err := readFrame(in)
			if err != nil {
				return
			}
			if len(got.body) > len(data) {
				t.Fatal("more than was there")
			}
		}
	})
}

// TestGarbage speaks to a mux as strangers do; it must hang up on each and
// serve on.
func TestGarbage(t *testing.T) {
	onFields(t, func(t *testing.T, server, client Network, addr, local string) {
		s := listen(t, server, addr, Options{})
		c := listen(t, client, local, Options{})
		s.Serve(echo)
		at := s.Addr().String()
		hello := []byte{KindCall, 0, 0}
		for name, sent := range map[string][]byte{
			"first byte":   []byte("GET / HTTP/1.1\r\n\r\n"),
			"too large":    append(hello, header(MaxFrame+1, frameCall)...),
			"unknown kind": append(hello, header(0, 99)...),
			"not a call":   append(hello, header(0, frameReply)...),
		} {
			conn, err := client.Dial(within(t, 5*time.Second), at)
			if err != nil {
				t.Fatal(err)
			}
			conn.SetDeadline(time.Now().Add(2 * time.Second)) // less than DeadAfter
			conn.Write(sent)
			_, err = io.Copy(io.Discard, conn)
			if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
				t.Errorf("%s: not closed: %v", name, err)
			}
			conn.Close()
		}
		if _, err := c.Link(at).Call(within(t, 5*time.Second), []byte("x")); err != nil {
			t.Fatal(err)
		}
	})
}
