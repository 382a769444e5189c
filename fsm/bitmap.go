package fsm

import (
	"encoding/binary"
	"math/bits"

	"github.com/trivetdb/trivet/fsm/cost"
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

func setBit(tx *Tx, args [][]byte) resp.Value {
	at, ok := parseBitOffset(args[2], 0)
	if !ok {
		return errBitOffset
	}
	bit, ok := parseBit(args[3])
	if !ok {
		return errBitValue
	}
	o := tx.get(args[1])
	if !isString(o) {
		return errWrongType
	}
	t, i := o.text(), int(at>>3)
	b, mask := byte(0), byte(0x80)>>(at&7)
	within := i < t.len()
	if within {
		b = t.at(i)
	}
	old := b&mask != 0
	if within && old == bit {
		return bitReply(old)
	}
	if b &^= mask; bit {
		b |= mask
	}
	tx.patch(args[1], o, i, []byte{b})
	tx.notify(notifyString, "setbit", args[1])
	return bitReply(old)
}

// bit returns a bit of the text, which zeros follow.
func (t text) bit(at int64) bool {
	i := at >> 3
	return i < int64(t.len()) && t.at(int(i))&(0x80>>(at&7)) != 0
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
	t, _, fail := textAt(tx, args[1])
	if fail.IsError() {
		return fail
	}
	return bitReply(t.bit(at))
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
	t, exists, fail := textAt(tx, args[1])
	switch {
	case fail.IsError():
		return fail
	case !exists:
		return resp.Int(0)
	case len(args) == 2:
		return resp.Int(tx.countBits(t, bitRange{0, int64(t.len()) * 8}))
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
	return resp.Int(tx.countBits(t, bitRangeOf(start, end, unit, t.len())))
}

func (tx *Tx) countBits(t text, r bitRange) int64 {
	tx.charge(cost.Read(r.bytes()))
	return r.count(t)
}

// bytes returns in how many bytes the range is.
func (r bitRange) bytes() int {
	if r.from >= r.to {
		return 0
	}
	return int((r.to-1)>>3-r.from>>3) + 1
}

// A bitReader reads the bytes of a range, a block at a time. Bits outside the range
// are made those of fill, and a block is always whole words of eight bytes.
type bitReader struct {
	t     text
	r     bitRange
	fill  byte
	at    int // the first byte of the next block
	block [1 << 10]byte
}

// next returns a block and the place of its first byte; none after the last one.
func (b *bitReader) next() (block []byte, place int64) {
	first, end := int(b.r.from>>3), int((b.r.to+7)>>3)
	at := max(b.at, first)
	if b.r.from >= b.r.to || at >= end {
		return nil, 0
	}
	block = b.block[:min(len(b.block), end-at)]
	b.t.copy(block, at)
	b.at = at + len(block)
	if at == first {
		mask := byte(0xff) >> (b.r.from & 7)
		block[0] = block[0]&mask | b.fill&^mask
	}
	if b.at == end {
		mask := ^(byte(0x7f) >> ((b.r.to - 1) & 7))
		last := &block[len(block)-1]
		*last = *last&mask | b.fill&^mask
	}
	for len(block)%8 != 0 {
		block = append(block, b.fill)
	}
	return block, int64(at) * 8
}

func (r bitRange) count(t text) (n int64) {
	b := bitReader{t: t, r: r}
	for block, _ := b.next(); len(block) > 0; block, _ = b.next() {
		for ; len(block) >= 8; block = block[8:] {
			n += int64(bits.OnesCount64(binary.LittleEndian.Uint64(block)))
		}
	}
	return n
}

// find returns the place of the first bit of the range that is as wanted, or -1.
func (r bitRange) find(t text, bit bool) int64 {
	b, flip := bitReader{t: t, r: r}, uint64(0)
	if !bit {
		b.fill, flip = 0xff, ^uint64(0)
	}
	for block, place := b.next(); len(block) > 0; block, place = b.next() {
		for i := 0; i < len(block); i += 8 {
			if word := binary.BigEndian.Uint64(block[i:]) ^ flip; word != 0 {
				return place + int64(8*i+bits.LeadingZeros64(word))
			}
		}
	}
	return -1
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
	t, exists, fail := textAt(tx, args[1])
	switch {
	case fail.IsError():
		return fail
	case !exists && bit:
		return resp.Int(-1)
	case !exists:
		return resp.Int(0)
	}
	r, fail := parseBitRange(args[3:], t.len())
	if fail.IsError() {
		return fail
	}
	if r.from >= r.to {
		return resp.Int(-1)
	}
	at := r.find(t, bit)
	seen := bitRange{r.from, r.to}
	if at >= 0 {
		seen.to = at + 1
	}
	tx.charge(cost.Read(seen.bytes())) // known only now; it is little at any rate
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
