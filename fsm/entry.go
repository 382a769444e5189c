package fsm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
)

// An Entry is what one log entry carries: the batches that the leader put
// together, and all that the commands in them may know of the world.
type Entry struct {
	Time    int64  // the leader's clock, milliseconds since 1970
	Seed    uint64 // the source of chance
	Batches []Batch
}

// A Batch is one origin's numbered group of writes. A node has one batch
// without an answer at most, so a batch also says that its origin has the
// answers to, or gave up on, all before it.
type Batch struct {
	Origin Origin
	Seq    uint64 // counts up from 1 within a life
	Body   []byte // groups, see Group
}

// An Origin is one life of a node: a process on a data directory.
type Origin struct {
	ID   uint64 // drawn when the data directory was made
	Life uint32 // counts the starts of the node on that directory
}

// ErrDamaged is wrapped by the errors of entries and snapshots whose bytes are
// not what was written.
var ErrDamaged = errors.New("damaged data")

// ErrNewer is wrapped by the errors of entries and snapshots that only a newer
// version of trivet can read.
var ErrNewer = errors.New("written by a newer version of trivet")

// entryFormat is the first byte of an entry. It changes when an older version
// would read an entry wrongly.
const entryFormat = 1

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// entryHeader is the format byte and the checksum of all that follows.
const entryHeader = 5

// Append encodes e after dst.
func (e *Entry) Append(dst []byte) []byte {
	start, size := len(dst), entryHeader+16+binary.MaxVarintLen64
	for i := range e.Batches {
		size += len(e.Batches[i].Body) + maxBatchHeader
	}
	dst = slices.Grow(dst, size)
	dst = append(dst, entryFormat, 0, 0, 0, 0)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(e.Time))
	dst = binary.LittleEndian.AppendUint64(dst, e.Seed)
	dst = binary.AppendUvarint(dst, uint64(len(e.Batches)))
	for i := range e.Batches {
		dst = e.Batches[i].Append(dst)
	}
	sum := crc32.Checksum(dst[start+entryHeader:], castagnoli)
	binary.LittleEndian.PutUint32(dst[start+1:], sum)
	return dst
}

// maxBatchHeader is the most that a batch takes besides its body.
const maxBatchHeader = 12 + 2*binary.MaxVarintLen64

// CheckEntry reports whether data is an entry as it was written.
func CheckEntry(data []byte) error {
	switch {
	case len(data) < entryHeader:
		return fmt.Errorf("entry of %d bytes: %w", len(data), ErrDamaged)
	case data[0] > entryFormat:
		return fmt.Errorf("entry of format %d: %w", data[0], ErrNewer)
	case data[0] != entryFormat:
		return fmt.Errorf("entry of format %d: %w", data[0], ErrDamaged)
	case binary.LittleEndian.Uint32(data[1:]) != crc32.Checksum(data[entryHeader:], castagnoli):
		return fmt.Errorf("entry with a wrong checksum: %w", ErrDamaged)
	}
	return nil
}

// DecodeEntry reads what Append wrote. The batches' bodies share data's bytes.
func DecodeEntry(data []byte) (Entry, error) {
	if err := CheckEntry(data); err != nil {
		return Entry{}, err
	}
	d := decoder{b: data[entryHeader:]}
	e := Entry{Time: int64(d.fixed64()), Seed: d.fixed64()}
	for n := d.uvarint(); n > 0 && d.err == nil; n-- {
		e.Batches = append(e.Batches, d.batch())
	}
	if d.err == nil && len(d.b) > 0 {
		d.fail()
	}
	return e, d.err
}

// Append encodes b after dst.
func (b *Batch) Append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, b.Origin.ID)
	dst = binary.LittleEndian.AppendUint32(dst, b.Origin.Life)
	dst = binary.AppendUvarint(dst, b.Seq)
	dst = binary.AppendUvarint(dst, uint64(len(b.Body)))
	return append(dst, b.Body...)
}

