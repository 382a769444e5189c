package gossip

import (
	"bytes"
	"compress/lzw"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-msgpack/v2/codec"
	"github.com/hashicorp/memberlist"
)

// message encodes one of memberlist's.
func message(t testing.TB, kind byte, body any) []byte {
	t.Helper()
	b := bytes.NewBuffer([]byte{kind})
	if err := codec.NewEncoder(b, &codec.MsgpackHandle{}).Encode(body); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// packed compresses a message.
func packed(t testing.TB, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := lzw.NewWriter(&b, lzw.LSB, 8)
	w.Write(text)
	w.Close()
	return message(t, kindCompress, compressed{Buf: b.Bytes()})
}

func checked(text []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{kindChecksum}, crc32.ChecksumIEEE(text)), text...)
}

func together(parts ...[]byte) []byte {
	b := []byte{kindCompound, byte(len(parts))}
	for _, p := range parts {
		b = binary.BigEndian.AppendUint16(b, uint16(len(p)))
	}
	return append(b, bytes.Join(parts, nil)...)
}

type header struct {
	Nodes, UserStateLen int
	Join                bool
}

// state is a push/pull message that tells of n nodes.
func state(t testing.TB, n int) []byte {
	b := message(t, kindPushPull, header{Nodes: n, Join: true})
	for i := range n {
		b = append(b, message(t, 0, struct {
			Name        string
			Addr        []byte
			Port        uint16
			Meta        []byte
			Incarnation uint32
			State       int
			Vsn         []uint8
		}{fmt.Sprintf("forged-%d-%d", n, i), []byte{127, 0, 0, 1}, 9, nil, 1, 0, []uint8{1, 5, 2, 0, 0, 0}})[1:]...)
	}
	return b
}

// bombs are messages that take far more memory than they have bytes.
func bombs(t testing.TB) map[string][]byte {
	zeros := packed(t, make([]byte, 39<<20))
	huge := []byte{kindCompress, 0x82, 0xa4, 'A', 'l', 'g', 'o', 0, 0xa3, 'B', 'u', 'f', 0xc6, 0xff, 0xff, 0xff, 0xf0}
	return map[string][]byte{
		"compressed":            zeros,
		"compressed twice":      packed(t, zeros),
		"compressed header":     packed(t, append(message(t, kindPushPull, header{Nodes: 1 << 20}), make([]byte, 1<<20)...)),
		"many nodes":            message(t, kindPushPull, header{Nodes: 1 << 20}),
		"negative":              message(t, kindPushPull, header{Nodes: -1}),
		"user state":            append(message(t, kindPushPull, header{UserStateLen: 20 << 20}), make([]byte, 1<<20)...),
		"user message":          message(t, 8, struct{ UserMsgLen int }{20 << 20}),
		"encrypted":             append([]byte{kindEncrypt, 1, 0x3f, 0xff, 0xff}, make([]byte, 20<<20)...),
		"encrypted, compressed": packed(t, append([]byte{kindEncrypt, 1, 0x3f, 0xff, 0xff}, make([]byte, 1<<20)...)),
		"length":                huge,
		"endless":               append(huge, make([]byte, 8<<20)...),
		"label":                 {244, 255, 1},
		"nothing":               {},
		"unknown":               {99},
		"empty":                 packed(t, nil),
	}
}

// TestHostile sends bombs to a node by TCP and UDP, on many connections, and
// has a stranger answer with them. The node takes little memory, and goes on finding
// others. It does so whether strangers need a key or not.
func TestHostile(t *testing.T) {
	all := bombs(t)
	for name, keys := range map[string][][]byte{"open": nil, "keyed": {[]byte("0123456789abcdef")}} {
		t.Run(name, func(t *testing.T) {
			a := mustStart(t, Options{ID: "a-1", Keys: keys})
			for what, bomb := range all {
				const times = 5
				took := allocated(func() {
					for range times {
						send(t, a.Addr(), bomb)
					}
				})
				if limit := times * mayTake; took > limit {
					t.Errorf("%s: took %d MB for %d messages", what, took>>20, times)
				}
			}
			var packets [][]byte
			for _, bomb := range all {
				if len(bomb) < 60000 {
					packets = append(packets, bomb, checked(bomb), together(bomb), checked(together(bomb, bomb)), packed(t, together(bomb)))
				}
			}
			took := allocated(func() {
				for _, p := range packets {
					packet(t, a.Addr(), p)
				}
			})
			if took > 16<<20 {
				t.Errorf("%d packets took %d MB", len(packets), took>>20)
			}
			b := mustStart(t, Options{ID: "b-1", Join: []string{a.Addr()}, Keys: keys})
			eventually(t, "found each other", func() bool { return sees(a) == "b-1" && sees(b) == "a-1" })
		})
	}
}

// mayTake is how many bytes one message may take: memberlist reads half a
// megabyte into a buffer that grows, and logs. The race detector doubles what
// growing takes. Each bomb would take 16 MB or more.
const mayTake uint64 = 8 * maxStream

// allocated returns how many bytes are allocated while f runs and shortly after.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	time.Sleep(100 * time.Millisecond)
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// send sends a message, and waits for the end of the connection.
func send(t *testing.T, addr string, message []byte) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(4 * time.Second))
	if _, err := conn.Write(message); err == nil {
		conn.(*net.TCPConn).CloseWrite()
	}
	io.Copy(io.Discard, conn)
}

