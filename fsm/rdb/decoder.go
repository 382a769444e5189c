package rdb

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
)

// A decoder reads fields from a source and keeps the first error.
type decoder struct {
	r   *bufio.Reader
	sum uint64 // of what was read
	buf [8]byte
	err error

	inflated uint64 // bytes that were compressed
	most     uint64 // of them, 0 for any number

	spend func(elems, bytes int) // see ParseDumpWithin; may be nil
}

// take tells of elements and bytes that are about to take memory.
func (d *decoder) take(elems, bytes int) {
	if d.spend != nil {
		d.spend(elems, bytes)
	}
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), ErrFormat)
	}
}

// full fills b, with zeros after an error.
func (d *decoder) full(b []byte) []byte {
	if d.err == nil {
		_, err := io.ReadFull(d.r, b)
		if err == nil {
			d.sum = update(d.sum, b)
			return b
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			d.fail("data that ends too early")
		} else {
			d.err = err
		}
	}
	clear(b)
	return b
}

func (d *decoder) byte() byte      { return d.full(d.buf[:1])[0] }
func (d *decoder) fixed32() uint32 { return binary.LittleEndian.Uint32(d.full(d.buf[:4])) }
func (d *decoder) fixed64() uint64 { return binary.LittleEndian.Uint64(d.full(d.buf[:8])) }

// bytes reads n bytes, and takes no more memory than twice what really came.
func (d *decoder) bytes(n uint64) []byte {
	const step = 64 << 10
	if n <= step {
		return d.full(make([]byte, n))
	}
	b := make([]byte, 0, step)
	for uint64(len(b)) < n && d.err == nil {
		part := int(min(n-uint64(len(b)), uint64(max(len(b), step))))
		at := len(b)
		b = append(b, make([]byte, part)...)
		d.full(b[at:])
	}
	return b
}

// The first two bits of a length tell its form.
const (
	lengthForm   = 0xc0
	length6      = 0x00
	length14     = 0x40
	lengthLong   = 0x80 // 32 bits; the next byte value means 64
	lengthString = 0xc0 // no length, but a string in an encoding of its own
)

// head reads a length, or the encoding of a string that has none.
func (d *decoder) head() (n uint64, encoded bool) {
	b := d.byte()
	switch {
	case b&lengthForm == length6:
		return uint64(b), false
	case b&lengthForm == length14:
		return uint64(b&0x3f)<<8 | uint64(d.byte()), false
	case b == lengthLong:
		return uint64(binary.BigEndian.Uint32(d.full(d.buf[:4]))), false
	case b == lengthLong+1:
		return binary.BigEndian.Uint64(d.full(d.buf[:8])), false
	case b&lengthForm == lengthString:
		return uint64(b & 0x3f), true
	}
	d.fail("length of form %d", b)
	return 0, false
}

func (d *decoder) length() uint64 {
	n, encoded := d.head()
	if encoded {
		d.fail("string where a length should be")
		return 0
	}
	return n
}

// each calls f so many times as a length says, until there is an error.
func (d *decoder) each(f func()) {
	for n := d.length(); n > 0 && d.err == nil; n-- {
		d.take(1, 0)
		f()
	}
}

// The encodings of strings.
const (
	stringInt8 = iota
	stringInt16
	stringInt32
	stringLZF
)

// blob reads a string.
func (d *decoder) blob() []byte {
	n, encoded := d.head()
	if !encoded {
		return d.bytes(n)
	}
	switch n {
	case stringInt8:
		return strconv.AppendInt(nil, int64(int8(d.byte())), 10)
	case stringInt16:
		return strconv.AppendInt(nil, int64(int16(binary.LittleEndian.Uint16(d.full(d.buf[:2])))), 10)
	case stringInt32:
		return strconv.AppendInt(nil, int64(int32(d.fixed32())), 10)
	case stringLZF:
		packed, size := d.length(), d.length()
		b := d.bytes(packed)
		if d.err != nil {
			return nil
		}
		if d.inflated += size; d.most > 0 && (size > d.most || d.inflated > d.most) {
			d.err = fmt.Errorf("more than %d bytes of LZF: %w", d.most, ErrTooLarge)
			return nil
		}
		if size <= maxExpansion*packed { // else decompress refuses
			d.take(0, int(size))
		}
		b, d.err = decompress(b, size)
		return b
	}
	d.fail("string of encoding %d", n)
	return nil
}

func (d *decoder) string() string { return string(d.blob()) }

// The lengths that mean a score rather than that of its text.
const (
	scoreNaN      = 253
	scoreInfinite = 254
	scoreNegative = 255 // infinite too
)

// scoreText reads a score as Redis wrote them before 4.0.
func (d *decoder) scoreText() float64 {
	switch n := d.byte(); n {
	case scoreNaN:
		return math.NaN()
	case scoreInfinite:
		return math.Inf(1)
	case scoreNegative:
		return math.Inf(-1)
	default:
		return d.parseScore(string(d.bytes(uint64(n))))
	}
}

func (d *decoder) parseScore(s string) float64 {
	score, err := strconv.ParseFloat(s, 64)
	if err != nil && d.err == nil {
		d.fail("score %q", s)
	}
	return score
}
