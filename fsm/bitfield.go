package fsm

import (
	"encoding/binary"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

// fieldSteps is what an argument of BITFIELD costs; a step has three of them or four.
const fieldSteps = 5

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
func (t fieldType) read(f *fieldBytes, at int64) int64 {
	var raw [maxField]byte
	f.load(raw[:], int(at>>3))
	word := binary.BigEndian.Uint64(raw[:]) << (at & 7)
	word |= uint64(raw[8]) >> (8 - at&7)
	unused := 64 - t.width
	if t.signed {
		return int64(word) >> unused
	}
	return int64(word >> unused)
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

// maxField is in how many bytes a field may be.
const maxField = 9

// fieldBytes are the bytes that BITFIELD works on: a string, and copies of those
// parts of it that a step has written to.
type fieldBytes struct {
	t     text
	size  int         // of the string once all is done
	parts []fieldPart // as they came
	at    map[int]int // of a part by its number, once there are some
}

// fewParts is how many parts are searched one by one.
const fewParts = 4

// A fieldPart is a copy of partSize bytes, or of fewer at the end.
type fieldPart struct {
	number int
	b      []byte
}

// part returns a part by its number; nil where there is no copy.
func (f *fieldBytes) part(number int) []byte {
	if i, ok := f.at[number]; ok {
		return f.parts[i].b
	}
	for i := range f.parts[:min(len(f.parts), fewParts)] {
		if f.parts[i].number == number {
			return f.parts[i].b
		}
	}
	return nil
}

// load fills b, which is no longer than a field, with the bytes from a place on.
func (f *fieldBytes) load(b []byte, at int) {
	f.t.fill(b, at)
	for i := 0; i < len(b) && len(f.parts) > 0; {
		n := min(len(b)-i, partSize-(at+i)%partSize)
		if p := f.part((at + i) / partSize); p != nil {
			copy(b[i:i+n], p[min((at+i)%partSize, len(p)):])
		}
		i += n
	}
}

// store writes b from a place on.
func (f *fieldBytes) store(tx *Tx, b []byte, at int) {
	for len(b) > 0 {
		number := at / partSize
		p := f.part(number)
		if p == nil {
			tx.charge(cost.Made(min(partSize, f.size-number*partSize)))
			p = make([]byte, min(partSize, f.size-number*partSize))
			f.t.fill(p, number*partSize)
			if len(f.parts) == fewParts {
				f.at = map[int]int{}
			}
			if f.at != nil {
				f.at[number] = len(f.parts)
			}
			f.parts = append(f.parts, fieldPart{number, p})
		}
		n := copy(p[at%partSize:], b)
		b = b[n:]
		at += n
	}
}

// write puts the field's bits.
func (t fieldType) write(tx *Tx, f *fieldBytes, at, n int64) {
	var raw [maxField]byte
	b := raw[:int(at&7+int64(t.width)+7)>>3]
	f.load(b, int(at>>3))
	for i := range int64(t.width) {
		place := at&7 + i
		mask := byte(0x80) >> (place & 7)
		b[place>>3] &^= mask
		if n>>(int64(t.width)-1-i)&1 == 1 {
			b[place>>3] |= mask
		}
	}
	f.store(tx, b, int(at>>3))
}

// run carries out a step and returns its reply, and whether the field has changed.
func (op *fieldOp) run(tx *Tx, f *fieldBytes) (reply resp.Value, changed bool) {
	old := op.read(f, op.at)
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
	op.write(tx, f, op.at, sum)
	return resp.Int(shown), sum != old
}

func bitField(tx *Tx, args [][]byte) resp.Value { return runFields(tx, args, false) }

func bitFieldRO(tx *Tx, args [][]byte) resp.Value { return runFields(tx, args, true) }

// runFields copies the parts that a step writes to once, whatever the number of
// steps. A step that writes makes the string as long as its field needs, also
// where the number does not fit, as in Redis.
func runFields(tx *Tx, args [][]byte, readOnly bool) resp.Value {
	tx.charge(cost.Times(len(args), fieldSteps))
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
	t, _, fail := textAt(tx, args[1])
	if fail.IsError() {
		return fail
	}
	tx.chargeReply(len(ops), 0)
	var room [1]fieldPart
	f := fieldBytes{t: t, size: max(t.len(), int(end+7)>>3), parts: room[:0]}
	replies := make([]resp.Value, 0, len(ops))
	wrote := false
	for i := range ops {
		v, changed := ops[i].run(tx, &f)
		wrote = wrote || changed
		replies = append(replies, v)
	}
	f.keep(tx, args[1])
	if wrote {
		tx.notify(notifyString, "setbit", args[1])
	}
	return resp.List(replies...)
}

// keep makes the key hold what the steps have made of its string, if that is
// another one than it was.
func (f *fieldBytes) keep(tx *Tx, key []byte) {
	changed := f.parts[:0]
	for _, p := range f.parts {
		if !f.t.holds(p.b, p.number*partSize) {
			changed = append(changed, p)
		}
	}
	if f.size > f.t.len() {
		tx.patch(key, tx.get(key), f.size, nil)
	}
	for _, p := range changed {
		tx.patch(key, tx.get(key), p.number*partSize, p.b)
	}
}