func packet(t *testing.T, addr string, message []byte) {
	conn, err := net.Dial("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.Write(message) // some are larger than a packet may be
}

// TestHostileAnswer has a node join a stranger, who answers with bombs.
func TestHostileAnswer(t *testing.T) {
	for what, bomb := range bombs(t) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				conn.SetDeadline(time.Now().Add(2 * time.Second))
				conn.Write(bomb)
				conn.(*net.TCPConn).CloseWrite()
				io.Copy(io.Discard, conn)
				conn.Close()
			}
		}()
		a := mustStart(t, Options{ID: "a-1"})
		if took := allocated(func() { a.list.Join([]string{l.Addr().String()}) }); took > mayTake {
			t.Errorf("%s: took %d MB", what, took>>20)
		}
		l.Close()
		a.Close()
	}
}

// fed is a network whose connections come from a test.
type fed struct {
	memberlist.NodeAwareTransport
	conns chan net.Conn
}

func (f fed) StreamCh() <-chan net.Conn           { return f.conns }
func (f fed) PacketCh() <-chan *memberlist.Packet { return nil }
func (f fed) Shutdown() error                     { return nil }

// TestManyConnections has a stranger open more connections than there may be, and
// say nothing. The oldest are closed; those that end make room.
func TestManyConnections(t *testing.T) {
	f := fed{conns: make(chan net.Conn)}
	g := newGuard(f, false)
	defer g.Shutdown()
	var theirs, ours []net.Conn
	open := func() {
		there, here := net.Pipe()
		f.conns <- here
		theirs, ours = append(theirs, there), append(ours, <-g.StreamCh())
	}
	ended := func(conn net.Conn) bool {
		conn.SetReadDeadline(time.Now().Add(time.Millisecond))
		_, err := conn.Read(make([]byte, 1))
		return err == io.EOF
	}
	for range 5 * maxConns {
		open()
	}
	for i, conn := range theirs {
		if want := i < 4*maxConns; ended(conn) != want {
			t.Fatalf("connection %d of %d: closed is %v", i, len(theirs), !want)
		}
	}
	for _, conn := range ours {
		conn.Close()
		conn.Close()
	}
	for range maxConns {
		open()
	}
	if ended(theirs[5*maxConns]) {
		t.Error("connections that ended still count")
	}
}

// TestForgedNodes tells of more nodes than a cluster could have.
func TestForgedNodes(t *testing.T) {
	a := mustStart(t, Options{ID: "a-1"})
	for n := maxNodes; n > maxNodes-5; n-- {
		send(t, a.Addr(), state(t, n))
	}
	if n := len(a.Peers()); n < maxNodes/2 || n > maxNodes {
		t.Errorf("%d nodes are known, at most %d may be", n, maxNodes)
	}
	if n := a.list.NumMembers(); n > maxNodes+1 {
		t.Errorf("memberlist knows %d", n)
	}
}

// TestPlain lets through what memberlist says, and nothing that hides something.
func TestPlain(t *testing.T) {
	ping := message(t, kindPing, struct{ SeqNo int }{1})
	for i, c := range []struct{ in, want []byte }{
		{ping, ping},
		{checked(ping), ping},
		{packed(t, ping), ping},
		{checked(packed(t, ping)), ping},
		{checked(packed(t, together(ping, ping))), together(ping, ping)},
		{together(), together()},
		{append([]byte{1}, "cipher text"...), append([]byte{1}, "cipher text"...)},
		{append(checked(ping), 0), nil},
		{packed(t, packed(t, ping)), nil},
		{packed(t, checked(ping)), nil},
		{checked(checked(ping)), nil},
		{together(ping, packed(t, ping)), nil},
		{together(ping, together(ping)), nil},
		{together(checked(ping)), nil},
		{[]byte{kindCompound}, nil},
		{[]byte{kindCompound, 3, 0}, nil},
		{nil, nil},
		{[]byte{kindCompress}, nil},
		{[]byte{kindCompress, 1, 2, 3}, nil},
	} {
		if got := plain(c.in); !bytes.Equal(got, c.want) {
			t.Errorf("%d: %q becomes %q, want %q", i, c.in, got, c.want)
		}
	}
}

// TestSift: what is let through reads as it was sent, decompressed.
func TestSift(t *testing.T) {
	whole := state(t, 3)
	for _, in := range [][]byte{whole, packed(t, whole), message(t, kindPing, header{}), {kindEncrypt, 1, 2, 3}} {
		r, err := sift(bytes.NewReader(in))
		if err != nil {
			t.Fatal(err)
		}
		want := in
		if in[0] == kindCompress {
			want = whole
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%q becomes %q, %v", in, got, err)
		}
	}
}

func FuzzSift(f *testing.F) {
	f.Add(state(f, 2))
	f.Add(packed(f, state(f, 2)))
	f.Add([]byte(strings.Repeat("\x09", 100)))
	f.Fuzz(func(t *testing.T, data []byte) {
		if r, err := sift(bytes.NewReader(data)); err == nil {
			io.Copy(io.Discard, r)
		}
		plain(data)
	})
}
