package rdb

import (
	"encoding/binary"
	"slices"
)

// A packer appends the elements of a listpack.
type packer struct {
	b []byte
	n int
}

func newPacker() *packer { return &packer{b: make([]byte, listpack.head, 512)} }

// finish writes what comes before and after the elements.
func (p *packer) finish() []byte {
	b := append(p.b, packedEnd)
	binary.LittleEndian.PutUint32(b, uint32(len(b)))
	binary.LittleEndian.PutUint16(b[4:], uint16(min(p.n, 0xffff)))
	return b
}

// back writes the length of the element that began at from.
func (p *packer) back(from int) {
	size := len(p.b) - from
	n := backSize(size)
	for i := n - 1; i >= 0; i-- {
		b := byte(size>>(7*i)) & 0x7f
		if i < n-1 {
			b |= 0x80
		}
		p.b = append(p.b, b)
	}
	p.n++
}

func (p *packer) string(s string) {
	if n, ok := integer(s); ok {
		p.int(n)
		return
	}
	from := len(p.b)
	switch n := len(s); {
	case n < 1<<6:
		p.b = append(p.b, 0x80|byte(n))
	case n < 1<<12:
		p.b = append(p.b, 0xe0|byte(n>>8), byte(n))
	default:
		p.b = binary.LittleEndian.AppendUint32(append(p.b, 0xf0), uint32(n))
	}
	p.b = append(p.b, s...)
	p.back(from)
}

func (p *packer) int(n int64) {
	from := len(p.b)
	size := 0
	switch {
	case n >= 0 && n < 1<<7:
		p.b = append(p.b, byte(n))
	case n >= -1<<12 && n < 1<<12:
		p.b = append(p.b, 0xc0|byte(n>>8)&0x1f, byte(n))
	case n == int64(int16(n)):
		p.b, size = append(p.b, 0xf1), 2
	case n >= -1<<23 && n < 1<<23:
		p.b, size = append(p.b, 0xf2), 3
	case n == int64(int32(n)):
		p.b, size = append(p.b, 0xf3), 4
	default:
		p.b, size = append(p.b, 0xf4), 8
	}
	for i := range size {
		p.b = append(p.b, byte(n>>(8*i)))
	}
	p.back(from)
}

// packEntries returns a stream's listpack. The fields of the first entry are
// those of the master entry.
func packEntries(entries []Entry) []byte {
	names := fieldNames(&entries[0])
	p := newPacker()
	p.int(int64(len(entries)))
	p.int(0) // deleted
	p.int(int64(len(names)))
	for _, name := range names {
		p.string(name)
	}
	p.int(0)
	for i := range entries {
		p.entry(&entries[i], entries[0].ID, names)
	}
	return p.finish()
}

func (p *packer) entry(e *Entry, master ID, names []string) {
	same := slices.Equal(fieldNames(e), names)
	flags := int64(0)
	if same {
		flags = entrySameFields
	}
	from := p.n
	p.int(flags)
	p.int(int64(e.ID.Ms - master.Ms))
	p.int(int64(e.ID.Seq - master.Seq))
	if !same {
		p.int(int64(len(e.Fields) / 2))
	}
	for i, f := range e.Fields {
		if !same || i%2 == 1 {
			p.string(f)
		}
	}
	p.int(int64(p.n - from))
}

func fieldNames(e *Entry) []string {
	names := make([]string, 0, len(e.Fields)/2)
	for i := 0; i < len(e.Fields); i += 2 {
		names = append(names, e.Fields[i])
	}
	return names
}