// DecodeBatch reads what Append wrote. The body shares data's bytes.
func DecodeBatch(data []byte) (Batch, error) {
	d := decoder{b: data}
	b := d.batch()
	if d.err == nil && len(d.b) > 0 {
		d.fail()
	}
	return b, d.err
}

// A Group is a run of writes of one session, applied with nothing in between.
// Its encoding is what a batch's body is made of.
type Group struct {
	// Atomic says that all commands have an effect or none of them has, where they
	// pass a bound. It needs LevelBounds.
	Atomic bool

	buf []byte // the commands
	n   int
}

// atomicGroup marks the head of an atomic group, beside its database.
const atomicGroup = 0x80

// Len returns the number of commands.
func (g *Group) Len() int { return g.n }

// Size returns the number of bytes that the commands take.
func (g *Group) Size() int { return len(g.buf) }

// Reset empties the group and keeps its memory.
func (g *Group) Reset() { *g = Group{buf: g.buf[:0]} }

// Add appends a command under its row's name; args[0] is ignored. Typed, where
// not nil, marks the arguments that are values in canonical encoding.
func (g *Group) Add(c *Command, args [][]byte, typed []bool) {
	g.buf = binary.AppendUvarint(g.buf, uint64(len(args)))
	g.buf = binary.AppendUvarint(g.buf, uint64(len(c.Name))<<1)
	g.buf = append(g.buf, c.Name...)
	for i := 1; i < len(args); i++ {
		head := uint64(len(args[i])) << 1
		if typed != nil && typed[i] {
			head |= 1
		}
		g.buf = binary.AppendUvarint(g.buf, head)
		g.buf = append(g.buf, args[i]...)
	}
	g.n++
}

// From returns a group of the commands from n on, which shares g's memory.
func (g *Group) From(n int) *Group {
	d := decoder{b: g.buf}
	for range n {
		d.skip()
	}
	return &Group{Atomic: g.Atomic, buf: d.b, n: g.n - n}
}

// MaxGroupHeader is the most that Append adds to a group's Size.
const MaxGroupHeader = 1 + binary.MaxVarintLen64

// Append encodes the group after dst, for a session in the given database.
func (g *Group) Append(dst []byte, db int) []byte {
	head := byte(db)
	if g.Atomic {
		head |= atomicGroup
	}
	dst = append(dst, head)
	dst = binary.AppendUvarint(dst, uint64(g.n))
	return append(dst, g.buf...)
}

// A decoder reads one value after the other and keeps the first error.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) fail() {
	if d.err == nil {
		d.err = fmt.Errorf("entry ends too early or too late: %w", ErrDamaged)
	}
	d.b = nil
}

func (d *decoder) uvarint() uint64 {
	n, size := binary.Uvarint(d.b)
	if size <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[size:]
	return n
}

func (d *decoder) bytes(n uint64) []byte {
	if n > uint64(len(d.b)) {
		d.fail()
		return nil
	}
	b := d.b[:n:n]
	d.b = d.b[n:]
	return b
}

func (d *decoder) fixed64() uint64 {
	if b := d.bytes(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (d *decoder) fixed32() uint32 {
	if b := d.bytes(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (d *decoder) byte() byte {
	if b := d.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

// argument reads an argument of a command, and whether it is a value in canonical
// encoding.
func (d *decoder) argument() (arg []byte, typed bool) {
	head := d.uvarint()
	return d.bytes(head >> 1), head&1 == 1
}

// skip passes over a command.
func (d *decoder) skip() {
	for argc := d.uvarint(); argc > 0 && d.err == nil; argc-- {
		d.argument()
	}
}

func (d *decoder) batch() Batch {
	b := Batch{Origin: Origin{ID: d.fixed64(), Life: d.fixed32()}, Seq: d.uvarint()}
	b.Body = d.bytes(d.uvarint())
	return b
}
