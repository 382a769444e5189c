package fsm

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"

	"github.com/trivetdb/trivet/resp"
)

// Decode reads a state as Frozen.Encode wrote it. Errors wrap ErrDamaged,
// ErrNewer or what r answered.
func Decode(r io.Reader) (*State, error) {
	d := &stateReader{r: bufio.NewReaderSize(r, 256<<10), sum: crc32.New(castagnoli)}
	s := NewState()
	if err := d.header(); err != nil {
		return nil, err
	}
	s.index = d.fixed64()
	if s.now = int64(d.fixed64()); s.now < 0 {
		d.fail("time before 1970")
	}
	d.origins(s)
	for {
		db := int(d.byte()) - 1
		if db < 0 || d.err != nil {
			break
		}
		switch db {
		case scriptsMark - 1:
			d.scripts(&s.scripts)
			continue
		case swapsMark - 1:
			d.swaps(s)
			continue
		case gravesMark - 1:
			d.graves(s)
			continue
		case levelMark - 1:
			d.level(s)
			continue
		case skippedMark - 1:
			d.skipped(s)
			continue
		case functionsMark - 1:
			d.functions(s)
			continue
		}
		if db == settingsMark-1 {
			d.settings(s)
			continue
		}
		if db == loadingMark-1 {
			d.loading(s)
			continue
		}
		if db == usersMark-1 {
			d.users(s)
			continue
		}
		if db >= Databases || s.dbs[db].size > 0 {
			d.fail("database %d", db)
			break
		}
		d.keyspace(s, db)
	}
	want := d.sum.Sum32()
	if got := d.fixed32(); d.err == nil && got != want {
		d.fail("wrong checksum")
	}
	if d.err != nil {
		return nil, d.err
	}
	return s, nil
}

// A stateReader reads fields and keeps the first error.
type stateReader struct {
	r   *bufio.Reader
	sum hash.Hash32
	buf [8]byte
	err error
}

func (d *stateReader) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("state with a %s: %w", fmt.Sprintf(format, args...), ErrDamaged)
	}
}

func (d *stateReader) header() error {
	magic := d.bytes(uint64(len(stateMagic)))
	format := d.byte()
	switch {
	case d.err != nil:
		return d.err
	case string(magic) != stateMagic:
		d.fail("wrong start")
	case format > stateFormat:
		d.err = fmt.Errorf("state of format %d: %w", format, ErrNewer)
	case format != stateFormat:
		d.fail("format %d", format)
	}
	return d.err
}

func (d *stateReader) full(b []byte) []byte {
	if d.err != nil {
		clear(b)
		return b
	}
	if _, err := io.ReadFull(d.r, b); err != nil {
		clear(b)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			d.fail("missing end")
		} else {
			d.err = err
		}
		return b
	}
	d.sum.Write(b)
	return b
}

func (d *stateReader) byte() byte      { return d.full(d.buf[:1])[0] }
func (d *stateReader) fixed64() uint64 { return binary.LittleEndian.Uint64(d.full(d.buf[:8])) }
func (d *stateReader) fixed32() uint32 { return binary.LittleEndian.Uint32(d.full(d.buf[:4])) }

// uvarint reads a varint in its shortest form; a longer form would let two
// encodings mean the same state.
func (d *stateReader) uvarint() uint64 {
	var n uint64
	for shift := 0; shift < 64; shift += 7 {
		b := d.byte()
		if d.err != nil {
			return 0
		}
		if shift == 63 && b > 1 {
			break
		}
		n |= uint64(b&0x7f) << shift
		if b < 0x80 {
			if b == 0 && shift > 0 {
				break
			}
			return n
		}
	}
	d.fail("bad number")
	return 0
}

// bytes reads n bytes, and takes no more memory than really came.
func (d *stateReader) bytes(n uint64) []byte {
	const step = 1 << 20
	if n <= step {
		return d.full(make([]byte, n))
	}
	var b bytes.Buffer
	for n > 0 && d.err == nil {
		part := min(n, step)
		b.Write(d.full(make([]byte, part)))
		n -= part
	}
	return b.Bytes()
}

func (d *stateReader) string() string { return string(d.bytes(d.uvarint())) }

func (d *stateReader) value() resp.Value {
	v, rest, err := resp.ParseValue(d.bytes(d.uvarint()), resp.NoLimits)
	if d.err == nil && (err != nil || len(rest) > 0) {
		d.fail("bad value")
	}
	return v
}

func (d *stateReader) origins(s *State) {
	for n := d.uvarint(); n > 0 && d.err == nil; n-- {
		id := d.fixed64()
		o := origin{life: d.fixed32(), seq: d.uvarint()}
		for n := d.uvarint(); n > 0 && d.err == nil; n-- {
			o.replies = append(o.replies, d.value())
		}
		if _, twice := s.origins[id]; twice {
			d.fail("origin that comes twice")
		}
		s.origins[id] = o
	}
}

func (d *stateReader) keyspace(s *State, db int) {
	k := &s.dbs[db]
	n := d.uvarint()
	if n == 0 {
		d.fail("empty database")
	}
	for ; n > 0 && d.err == nil; n-- {
		key := []byte(d.string())
		o := d.object()
		if d.err != nil {
			return
		}
		switch {
		case k.get(key) != nil:
			d.fail("key that comes twice")
			return
		case o.rev > s.index || o.expireAt < 0:
			d.fail("key of another time")
			return
		}
		kept, _ := k.put(s, key, o)
		s.settle()
		kept.rev = o.rev
	}
}

func (d *stateReader) object() *object {
	o := &object{kind: kind(d.byte()), expireAt: int64(d.fixed64()), rev: d.uvarint()}
	switch o.kind {
	case kindString:
		o.str = d.string()
	case kindInteger:
		o.str = d.string()
		if _, ok := parseInt([]byte(o.str)); !ok {
			d.fail("bad integer")
		}
	case kindClassic:
		o.val = d.value()
	default:
		k, ok := containerKinds[o.kind]
		if ok {
			o.val = k.decode(d, 1)
			if o.kind == kindGroupedStream {
				o.kind = kindStream
			}
		} else if d.err == nil {
			d.err = fmt.Errorf("value of kind %d: %w", o.kind, ErrNewer)
		}
	}
	return o
}
