package rdb

import "fmt"

// The compact encodings: bytes that hold all elements of a small value.

// A packing reads the elements of a compact encoding.
type packing struct {
	name string
	head int // bytes of the header, of which the first four are the length of all
	next func(c *cursor) string
}

var (
	listpack = packing{"listpack", 6, listpackElement}
	ziplist  = packing{"ziplist", 10, ziplistElement}
)

const packedEnd = 0xff

// unpack returns the elements of a listpack or a ziplist, each of which it tells
// of before. Both end with their
// number as two bytes of the header, which says nothing where it is the greatest.
func (p *packing) unpack(b []byte, take func(elems, bytes int)) ([]string, error) {
	c := cursor{b: b}
	size := c.uint(4)
	c.take(uint64(max(p.head-6, 0)))
	count := int(c.uint(2))
	var elems []string
	for len(c.b) > 0 && c.b[0] != packedEnd {
		take(1, 0)
		elems = append(elems, p.next(&c))
	}
	end := c.byte()
	switch {
	case c.bad || end != packedEnd || len(c.b) > 0 || size != uint64(len(b)):
		return nil, fmt.Errorf("%s of %d bytes that does not end where it should: %w", p.name, len(b), ErrFormat)
	case count != 0xffff && count != len(elems):
		return nil, fmt.Errorf("%s of %d elements, not %d: %w", p.name, len(elems), count, ErrFormat)
	}
	return elems, nil
}

// listpackElement reads an element and its length, which follows it so that one
// can go back.
func listpackElement(c *cursor) (e string) {
	before := len(c.b)
	switch b := c.byte(); {
	case b < 0x80:
		e = decimal(int64(b))
	case b < 0xc0:
		e = string(c.take(uint64(b & 0x3f)))
	case b < 0xe0:
		n := int64(b&0x1f)<<8 | int64(c.byte())
		e = decimal(n << 51 >> 51) // 13 bits, one of them the sign
	case b < 0xf0:
		e = string(c.take(uint64(b&0x0f)<<8 | uint64(c.byte())))
	case b == 0xf0:
		e = string(c.take(c.uint(4)))
	case b <= 0xf3:
		e = decimal(c.int(int(b) - 0xef)) // 2, 3 or 4 bytes
	case b == 0xf4:
		e = decimal(c.int(8))
	default:
		c.bad = true
	}
	size := before - len(c.b)
	back := c.take(uint64(backSize(size)))
	for i := 0; i < len(back) && !c.bad; i++ {
		c.bad = back[len(back)-1-i]&0x7f != byte(size>>(7*i))&0x7f
	}
	if c.bad {
		c.b = nil
	}
	return e
}

// backSize returns how many bytes tell the length of an element of a listpack.
func backSize(size int) int {
	n := 1
	for size >= 1<<7 && n < 5 {
		size >>= 7
		n++
	}
	return n
}

// ziplistElement reads the length of the element before and an element.
func ziplistElement(c *cursor) (e string) {
	if c.byte() >= 254 {
		c.take(4)
	}
	switch b := c.byte(); {
	case b < 0x40:
		e = string(c.take(uint64(b)))
	case b < 0x80:
		e = string(c.take(uint64(b&0x3f)<<8 | uint64(c.byte())))
	case b == 0x80:
		e = string(c.take(c.big(4)))
	case b == 0xc0:
		e = decimal(c.int(2))
	case b == 0xd0:
		e = decimal(c.int(4))
	case b == 0xe0:
		e = decimal(c.int(8))
	case b == 0xf0:
		e = decimal(c.int(3))
	case b == 0xfe:
		e = decimal(c.int(1))
	case b > 0xf0 && b < 0xfe:
		e = decimal(int64(b) - 0xf1)
	default:
		c.bad = true
	}
	if c.bad {
		c.b = nil
	}
	return e
}

// unpackInts returns the elements of an intset.
func unpackInts(b []byte, take func(elems, bytes int)) ([]string, error) {
	c := cursor{b: b}
	width, n := c.uint(4), c.uint(4)
	if width != 2 && width != 4 && width != 8 || n*width != uint64(len(c.b)) {
		return nil, fmt.Errorf("intset of %d bytes: %w", len(b), ErrFormat)
	}
	take(int(n), 0)
	elems := make([]string, 0, n)
	last := int64(0)
	for i := range n {
		num := c.int(int(width))
		if i > 0 && num <= last {
			return nil, fmt.Errorf("intset out of order: %w", ErrFormat)
		}
		last = num
		elems = append(elems, decimal(num))
	}
	return elems, nil
}

// unpackZipmap returns the fields and values of a zipmap, as Redis wrote hashes
// before 2.6. A value is followed by some unused bytes.
func unpackZipmap(b []byte, take func(elems, bytes int)) ([]string, error) {
	c := cursor{b: b}
	c.byte() // the number of fields, where it is small
	length := func() uint64 {
		n := c.byte()
		if n == 254 {
			return c.uint(4)
		}
		c.bad = c.bad || n == packedEnd
		return uint64(n)
	}
	var elems []string
	for len(c.b) > 0 && c.b[0] != packedEnd {
		take(2, 0)
		elems = append(elems, string(c.take(length())))
		n := length()
		unused := uint64(c.byte())
		elems = append(elems, string(c.take(n)))
		c.take(unused)
	}
	if end := c.byte(); c.bad || end != packedEnd || len(c.b) > 0 {
		return nil, fmt.Errorf("zipmap of %d bytes that does not end where it should: %w", len(b), ErrFormat)
	}
	return elems, nil
}
