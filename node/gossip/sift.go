package gossip

import (
	"bufio"
	"bytes"
	"compress/lzw"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/hashicorp/go-msgpack/v2/codec"
)

// The kinds of memberlist's messages that matter here: the first byte of each.
const (
	kindPing     = 0
	kindPushPull = 6
	kindCompound = 7
	kindCompress = 9
	kindEncrypt  = 10
	kindChecksum = 12
	kindError    = 13
)

var errRefused = errors.New("gossip refuses a message of this kind or size")

// compressed is the body of a compressed message.
type compressed struct {
	Algo uint8 // 0: LZW, the only one
	Buf  []byte
}

// unpack returns what a compressed message stands for, up to limit bytes of it.
func unpack(body io.Reader, limit int) ([]byte, error) {
	var c compressed
	if err := codec.NewDecoder(body, &codec.MsgpackHandle{}).Decode(&c); err != nil {
		return nil, err
	}
	if c.Algo != 0 {
		return nil, errRefused
	}
	lz := lzw.NewReader(bytes.NewReader(c.Buf), lzw.LSB, 8)
	defer lz.Close()
	out, err := io.ReadAll(io.LimitReader(lz, int64(limit)+1))
	if err != nil {
		return nil, err
	}
	if len(out) == 0 || len(out) > limit || out[0] == kindCompress || out[0] == kindEncrypt {
		return nil, errRefused
	}
	return out, nil
}

// sift reads the start of a connection that needs no key, and returns it for
// memberlist, decompressed, if there is nothing in it that takes more memory than it
// has bytes.
func sift(r io.Reader) (io.Reader, error) {
	var kind [1]byte
	if _, err := io.ReadFull(r, kind[:]); err != nil {
		return nil, err
	}
	if kind[0] == kindCompress {
		out, err := unpack(bufio.NewReader(r), maxStream)
		if err != nil {
			return nil, err
		}
		kind[0], r = out[0], bytes.NewReader(out[1:])
	}
	switch kind[0] {
	case kindPing, kindError, kindEncrypt: // encrypted, it is of somebody who has a key
		return io.MultiReader(bytes.NewReader(kind[:]), r), nil
	case kindPushPull:
	default:
		return nil, fmt.Errorf("%w: %d", errRefused, kind[0])
	}
	var header struct {
		Nodes        int
		UserStateLen int
		Join         bool
	}
	var read bytes.Buffer
	read.WriteByte(kind[0])
	// The decoder reads no further than the header, as its source gives single bytes.
	if err := codec.NewDecoder(&single{io.TeeReader(r, &read)}, &codec.MsgpackHandle{}).Decode(&header); err != nil {
		return nil, err
	}
	// We tell no state of our own, and understand none.
	if header.Nodes < 0 || header.Nodes > maxNodes || header.UserStateLen != 0 {
		return nil, fmt.Errorf("%w: a state of %d nodes and %d bytes", errRefused, header.Nodes, header.UserStateLen)
	}
	return io.MultiReader(&read, r), nil
}

// single reads one byte at a time.
type single struct{ r io.Reader }

// Read implements io.Reader.
func (s *single) Read(b []byte) (int, error) { return s.r.Read(b[:min(1, len(b))]) }

// plain returns a packet that needs no key for memberlist, without its checksum and
// decompressed; nil for one that is to be dropped. One that is encrypted begins like
// a ping, and comes back as it is.
func plain(p []byte) []byte {
	if len(p) > 5 && p[0] == kindChecksum {
		if crc32.ChecksumIEEE(p[5:]) != binary.BigEndian.Uint32(p[1:]) {
			return nil
		}
		p = p[5:]
	}
	if len(p) > 1 && p[0] == kindCompress {
		out, err := unpack(bytes.NewReader(p[1:]), maxPacket)
		if err != nil {
			return nil
		}
		p = out
	}
	if len(p) == 0 || p[0] == kindCompress || p[0] == kindChecksum {
		return nil
	}
	if p[0] == kindCompound && !simple(p[1:]) {
		return nil
	}
	return p
}

// simple reports whether the parts of a compound message are single ones: its number
// of parts, their lengths in two bytes each, the parts.
func simple(p []byte) bool {
	if len(p) == 0 {
		return false
	}
	n := int(p[0])
	if len(p) < 1+2*n {
		return false
	}
	lengths, rest := p[1:1+2*n], p[1+2*n:]
	for ; len(lengths) > 0; lengths = lengths[2:] {
		size := min(int(binary.BigEndian.Uint16(lengths)), len(rest))
		if size > 0 && (rest[0] == kindCompress || rest[0] == kindCompound || rest[0] == kindChecksum) {
			return false
		}
		rest = rest[size:]
	}
	return true
}
