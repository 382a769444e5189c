package fsm

import (
	"encoding/binary"
	"hash/crc64"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/trivetdb/trivet/fsm/rdb"
)

// sampleFiles are values in Redis's encodings, of all kinds.
var sampleFiles = sync.OnceValue(func() (all [][]byte) {
	files, _ := filepath.Glob("rdb/testdata/*.dump")
	for _, name := range files {
		if data, err := os.ReadFile(name); err == nil {
			all = append(all, data)
		}
	}
	for _, tail := range sampleDumps() {
		all = append(all, []byte(tail[1]))
	}
	return all
})

var jonesTable = crc64.MakeTable(0x95ac9329ac4bc9b5)

// resealed puts the right checksum at the end of a dump.
func resealed(b []byte) []byte {
	if len(b) < 8 {
		return b
	}
	body := b[:len(b)-8]
	return binary.LittleEndian.AppendUint64(body, ^crc64.Update(^uint64(0), jonesTable, body))
}

// dump draws the encoding of a value that is there, or a sample.
func (h *attacker) dump() []byte {
	if h.IntN(3) > 0 {
		return pick(h, sampleFiles())
	}
	kinds := []string{"list", "set", "sorted-set", "hash", "stream", "hyperloglog", "bitmap", "geo", "key"}
	key := pick(h, kinds) + ":" + pick(h, []string{"0", "1", "2", "3"})
	v := h.states.all[0].Read(Request{Command: Lookup("DUMP"), Args: bulks("DUMP", key)})
	if len(v.Str) == 0 || v.IsError() || len(v.Str) > 1<<20 {
		return pick(h, sampleFiles())
	}
	return []byte(v.Str)
}

// lengths are the encodings of lengths in dumps, and what lies about them.
var lengths = []string{
	"\x00", "\x01", "\x3f", "\x40\xff", "\x7f\xff", "\x80\xff\xff\xff\xff", "\x80\x7f\xff\xff\xff", "\x80\x00\x10\x00\x00",
	"\x81\xff\xff\xff\xff\xff\xff\xff\xff", "\x81\x7f\xff\xff\xff\xff\xff\xff\xff", "\x81\x00\x00\x00\x01\x00\x00\x00\x00", "\xc0\xff", "\xc1\xff\xff", "\xc2\xff\xff\xff\x7f",
	"\xc3\x05\x80\x20\x00\x00\x00\x00aaaaa", "\xc3\x0a\x80\x1f\x00\x00\x00\xe0\xff\x00\xe0\xff\x00", "\xff", "\xf0\xff\xff\xff", "\x0b\x00\x00\x00\xff\xff",
}

// mutated changes a few bytes of data, but for the last keep.
func (h *attacker) mutated(data []byte, keep int) []byte {
	b := slices.Clone(data)
	for n := h.IntN(6); n > 0 && len(b) > keep; n-- {
		at := h.IntN(len(b) - keep)
		if h.IntN(2) == 0 {
			at = min(at, h.IntN(24))
		}
		switch h.IntN(8) {
		case 0:
			b[at] ^= 1 << h.IntN(8)
		case 1:
			b[at] = byte(h.IntN(256))
		case 2:
			b = slices.Insert(b, at, byte(h.IntN(256)))
		case 3:
			b = slices.Delete(b, at, min(at+1+h.IntN(4), len(b)-keep))
		case 4:
			b = slices.Insert(b, at, []byte(pick(h, lengths))...)
		case 5:
			l := pick(h, lengths)
			b = slices.Replace(b, at, min(at+len(l), len(b)-keep), []byte(l)...)
		case 6: // a part, again and again
			part := slices.Clone(b[at:min(at+1+h.IntN(40), len(b)-keep)])
			b = slices.Insert(b, at, slices.Repeat(part, min(h.count(), 1+(1<<20)/len(part)))...)
		case 7:
			b[at] = byte(pick(h, []int{0, 1, 127, 128, 254, 255}))
		}
	}
	return b
}

// restore draws a RESTORE of a payload that is nearly right, and has the right
// checksum.
func (h *attacker) restore() hostileCommand {
	payload := resealed(h.mutated(h.dump(), 10))
	kind := pick(h, []string{"list", "set", "sorted-set", "hash", "stream", "key", "hyperloglog", "bitmap"})
	args := bulks("RESTORE", kind+":"+pick(h, []string{"0", "1", "2"}), pick(h, []string{"0", "0", "0", "7", "9223372036854775807"}), "", "REPLACE")
	args[3] = payload
	if h.IntN(4) == 0 {
		args = append(args, bulks("ABSTTL", "FREQ", pick(h, edges))...)
	}
	return hostileCommand{"RESTORE", args, nil}
}

// library draws a FUNCTION LOAD or RESTORE.
func (h *attacker) library() hostileCommand {
	code := h.libraryCode()
	if h.IntN(3) > 0 {
		return hostileCommand{"FUNCTION|LOAD", bulks("FUNCTION|LOAD", "LOAD", "REPLACE", code), nil}
	}
	codes := []string{code}
	for n := h.IntN(3); n > 0; n-- {
		codes = append(codes, h.libraryCode())
	}
	dump := resealed(h.mutated(rdb.AppendLibraries(nil, codes), 10))
	args := bulks("FUNCTION|RESTORE", "RESTORE", "", pick(h, []string{"FLUSH", "APPEND", "REPLACE"}))
	args[2] = dump
	return hostileCommand{"FUNCTION|RESTORE", args, nil}
}

// malformed draws the body of a batch that no node makes.
func (h *attacker) malformed() []byte {
	s := &hostileStep{DB: h.IntN(3)}
	for range 1 + h.IntN(4) {
		s.Commands = append(s.Commands, h.command())
	}
	body := s.body()
	switch h.IntN(6) {
	case 0:
		return body[:h.IntN(len(body)+1)]
	case 1:
		return append(body, body[:h.IntN(len(body)+1)]...)
	case 2:
		return []byte{byte(h.IntN(256))}
	case 3: // counts that lie
		n := pick(h, []uint64{0, 1 << 20, 1 << 31, 1<<63 - 1, 1<<64 - 1})
		b := binary.AppendUvarint([]byte{0}, n)
		if h.IntN(2) == 0 {
			b = binary.AppendUvarint(append(b, 1), pick(h, []uint64{0, 1, 1 << 40, 1<<64 - 1}))
		}
		return append(b, body[2:]...)
	}
	return h.mutated(body, 0)
}
