package fsm

import (
	"encoding/binary"
	"strings"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

// A HyperLogLog is a string, byte for byte that of Redis, so that data can be
// moved in and out:
//
//	"HYLL" encoding(1) zero(3) cached(8) registers
//
// The cached cardinality is little endian; its highest bit says that it is out
// of date. PFCOUNT is a read here and does not renew it, so the highest bit is
// set in all that PFADD and PFMERGE leave; a cardinality that came with SET is
// believed, as in Redis.
var hyperLogLogCommands = []Command{
	{Spec{"PFADD", -2, Write | DenyOOM | Fast, Keys{1, 1, 1}, "hyperloglog", "Add elements to a HyperLogLog.", "2.8.9"}, pfAdd},
	{Spec{"PFCOUNT", -2, Read, Keys{1, -1, 1}, "hyperloglog", "Estimate how many different elements HyperLogLogs have together.", "2.8.9"}, pfCount},
	{Spec{"PFMERGE", -2, Write | DenyOOM, Keys{1, -1, 1}, "hyperloglog", "Make a key hold what several HyperLogLogs have together.", "2.8.9"}, pfMerge},
}

var (
	errNotHLL     = resp.Err("WRONGTYPE Key is not a valid HyperLogLog string value.")
	errCorruptHLL = resp.Err("INVALIDOBJ Corrupted HLL object detected")
)

const (
	hllIndexBits = 14
	hllRegisters = 1 << hllIndexBits
	hllHashBits  = 64 - hllIndexBits // what of a hash does not name the register
	hllMagic     = "HYLL"
	hllHeader    = 16
	hllDense     = 0 // the encodings
	hllSparse    = 1
	hllDenseSize = hllHeader + hllRegisters*6/8
	hllStale     = 0x80 // in the last byte of the header

	// maxSparse is the longest string in the sparse encoding, hll-sparse-max-bytes.
	maxSparse = 3000
)

// registers are the contents of a HyperLogLog, one a byte.
type registers [hllRegisters]uint8

// newHLL returns an empty HyperLogLog.
func newHLL() []byte {
	b := append(make([]byte, 0, 64), hllMagic...)
	b = append(b, hllSparse, 0, 0, 0)
	b = append(b, make([]byte, 8)...)
	return appendZeros(b, hllRegisters)
}

// hllAt returns the HyperLogLog at a key.
func hllAt(tx *Tx, key []byte) (s string, exists bool, fail resp.Value) {
	t, exists, fail := textAt(tx, key)
	if !exists || fail.IsError() {
		return "", exists, fail
	}
	switch head := t.head(hllHeader); {
	case len(head) < hllHeader, !strings.HasPrefix(head, hllMagic), head[4] > hllSparse,
		head[4] == hllDense && t.len() != hllDenseSize:
		return "", true, errNotHLL
	}
	return tx.flat(t, 0, t.len()), true, resp.Nil
}

// hllPlace returns the register of an element and what it is to hold at least:
// the place of the first bit set in the rest of the hash.
func hllPlace(element []byte) (index int, rank uint8) {
	hash := murmur64(element, hllSeed)
	rest := hash>>hllIndexBits | 1<<hllHashBits
	for rank = 1; rest&1 == 0; rank++ {
		rest >>= 1
	}
	return int(hash % hllRegisters), rank
}

func pfAdd(tx *Tx, args [][]byte) resp.Value {
	s, exists, fail := hllAt(tx, args[1])
	if fail.IsError() {
		return fail
	}
	tx.charge(cost.Made(len(s)))
	h := hyperLogLog{b: []byte(s)}
	if !exists {
		h.b = newHLL()
	}
	changed := !exists
	for _, element := range args[2:] {
		tx.charge(h.steps() + cost.Read(len(element)))
		grew, ok := h.raise(hllPlace(element))
		if !ok {
			return errCorruptHLL
		}
		changed = changed || grew
	}
	if changed {
		h.b[hllHeader-1] |= hllStale
		tx.putText(args[1], string(h.b))
		tx.notify(notifyString, "pfadd", args[1])
	}
	return bitReply(changed)
}

// steps is what it costs to raise a register.
func (h *hyperLogLog) steps() int {
	if h.b[4] == hllDense {
		return cost.Element
	}
	return cost.Insert + cost.Made(min(len(h.b), hllSteps))
}

// hllSteps is how many bytes of the sparse encoding are looked at at most: each op
// has two of them, and speaks for a register or more.
const hllSteps = 2 * hllRegisters

func pfCount(tx *Tx, args [][]byte) resp.Value {
	var all registers
	for _, key := range args[1:] {
		tx.charge(cost.Lookup)
		s, exists, fail := hllAt(tx, key)
		switch {
		case fail.IsError():
			return fail
		case !exists:
			continue
		case len(args) == 2 && s[hllHeader-1]&hllStale == 0:
			return resp.Int(int64(binary.LittleEndian.Uint64([]byte(s[hllHeader-8 : hllHeader]))))
		}
		tx.charge(mergeSteps)
		if !all.merge(s) {
			return errCorruptHLL
		}
	}
	return resp.Int(all.estimate())
}

func pfMerge(tx *Tx, args [][]byte) resp.Value {
	tx.charge(cost.Times(len(args), cost.Lookup))
	tx.missing(args[1:]...)
	var all registers
	dense := false
	for _, key := range args[1:] {
		s, exists, fail := hllAt(tx, key)
		switch {
		case fail.IsError():
			return fail
		case !exists:
			continue
		}
		tx.charge(mergeSteps)
		dense = dense || s[4] == hllDense
		if !all.merge(s) {
			return errCorruptHLL
		}
	}
	s, exists, _ := hllAt(tx, args[1])
	tx.charge(cost.Made(len(s)) + mergeSteps)
	h := hyperLogLog{b: []byte(s)}
	if !exists {
		h.b = newHLL()
	}
	if dense && !h.makeDense() {
		return errCorruptHLL
	}
	for i, rank := range all {
		if rank > 0 {
			if h.b[4] == hllSparse {
				tx.charge(cost.Insert + cost.Made(max(len(h.b)-maxSparse, 0)))
			}
			h.raise(i, rank) // sound, as merge has read it
		}
	}
	h.b[hllHeader-1] |= hllStale
	tx.putText(args[1], string(h.b))
	tx.notify(notifyString, "pfadd", args[1])
	return resp.OK
}

// mergeSteps is what it costs to look at all registers of a HyperLogLog.
const mergeSteps = hllRegisters / 4

// merge raises the registers to those of a HyperLogLog. It reports whether that
// is sound.
func (r *registers) merge(s string) bool {
	if s[4] == hllDense {
		for i := range r {
			r[i] = max(r[i], denseAt(s, i))
		}
		return true
	}
	first := 0
	for at := hllHeader; at < len(s); {
		op, ok := sparseAt(s, at)
		if !ok || first+op.run > hllRegisters {
			return false
		}
		if op.rank > 0 {
			for i := first; i < first+op.run; i++ {
				r[i] = max(r[i], op.rank)
			}
		}
		first += op.run
		at += op.size
	}
	return first == hllRegisters
}

// denseAt returns register i of the dense encoding, which packs six bits each,
// the lowest first.
func denseAt[S string | []byte](s S, i int) uint8 {
	at, shift := hllHeader+i*6/8, i*6%8
	word := uint16(s[at])
	if at+1 < len(s) {
		word |= uint16(s[at+1]) << 8
	}
	return uint8(word>>shift) & 63
}

func setDense(b []byte, i int, rank uint8) {
	at, shift := hllHeader+i*6/8, i*6%8
	b[at] = b[at]&^(63<<shift) | rank<<shift
	if shift > 2 {
		shift = 8 - shift
		b[at+1] = b[at+1]&^(63>>shift) | rank>>shift
	}
}
