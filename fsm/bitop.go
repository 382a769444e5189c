package fsm

import (
	"encoding/binary"
	"strings"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

var errBitNot = resp.Err("ERR BITOP NOT must be called with a single source key.")

func bitOp(tx *Tx, args [][]byte) resp.Value {
	do := bitOperationOf(args[1])
	switch {
	case do == 0:
		return errSyntax
	case do == bitNot && len(args) != 4:
		return errBitNot
	}
	tx.charge(cost.Times(len(args)-3, cost.Lookup))
	tx.missing(args[3:]...)
	sources := make([]text, 0, len(args)-3)
	size := 0
	for _, key := range args[3:] {
		t, _, fail := textAt(tx, key)
		if fail.IsError() {
			return fail
		}
		sources = append(sources, t)
		size = max(size, t.len())
	}
	if size == 0 {
		if tx.remove(args[2]) {
			tx.notifyDeleted(args[2])
		}
		return resp.Int(0)
	}
	tx.charge(cost.Times(len(sources), cost.Read(size)) + cost.Made(size))
	tx.put(args[2], &object{str: combineBits(sources, size, do)})
	tx.notify(notifyString, "set", args[2])
	return resp.Int(int64(size))
}

// combineBits joins the sources; those that are shorter go on with zeros.
func combineBits(sources []text, size int, do bitOperation) string {
	var all strings.Builder
	all.Grow(size)
	block := min(size, partSize)
	words := (block + 7) / 8 * 8
	sum, next := make([]byte, words), make([]byte, words)
	for at := 0; at < size; at += block {
		sources[0].fill(sum, at)
		for _, t := range sources[1:] {
			t.fill(next, at)
			do.join(sum, next)
		}
		if do == bitNot {
			do.join(sum, sum)
		}
		all.Write(sum[:min(block, size-at)])
	}
	return all.String()
}

// fill fills dst with the bytes from a place on, and with zeros past the end.
func (t text) fill(dst []byte, at int) { clear(dst[t.copy(dst, at):]) }

// A bitOperation joins two words bit by bit.
type bitOperation byte

const (
	bitAnd bitOperation = iota + 1
	bitOr
	bitXor
	bitNot // of the first word
)

// bitOperationOf returns 0 for what is none.
func bitOperationOf(word []byte) bitOperation {
	for i, name := range []string{"AND", "OR", "XOR", "NOT"} {
		if equalFold(word, name) {
			return bitAnd + bitOperation(i)
		}
	}
	return 0
}

// join joins b, which is as long, to sum. Both are whole words.
func (do bitOperation) join(sum, b []byte) {
	for ; len(sum) >= 8 && len(b) >= 8; sum, b = sum[8:], b[8:] {
		x, y := binary.LittleEndian.Uint64(sum), binary.LittleEndian.Uint64(b)
		switch do {
		case bitAnd:
			x &= y
		case bitOr:
			x |= y
		case bitXor:
			x ^= y
		case bitNot:
			x = ^x
		}
		binary.LittleEndian.PutUint64(sum, x)
	}
}
