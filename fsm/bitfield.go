package fsm

import (
	"math/bits"

	"github.com/trivetdb/trivet/resp"
)

var (
	errFieldType    = resp.Err("ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.")
	errOverflowType = resp.Err("ERR Invalid OVERFLOW type specified")
	errFieldRO      = resp.Err("ERR BITFIELD_RO only supports the GET subcommand")
)

// What BITFIELD does where a number does not fit.
type overflowRule uint8

const (
	overflowWrap overflowRule = iota
	overflowSaturate
	overflowFail
)

// A fieldType is the type of an integer in a bitmap.
type fieldType struct {
	width  uint // in bits, 1 to 64
	signed bool
}

func parseFieldType(arg []byte) (t fieldType, ok bool) {
	if len(arg) < 2 || arg[0] != 'i' && arg[0] != 'u' {
		return t, false
	}
	t.signed = arg[0] == 'i'
	n, ok := parseInt(arg[1:])
	if !ok || n < 1 || n > 64 || n == 64 && !t.signed {
		return t, false
	}
	t.width = uint(n)
	return t, true
}

// A fieldOp is one step of BITFIELD.
type fieldOp struct {
	fieldType
	verb     byte // of GET, SET and INCRBY: the first letter
	overflow overflowRule
	at       int64 // the first bit
	n        int64
}

func parseFieldOps(args [][]byte) (ops []fieldOp, fail resp.Value) {
	rule := overflowWrap
	for len(args) > 0 {
		op := fieldOp{overflow: rule}
		used := 4
		switch word, left := args[0], len(args)-1; {
		case equalFold(word, "GET") && left >= 2:
			op.verb, used = 'G', 3
		case equalFold(word, "SET") && left >= 3:
			op.verb = 'S'
		case equalFold(word, "INCRBY") && left >= 3:
			op.verb = 'I'
		case equalFold(word, "OVERFLOW") && left >= 1:
			var ok bool
			if rule, ok = parseOverflow(args[1]); !ok {
				return nil, errOverflowType
			}
			args = args[2:]
			continue
		default:
			return nil, errSyntax
		}
		if fail := op.parse(args[1:used]); fail.IsError() {
			return nil, fail
		}
		ops = append(ops, op)
		args = args[used:]
	}
	return ops, resp.Nil
}

func parseOverflow(word []byte) (overflowRule, bool) {
	switch {
	case equalFold(word, "WRAP"):
		return overflowWrap, true
	case equalFold(word, "SAT"):
		return overflowSaturate, true
	case equalFold(word, "FAIL"):
		return overflowFail, true
	}
	return 0, false
}

// parse reads the type, the offset and, of a writing step, the number.
func (op *fieldOp) parse(args [][]byte) resp.Value {
	var ok bool
	if op.fieldType, ok = parseFieldType(args[0]); !ok {
		return errFieldType
	}
	if op.at, ok = parseBitOffset(args[1], int64(op.width)); !ok {
		return errBitOffset
	}
	if op.verb == 'G' {
		return resp.Nil
	}
	if op.at+int64(op.width) > int64(maxString)*8 {
		return errBitOffset
	}
	if op.n, ok = parseInt(args[2]); !ok {
		return errNotInteger
	}
	return resp.Nil
}

// read returns the field's bits as an integer.
func (t fieldType) read(bytes fieldBytes, at int64) int64 {
	var word uint64
	for i := range int64(t.width) {
		word = word<<1 | bytes.bit(at+i)
	}
	if unused := 64 - t.width; t.signed {
		return int64(word<<unused) >> unused
	}
	return int64(word)
}

// bounds returns the lowest and the highest integer of the type.
func (t fieldType) bounds() (low, high int64) {
	if !t.signed {
		return 0, int64(1)<<t.width - 1
	}
	high = int64(uint64(1)<<(t.width-1) - 1)
	return -high - 1, high
}

