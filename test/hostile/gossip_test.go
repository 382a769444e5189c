//go:build hostile

package hostile

import (
	"encoding/binary"
	"io"
	"net"
	"time"

	"github.com/trivetdb/trivet/resp"
)

// gossips are messages to the port of gossip, by TCP and UDP, from who knows no key:
// section B8.
var gossips = group{name: "B8 gossip", inputs: []input{
	{name: "three messages of 4.5 MB", want: anything, send: gossiped(3, compressed(zeros(4_500_000)))},
	{name: "a push/pull of two billion nodes", want: anything, send: gossiped(3, pushPull(1<<31, 0))},
	{name: "a push/pull of -1 nodes", want: anything, send: gossiped(1, pushPull(-1, 0))},
	{name: "a push/pull with 1 TB of state", want: anything, send: gossiped(3, pushPull(0, 1<<40))},
	{name: "a user message of 1 TB", want: anything, send: gossiped(3, append(append([]byte{userMessage, 0x81}, packText("UserMsgLen")...), packInt(1<<40)...))},
	{name: "an array of four billion", want: anything, send: gossiped(3, []byte{pushPullMessage, 0xdd, 0xff, 0xff, 0xff, 0xff})},
	{name: "100 datagrams of 60 KB", want: anything, send: func(s *scene) (resp.Value, error) {
		conn, err := net.Dial("udp", s.at.Gossip)
		if err != nil {
			return resp.Nil, err
		}
		defer conn.Close()
		message := compressed(zeros(60_000))
		for range 100 {
			if _, err := conn.Write(message); err != nil {
				return resp.Nil, err
			}
			time.Sleep(10 * time.Millisecond)
		}
		return resp.OK, nil
	}},
	{name: "1,000 connections that say nothing", want: anything, send: func(s *scene) (resp.Value, error) {
		open, err := flood(s.at.Gossip, 1000, nil)
		time.Sleep(2 * time.Second)
		hangUp(open)
		return resp.OK, err
	}},
}}

// The first bytes of memberlist's messages.
const (
	pushPullMessage   = 6
	userMessage       = 8
	compressedMessage = 9
)

// gossiped sends a message so many times at once, each by a connection of its own, and
// waits until all have been dealt with.
func gossiped(times int, message []byte) func(*scene) (resp.Value, error) {
	return func(s *scene) (resp.Value, error) {
		parallel(times, func(int) (resp.Value, error) {
			conn, err := net.DialTimeout("tcp", s.at.Gossip, 5*time.Second)
			if err != nil {
				return resp.Nil, err
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(15 * time.Second))
			conn.Write(message)
			conn.(*net.TCPConn).CloseWrite()
			io.Copy(io.Discard, conn)
			return resp.OK, nil
		})
		return resp.OK, nil
	}
}

func pushPull(nodes, state int64) []byte {
	m := append([]byte{pushPullMessage, 0x83}, packText("Nodes")...)
	m = binary.BigEndian.AppendUint64(append(m, 0xd3), uint64(nodes))
	m = append(append(m, packText("UserStateLen")...), packInt(uint64(state))...)
	return append(append(m, packText("Join")...), 0xc2)
}

// compressed wraps what LZW is to make longer.
func compressed(lzw []byte) []byte {
	m := append([]byte{compressedMessage, 0x82}, packText("Algo")...)
	m = append(append(m, 0), packText("Buf")...)
	m = binary.BigEndian.AppendUint32(append(m, 0xdb), uint32(len(lzw)))
	return append(m, lzw...)
}

// zeros returns so many bytes of LZW, as compress/lzw reads it (LSB, 8 bits), that stand
// for some 1,300 times as many zeros: each code is the one that the code before it
// has just defined, so it stands for one zero more.
func zeros(size int) []byte {
	const clear, most = 256, 1<<12 - 1
	var out []byte
	var bits uint64
	held := 0
	put := func(code, width int) {
		bits |= uint64(code) << held
		for held += width; held >= 8; held -= 8 {
			out = append(out, byte(bits))
			bits >>= 8
		}
	}
	for len(out) < size {
		put(clear, 9)
		put(0, 9)
		for code := clear + 2; code <= most; code++ {
			width := 9
			for code >= 1<<width {
				width++
			}
			put(code, width)
		}
		// The table is full, and codes stay 12 bits wide until the next clear.
		put(clear, 12)
	}
	return out
}
