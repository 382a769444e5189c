package fsm

import (
	"math/bits"
	"strings"

	"github.com/trivetdb/trivet/resp"
)

// Bitmaps are strings. Bit 0 is the highest of the first byte, as in Redis.
var bitmapCommands = []Command{
	{Spec{"SETBIT", 4, Write | DenyOOM, Keys{1, 1, 1}, "bitmap", "Set or clear a bit of the string at a key.", "2.2.0"}, setBit},
	{Spec{"GETBIT", 3, Read | Fast, Keys{1, 1, 1}, "bitmap", "Get a bit of the string at a key.", "2.2.0"}, getBit},
	{Spec{"BITCOUNT", -2, Read, Keys{1, 1, 1}, "bitmap", "Count the bits that are set in a string.", "2.6.0"}, bitCount},
	{Spec{"BITPOS", -3, Read, Keys{1, 1, 1}, "bitmap", "Find the first bit that is set, or clear, in a string.", "2.8.7"}, bitPos},
	{Spec{"BITOP", -4, Write | DenyOOM, Keys{2, -1, 1}, "bitmap", "Combine strings bit by bit and store the result.", "2.6.0"}, bitOp},
	{Spec{"BITFIELD", -2, Write | DenyOOM, Keys{1, 1, 1}, "bitmap", "Get, set and add to integers of any width in a string.", "3.2.0"}, bitField},
	{Spec{"BITFIELD_RO", -2, Read | Fast, Keys{1, 1, 1}, "bitmap", "Get integers of any width in a string.", "6.0.0"}, bitFieldRO},
}

var (
	errBitOffset   = resp.Err("ERR bit offset is not an integer or out of range")
	errBitValue    = resp.Err("ERR bit is not an integer or out of range")
	errBitArgument = resp.Err("ERR The bit argument must be 1 or 0.")
)

// parseBit reads a bit that is given as 0 or 1.
func parseBit(arg []byte) (bit, ok bool) {
	n, ok := parseInt(arg)
	return n == 1, ok && n&^1 == 0
}

// parseBitOffset reads the place of a bit. With a width, # before a number
// counts in fields of that width.
func parseBitOffset(arg []byte, width int64) (int64, bool) {
	unit := int64(1)
	if width > 0 && len(arg) > 0 && arg[0] == '#' {
		arg, unit = arg[1:], width
	}
	n, ok := parseInt(arg)
	end := int64(maxString) * 8
	if !ok || n < 0 || n >= end || n*unit >= end {
		return 0, false
	}
	return n * unit, true
}

// stringAt returns the string at a key, an empty one where there is none.
func stringAt(tx *Tx, key []byte) (s string, exists bool, fail resp.Value) {
	o := tx.get(key)
	switch {
	case !isString(o):
		return "", true, errWrongType
	case o == nil:
		return "", false, resp.Nil
	}
	return o.str, true, resp.Nil
}

// putString makes a key hold s, and keeps its deadline.
func (tx *Tx) putString(key []byte, s string) {
	o := tx.get(key)
	if o == nil {
		tx.put(key, &object{str: s})
		return
	}
	o = tx.edit(key, o)
	o.str, o.kind = s, kindString
}

// setBit copies the string once where the bit changes, and not at all where it
// does not: replies may still refer to the old one.
func setBit(tx *Tx, args [][]byte) resp.Value {
	at, ok := parseBitOffset(args[2], 0)
	if !ok {
		return errBitOffset
	}
	bit, ok := parseBit(args[3])
	if !ok {
		return errBitValue
	}
	s, exists, fail := stringAt(tx, args[1])
	if fail.IsError() {
		return fail
	}
	old := bitAt(s, at)
	i := int(at >> 3)
	if exists && i < len(s) && old == bit {
		return bitReply(old)
	}
	b, mask := byte(0), byte(0x80)>>(at&7)
	if i < len(s) {
		b = s[i]
	}
	if b &^= mask; bit {
		b |= mask
	}
	tx.putString(args[1], spliced(s, i, []byte{b}))
	tx.notify(notifyString, "setbit", args[1])
	return bitReply(old)
}

// spliced returns s with patch at a place; zero bytes fill the gap before it.
func spliced(s string, at int, patch []byte) string {
	var b strings.Builder
	b.Grow(max(len(s), at+len(patch)))
	b.WriteString(s[:min(at, len(s))])
	for n := at - len(s); n > 0; n -= len(zeros) {
		b.WriteString(zeros[:min(n, len(zeros))])
	}
	b.Write(patch)
	if end := at + len(patch); end < len(s) {
		b.WriteString(s[end:])
	}
	return b.String()
}

const zeros = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" +
	"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

func bitAt(s string, at int64) bool {
	i := at >> 3
	return i < int64(len(s)) && s[i]&(0x80>>(at&7)) != 0
}

func bitReply(bit bool) resp.Value {
	if bit {
		return resp.Int(1)
	}
	return resp.Int(0)
}

func getBit(tx *Tx, args [][]byte) resp.Value {
	at, ok := parseBitOffset(args[2], 0)
	if !ok {
		return errBitOffset
	}
	s, _, fail := stringAt(tx, args[1])
	if fail.IsError() {
		return fail
	}
	return bitReply(bitAt(s, at))
}

// A bitRange is a range of the bits of a string, its end not included.
type bitRange struct{ from, to int64 }