// add returns a+b as the type can hold it, and whether the sum fits. A SET adds
// nothing to its number; of an unsigned type, that counts as one of 64 bits
// without a sign.
func (op *fieldOp) add(a, b int64) (sum int64, fits bool) {
	low, high := op.bounds()
	sum, exact := addInt(a, b)
	over := !exact && b > 0 || exact && sum > high || !op.signed && b == 0 && a < 0
	under := !over && (!exact || sum < low)
	switch {
	case !over && !under:
		return sum, true
	case op.overflow == overflowSaturate && over:
		return high, false
	case op.overflow == overflowSaturate:
		return low, false
	}
	sum = int64(uint64(a) + uint64(b))
	if unused := 64 - op.width; op.signed {
		return sum << unused >> unused, false
	}
	return sum & high, false
}

// fieldBytes are the bytes that BITFIELD works on: a string, and a copy of it
// as soon as a step writes.
type fieldBytes struct {
	s    string
	copy []byte
}

func (f *fieldBytes) bit(at int64) uint64 {
	i, shift := at>>3, 7-at&7
	switch {
	case f.copy != nil && i < int64(len(f.copy)):
		return uint64(f.copy[i]>>shift) & 1
	case f.copy == nil && i < int64(len(f.s)):
		return uint64(f.s[i]>>shift) & 1
	}
	return 0
}

// write puts the field's bits; the copy must reach so far.
func (t fieldType) write(b []byte, at, n int64) {
	word := bits.Reverse64(uint64(n)) >> (64 - t.width)
	for i := at; i < at+int64(t.width); i++ {
		mask := byte(0x80) >> (i & 7)
		b[i>>3] &^= mask
		if word&1 == 1 {
			b[i>>3] |= mask
		}
		word >>= 1
	}
}

// run carries out a step and returns its reply, and whether the field has changed.
func (op *fieldOp) run(f *fieldBytes) (reply resp.Value, changed bool) {
	old := op.read(*f, op.at)
	if op.verb == 'G' {
		return resp.Int(old), false
	}
	a, b, shown := op.n, int64(0), old
	if op.verb == 'I' {
		a, b = old, op.n
	}
	sum, fits := op.add(a, b)
	if !fits && op.overflow == overflowFail {
		return resp.Nil, false
	}
	if op.verb == 'I' {
		shown = sum
	}
	op.write(f.copy, op.at, sum)
	return resp.Int(shown), sum != old
}

func bitField(tx *Tx, args [][]byte) resp.Value { return runFields(tx, args, false) }

func bitFieldRO(tx *Tx, args [][]byte) resp.Value { return runFields(tx, args, true) }

// runFields copies the string once, whatever the number of steps, and not at all
// where none writes. A step that writes makes the string as long as its field
// needs, also where the number does not fit, as in Redis.
func runFields(tx *Tx, args [][]byte, readOnly bool) resp.Value {
	ops, fail := parseFieldOps(args[2:])
	if fail.IsError() {
		return fail
	}
	end := int64(0)
	for i := range ops {
		if op := &ops[i]; op.verb != 'G' {
			end = max(end, op.at+int64(op.width))
		}
	}
	if readOnly && end > 0 {
		return errFieldRO
	}
	if end == 0 {
		tx.missing(args[1])
	}
	s, _, fail := stringAt(tx, args[1])
	if fail.IsError() {
		return fail
	}
	f := fieldBytes{s: s}
	if end > 0 {
		f.copy = make([]byte, max(int64(len(s)), (end+7)>>3))
		copy(f.copy, s)
	}
	replies := make([]resp.Value, 0, len(ops))
	wrote := false
	for i := range ops {
		v, changed := ops[i].run(&f)
		wrote = wrote || changed
		replies = append(replies, v)
	}
	if f.copy != nil && (len(f.copy) > len(s) || string(f.copy) != s) {
		tx.putString(args[1], string(f.copy))
	}
	if wrote {
		tx.notify(notifyString, "setbit", args[1])
	}
	return resp.List(replies...)
}
