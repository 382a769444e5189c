package fsm

import (
	"bufio"
	"encoding/binary"
	"hash"
	"hash/crc32"
	"io"
	"maps"
	"slices"

	"github.com/trivetdb/trivet/resp"
)

// A state is encoded as
//
//	"trivet state" format(1)
//	index(8) now(8)
//	n { id(8) life(4) seq(v) n(v) { reply(s) } }       origins by id
//	[ 225(1) level(v) ]                        of the cluster
//	[ 220(1) n(v) { index(v) } ]               entries that were left out
//	[ 240(1) { rev(v) } ]                      databases that were swapped
//	[ 230(1) floor(v) n(v) { db(1) key(s) index(v) } ]  keys that went of late
//	[ 255(1) uses(v) n(v) { body(s) used(v) loaded(1) } ]    scripts by SHA1
//	[ 254 n(v) { code(s) } ]                                 libraries by name
//	[ 250(1) n(v) { name(s) value(s) } ]               settings by name
//	[ 245(1) n(v) { name(s) n(v) { rule(s) } } ]             users by name
//	[ 235(1) id(s) at(8) done(1) n(v) { part(s) } ]          a state that comes in parts
//	{ db+1(1) n(v) { key(s) kind(1) expireAt(8) rev(v) value } } 0(1)
//	crc32c(4) of all before
//
// with v a varint, s a string behind its length as a varint, and the other
// numbers little-endian of so many bytes. Keys come by shard, then in byte
// order, so equal states are equal bytes.
const (
	stateMagic  = "trivet state"
	stateFormat = 1
	// in the place of a database:
	scriptsMark   = 255
	functionsMark = 254
	settingsMark  = 250
	usersMark     = 245
	swapsMark     = 240
	loadingMark   = 235
	gravesMark    = 230
	levelMark     = 225
	skippedMark   = 220
)

// An encoder writes fields and keeps the first error.
type encoder struct {
	w   *bufio.Writer
	sum hash.Hash32
	buf []byte
}

func newEncoder(w io.Writer) *encoder {
	sum := crc32.New(castagnoli)
	return &encoder{w: bufio.NewWriterSize(io.MultiWriter(w, sum), 256<<10), sum: sum, buf: make([]byte, 0, 16)}
}

func (e *encoder) raw(b []byte)     { e.w.Write(b) } // bufio keeps the error for Flush
func (e *encoder) byte(b byte)      { e.w.WriteByte(b) }
func (e *encoder) uvarint(n uint64) { e.raw(binary.AppendUvarint(e.buf[:0], n)) }
func (e *encoder) fixed64(n uint64) { e.raw(binary.LittleEndian.AppendUint64(e.buf[:0], n)) }
func (e *encoder) fixed32(n uint32) { e.raw(binary.LittleEndian.AppendUint32(e.buf[:0], n)) }

func (e *encoder) string(s string) {
	e.uvarint(uint64(len(s)))
	e.w.WriteString(s)
}

func (e *encoder) value(v resp.Value) {
	e.string(string(v.Append(nil, resp.Canonical)))
}

// Encode writes the state to w. It may run while Apply changes the state that
// the view was taken from.
func (f *Frozen) Encode(w io.Writer) error {
	e := newEncoder(w)
	e.raw([]byte(stateMagic))
	e.byte(stateFormat)
	e.fixed64(f.index)
	e.fixed64(uint64(f.now))
	e.origins(f.origins)
	e.level(f.level, f.skipped)
	e.swaps(&f.dbs)
	e.graves(&f.graves)
	e.scripts(&f.scripts)
	e.functions(&f.functions)
	e.settings(f.settings)
	e.users(f.users)
	e.loading(f.loading)
	for db := range f.dbs {
		if f.dbs[db].size > 0 {
			e.byte(byte(db + 1))
			e.keyspace(&f.dbs[db])
		}
	}
	e.byte(0)
	if err := e.w.Flush(); err != nil {
		return err
	}
	e.fixed32(e.sum.Sum32())
	return e.w.Flush()
}

func (e *encoder) origins(origins map[uint64]origin) {
	e.uvarint(uint64(len(origins)))
	for _, id := range slices.Sorted(maps.Keys(origins)) {
		o := origins[id]
		e.fixed64(id)
		e.fixed32(o.life)
		e.uvarint(o.seq)
		e.uvarint(uint64(len(o.replies)))
		for _, v := range o.replies {
			e.value(v)
		}
	}
}

func (e *encoder) keyspace(k *keyspace) {
	e.uvarint(uint64(k.size))
	for o := range k.all() {
		e.string(o.key)
		e.object(o)
	}
}

func (e *encoder) object(o *object) {
	kind := o.kind
	s, ok := o.val.(*stream)
	if ok && s.groups.n > 0 {
		kind = kindGroupedStream
	}
	e.byte(byte(kind))
	e.fixed64(uint64(o.expireAt))
	e.uvarint(o.rev)
	switch o.kind {
	case kindString, kindInteger:
		o.text().encode(e)
	case kindClassic:
		e.value(o.val.(resp.Value))
	default:
		o.val.(container).encode(e)
		if kind == kindGroupedStream {
			s.encodeGroups(e)
		}
	}
}