// parseBitUnit reads what the ends of a range count: bits, or bytes of them.
func parseBitUnit(arg []byte) (unit int64, ok bool) {
	switch {
	case equalFold(arg, "BIT"):
		return 1, true
	case equalFold(arg, "BYTE"):
		return 8, true
	}
	return 0, false
}

// bitRangeOf returns the bits from start to end, both included, of a string of
// size bytes. Negative ends count from the back; those before the front are at
// the front.
func bitRangeOf(start, end, unit int64, size int) bitRange {
	n := int64(size) * 8 / unit
	if start < 0 {
		start = max(start+n, 0)
	}
	if end < 0 {
		end = max(end+n, 0)
	}
	from, to := span(start, end, int(n))
	return bitRange{int64(from) * unit, int64(to) * unit}
}

func bitCount(tx *Tx, args [][]byte) resp.Value {
	s, exists, fail := stringAt(tx, args[1])
	switch {
	case fail.IsError():
		return fail
	case !exists:
		return resp.Int(0)
	case len(args) == 2:
		return resp.Int(bitRange{0, int64(len(s)) * 8}.count(s))
	case len(args) != 4 && len(args) != 5:
		return errSyntax
	}
	start, ok1 := parseInt(args[2])
	end, ok2 := parseInt(args[3])
	if !ok1 || !ok2 {
		return errNotInteger
	}
	if start < 0 && end < 0 && start > end {
		return resp.Int(0) // before a look at the unit, as in Redis
	}
	unit := int64(8)
	if len(args) == 5 {
		var ok bool
		if unit, ok = parseBitUnit(args[4]); !ok {
			return errSyntax
		}
	}
	return resp.Int(bitRangeOf(start, end, unit, len(s)).count(s))
}

// masked calls f with the bytes of the range, whole words of eight bytes where
// it can. Bits outside the range are made those of fill.
func (r bitRange) masked(s string, fill byte, f func(at int64, word uint64, bytes int) bool) {
	if r.from >= r.to {
		return
	}
	first, last := int(r.from>>3), int((r.to-1)>>3)
	byteAt := func(i int) byte {
		b, out := s[i], byte(0)
		if i == first {
			out |= ^(0xff >> (r.from & 7))
		}
		if i == last {
			out |= 0x7f >> ((r.to - 1) & 7)
		}
		return b&^out | fill&out
	}
	for i := first; i <= last; {
		word, n := uint64(byteAt(i)), 1
		if i > first && last-i > 8 {
			word, n = word8(s[i:]), 8
		}
		if !f(int64(i)*8, word, n) {
			return
		}
		i += n
	}
}

// word8 returns the first eight bytes of s, the first of them highest.
func word8(s string) uint64 {
	_ = s[7]
	return uint64(s[0])<<56 | uint64(s[1])<<48 | uint64(s[2])<<40 | uint64(s[3])<<32 |
		uint64(s[4])<<24 | uint64(s[5])<<16 | uint64(s[6])<<8 | uint64(s[7])
}

func (r bitRange) count(s string) (n int64) {
	r.masked(s, 0, func(_ int64, word uint64, _ int) bool {
		n += int64(bits.OnesCount64(word))
		return true
	})
	return n
}

// find returns the place of the first bit of the range that is as wanted, or -1.
func (r bitRange) find(s string, bit bool) int64 {
	fill, flip := byte(0), uint64(0)
	if !bit {
		fill, flip = 0xff, ^uint64(0)
	}
	found := int64(-1)
	r.masked(s, fill, func(at int64, word uint64, n int) bool {
		word = (word ^ flip) << (64 - 8*n)
		if word != 0 {
			found = at + int64(bits.LeadingZeros64(word))
		}
		return word == 0
	})
	return found
}

func bitPos(tx *Tx, args [][]byte) resp.Value {
	n, ok := parseInt(args[2])
	switch {
	case !ok:
		return errNotInteger
	case n != 0 && n != 1:
		return errBitArgument
	}
	bit := n == 1
	s, exists, fail := stringAt(tx, args[1])
	switch {
	case fail.IsError():
		return fail
	case !exists && bit:
		return resp.Int(-1)
	case !exists:
		return resp.Int(0)
	}
	r, fail := parseBitRange(args[3:], len(s))
	if fail.IsError() {
		return fail
	}
	if r.from >= r.to {
		return resp.Int(-1)
	}
	at := r.find(s, bit)
	if at < 0 && !bit && len(args) < 5 {
		return resp.Int(r.to) // zeros follow a string that ends where nobody said
	}
	return resp.Int(at)
}

// parseBitRange reads the start, end and unit of BITPOS, none of which must be
// there.
func parseBitRange(args [][]byte, size int) (r bitRange, fail resp.Value) {
	start, end, unit, ok := int64(0), int64(-1), int64(8), true
	if len(args) > 3 {
		return r, errSyntax
	}
	if len(args) > 0 {
		if start, ok = parseInt(args[0]); !ok {
			return r, errNotInteger
		}
	}
	if len(args) > 2 {
		if unit, ok = parseBitUnit(args[2]); !ok {
			return r, errSyntax
		}
	}
	if len(args) > 1 {
		if end, ok = parseInt(args[1]); !ok {
			return r, errNotInteger
		}
	}
	return bitRangeOf(start, end, unit, size), resp.Nil
}
