package fsm

import (
	"encoding/binary"
	"hash/crc64"

	"github.com/trivetdb/trivet/fsm/lua"
	"github.com/trivetdb/trivet/resp"
)

// FUNCTION DUMP is as Redis's, so that libraries can be moved between the two: an
// opcode and a string for each library, the version of the format and a checksum.
const (
	rdbFunction     = 245
	rdbVersion      = 10 // of Redis 7.0; written
	rdbNewest       = 12 // that libraries can be read of
	rdbFooter       = 2 + 8
	maxLibraryBytes = 64 << 20 // of code, unpacked
)

// redisCRC64 is the table of the checksum, CRC-64/Jones. Package crc64 inverts
// what goes in and what comes out; Redis does not.
var redisCRC64 = crc64.MakeTable(0x95ac9329ac4bc9b5)

func sumCRC64(b []byte) uint64 { return ^crc64.Update(^uint64(0), redisCRC64, b) }

func functionDump(tx *Tx, _ [][]byte) resp.Value {
	var b []byte
	for _, l := range tx.st.functions.libraries {
		b = appendRDBString(append(b, rdbFunction), l.Code)
	}
	b = binary.LittleEndian.AppendUint16(b, rdbVersion)
	return resp.Str(string(binary.LittleEndian.AppendUint64(b, sumCRC64(b))))
}

// functionRestore takes a payload [FLUSH | APPEND | REPLACE].
func functionRestore(tx *Tx, args [][]byte) resp.Value {
	policy := "APPEND"
	if len(args) > 4 {
		return errFunctionSyntax("RESTORE")
	}
	if len(args) == 4 {
		policy = upper(string(args[3][:min(len(args[3]), maxCommandName)]))
	}
	if policy != "FLUSH" && policy != "APPEND" && policy != "REPLACE" {
		return errRestorePolicy
	}
	codes, fail := parseFunctionDump(args[2])
	if fail.IsError() {
		return fail
	}
	var more []*lua.Library
	for _, code := range codes {
		l, err := tx.st.machine.Load(code)
		if err != nil {
			return resp.Err(err.Error())
		}
		more = append(more, l)
	}
	next := tx.st.functions
	if policy == "FLUSH" {
		next = functions{}
	}
	if fail := next.add(policy == "REPLACE", more...); fail.IsError() {
		return fail
	}
	tx.st.functions = next
	return resp.OK
}

// parseFunctionDump returns the code of each library.
func parseFunctionDump(b []byte) (codes []string, fail resp.Value) {
	if len(b) < rdbFooter {
		return nil, errDumpChecksum
	}
	body := b[:len(b)-rdbFooter]
	version := binary.LittleEndian.Uint16(b[len(body):])
	if version > rdbNewest || binary.LittleEndian.Uint64(b[len(b)-8:]) != sumCRC64(b[:len(b)-8]) {
		return nil, errDumpChecksum
	}
	for size := 0; len(body) > 0; {
		if body[0] != rdbFunction {
			return nil, errDumpKind
		}
		code, rest, ok := parseRDBString(body[1:])
		if size += len(code); !ok || size > maxLibraryBytes {
			return nil, errDumpBroken
		}
		codes, body = append(codes, code), rest
	}
	return codes, resp.Nil
}

var (
	errRestorePolicy = resp.Err("ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.")
	errDumpChecksum  = resp.Err("ERR DUMP payload version or checksum are wrong")
	errDumpKind      = resp.Err("ERR given type is not a function")
	errDumpBroken    = resp.Err("ERR failed loading functions payload")
)

// appendRDBString writes a string behind its length, not compressed.
func appendRDBString(b []byte, s string) []byte {
	switch n := len(s); {
	case n < 1<<6:
		b = append(b, byte(n))
	case n < 1<<14:
		b = append(b, 0x40|byte(n>>8), byte(n))
	default:
		b = binary.BigEndian.AppendUint32(append(b, 0x80), uint32(n))
	}
	return append(b, s...)
}

// parseRDBLength reads a length. Special says that it stands for an encoding.
func parseRDBLength(b []byte) (n uint64, special bool, rest []byte, ok bool) {
	if len(b) == 0 {
		return 0, false, nil, false
	}
	low := uint64(b[0] & 0x3f)
	switch first := b[0]; {
	case first < 0x40:
		return low, false, b[1:], true
	case first < 0x80 && len(b) >= 2:
		return low<<8 | uint64(b[1]), false, b[2:], true
	case first == 0x80 && len(b) >= 5:
		return uint64(binary.BigEndian.Uint32(b[1:])), false, b[5:], true
	case first == 0x81 && len(b) >= 9:
		return binary.BigEndian.Uint64(b[1:]), false, b[9:], true
	case first >= 0xc0:
		return low, true, b[1:], true
	}
	return 0, false, nil, false
}

// parseRDBString reads a string in the encodings that code may have: no code is a
// number.
func parseRDBString(b []byte) (s string, rest []byte, ok bool) {
	n, special, b, ok := parseRDBLength(b)
	switch {
	case !ok:
		return "", nil, false
	case !special:
		if n > uint64(len(b)) {
			return "", nil, false
		}
		return string(b[:n]), b[n:], true
	case n == 3:
		return parseRDBPacked(b)
	}
	return "", nil, false
}

// parseRDBPacked reads a string that LZF compressed.
func parseRDBPacked(b []byte) (s string, rest []byte, ok bool) {
	packed, special, b, ok := parseRDBLength(b)
	if !ok || special {
		return "", nil, false
	}
	size, special, b, ok := parseRDBLength(b)
	if !ok || special || packed > uint64(len(b)) || size > maxLibraryBytes {
		return "", nil, false
	}
	s, ok = unpackLZF(b[:packed], int(size))
	return s, b[packed:], ok
}

// unpackLZF unpacks what must become size bytes.
func unpackLZF(in []byte, size int) (string, bool) {
	const most = 264 // bytes that three can stand for
	if size > len(in)*most {
		return "", false
	}
	out := make([]byte, 0, size)
	for len(in) > 0 {
		ctrl := int(in[0])
		in = in[1:]
		if ctrl < 32 { // so many bytes and one follow as they are
			if ctrl >= len(in) || len(out)+ctrl+1 > size {
				return "", false
			}
			out, in = append(out, in[:ctrl+1]...), in[ctrl+1:]
			continue
		}
		n := ctrl >> 5
		if n == 7 && len(in) > 0 {
			n, in = n+int(in[0]), in[1:]
		}
		if n += 2; len(in) == 0 {
			return "", false
		}
		from := len(out) - (ctrl&0x1f<<8 | int(in[0])) - 1
		if in = in[1:]; from < 0 || len(out)+n > size {
			return "", false
		}
		for ; n > 0; n-- { // it may repeat what it writes
			out, from = append(out, out[from]), from+1
		}
	}
	return string(out), len(out) == size
}
