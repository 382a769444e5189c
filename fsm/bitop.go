package fsm

import (
	"strings"

	"github.com/trivetdb/trivet/resp"
)

var errBitNot = resp.Err("ERR BITOP NOT must be called with a single source key.")

// A bitOperation joins two words bit by bit.
type bitOperation func(a, b uint64) uint64

func bitOperationOf(word []byte) bitOperation {
	switch {
	case equalFold(word, "AND"):
		return func(a, b uint64) uint64 { return a & b }
	case equalFold(word, "OR"):
		return func(a, b uint64) uint64 { return a | b }
	case equalFold(word, "XOR"), equalFold(word, "NOT"): // with ones, for NOT
		return func(a, b uint64) uint64 { return a ^ b }
	}
	return nil
}

func bitOp(tx *Tx, args [][]byte) resp.Value {
	do := bitOperationOf(args[1])
	not := equalFold(args[1], "NOT")
	switch {
	case do == nil:
		return errSyntax
	case not && len(args) != 4:
		return errBitNot
	}
	tx.missing(args[3:]...)
	sources := make([]string, 0, len(args)-3)
	size := 0
	for _, key := range args[3:] {
		s, _, fail := stringAt(tx, key)
		if fail.IsError() {
			return fail
		}
		sources = append(sources, s)
		size = max(size, len(s))
	}
	if size == 0 {
		if tx.remove(args[2]) {
			tx.notifyDeleted(args[2])
		}
		return resp.Int(0)
	}
	if not {
		sources = append(sources, strings.Repeat("\xff", size))
	}
	tx.put(args[2], &object{str: combineBits(sources, size, do)})
	tx.notify(notifyString, "set", args[2])
	return resp.Int(int64(size))
}

// combineBits joins the sources; those that are shorter go on with zeros.
func combineBits(sources []string, size int, do bitOperation) string {
	var b strings.Builder
	b.Grow(size)
	var raw [8]byte
	for at := 0; at < size; at += 8 {
		word := padded8(sources[0], at)
		for _, s := range sources[1:] {
			word = do(word, padded8(s, at))
		}
		for i := range raw {
			raw[i] = byte(word >> (56 - 8*i))
		}
		b.Write(raw[:min(8, size-at)])
	}
	return b.String()
}

// padded8 returns eight bytes of s from a place on, zeros past its end.
func padded8(s string, at int) (word uint64) {
	switch {
	case at+8 <= len(s):
		return word8(s[at:])
	case at < len(s):
		for i := range len(s) - at {
			word |= uint64(s[at+i]) << (56 - 8*i)
		}
	}
	return word
}
