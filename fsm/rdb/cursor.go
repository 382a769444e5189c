package rdb

import (
	"encoding/binary"
	"strconv"
)

// A cursor reads bytes that are all there. Past their end it is bad, and answers
// zeros.
type cursor struct {
	b   []byte
	bad bool
}

func (c *cursor) take(n uint64) []byte {
	if n > uint64(len(c.b)) {
		c.bad, c.b = true, nil
		return nil
	}
	b := c.b[:n]
	c.b = c.b[n:]
	return b
}

func (c *cursor) byte() byte {
	if b := c.take(1); b != nil {
		return b[0]
	}
	return 0
}

// uint reads a little-endian number of so many bytes.
func (c *cursor) uint(size int) uint64 {
	var wide [8]byte
	copy(wide[:], c.take(uint64(size)))
	return binary.LittleEndian.Uint64(wide[:])
}

// int is uint with a sign.
func (c *cursor) int(size int) int64 {
	unused := 64 - 8*size
	return int64(c.uint(size)<<unused) >> unused
}

// big reads a big-endian number.
func (c *cursor) big(size int) (n uint64) {
	for _, b := range c.take(uint64(size)) {
		n = n<<8 | uint64(b)
	}
	return n
}

// decimal is the text of an integer in a compact encoding.
func decimal(n int64) string { return strconv.FormatInt(n, 10) }
