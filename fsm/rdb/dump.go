package rdb

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
)

// footerSize is what follows the value in the reply to DUMP: the version and the
// checksum of all before.
const footerSize = 2 + 8

// maxInflated is how many bytes a dump may hold compressed: as many as Redis lets
// a string have. A few bytes shall not take all memory.
const maxInflated = 512 << 20

// AppendDump appends v as DUMP answers it.
func AppendDump(dst []byte, v *Value) []byte {
	e := encoder{append(dst, types[v.Kind])}
	e.value(v)
	return seal(e.b, len(dst))
}

// seal appends the footer of what begins at from.
func seal(b []byte, from int) []byte {
	b = binary.LittleEndian.AppendUint16(b, writtenVersion)
	return binary.LittleEndian.AppendUint64(b, update(0, b[from:]))
}

// unseal returns what is before a footer that is right.
func unseal(data []byte) ([]byte, error) {
	if len(data) < footerSize {
		return nil, fmt.Errorf("dump of %d bytes: %w", len(data), ErrChecksum)
	}
	body, footer := data[:len(data)-footerSize], data[len(data)-footerSize:]
	version := binary.LittleEndian.Uint16(footer)
	sum := update(0, data[:len(data)-8])
	if version > maxVersion || sum != binary.LittleEndian.Uint64(footer[2:]) {
		return nil, fmt.Errorf("dump of version %d: %w", version, ErrChecksum)
	}
	return body, nil
}

// ParseDump reads what AppendDump or Redis's DUMP wrote. An error wraps
// ErrChecksum where the end of data is wrong, and ErrTooLarge where a little data
// means very much.
func ParseDump(data []byte) (Value, error) {
	return ParseDumpWithin(data, func(int, int) {})
}

// ParseDumpWithin is ParseDump that calls spend before it takes memory, other than
// that for the bytes of data: with a number of elements, and a number of bytes that
// were compressed. spend may end it by a panic.
func ParseDumpWithin(data []byte, spend func(elems, bytes int)) (Value, error) {
	body, err := unseal(data)
	if err != nil {
		return Value{}, err
	}
	rest := bytes.NewReader(body)
	d := decoder{r: bufio.NewReaderSize(rest, min(len(body), 4096)), most: maxInflated, spend: spend}
	v := d.value(d.byte())
	if _, err := d.r.ReadByte(); err == nil {
		d.fail("dump with %d bytes too many", 1+d.r.Buffered()+rest.Len())
	}
	if d.err != nil {
		return Value{}, d.err
	}
	return v, nil
}

// AppendLibraries appends the code of libraries as FUNCTION DUMP answers it.
func AppendLibraries(dst []byte, code []string) []byte {
	e := encoder{dst}
	for _, c := range code {
		e.byte(opFunction)
		e.text(c)
	}
	return seal(e.b, len(dst))
}

// ParseLibraries reads what AppendLibraries or Redis's FUNCTION DUMP wrote, of
// most bytes of code at most. An error wraps ErrOpcode where something else was
// dumped, and those of ParseDump.
func ParseLibraries(data []byte, most int) (code []string, err error) {
	body, err := unseal(data)
	if err != nil {
		return nil, err
	}
	d := decoder{r: bufio.NewReaderSize(bytes.NewReader(body), min(len(body), 4096)), most: uint64(most)}
	for {
		switch op, err := d.r.ReadByte(); {
		case err != nil: // the end
			return code, nil
		case op != opFunction:
			return nil, fmt.Errorf("%w: %d", ErrOpcode, op)
		}
		c := d.string()
		if most -= len(c); d.err == nil && most < 0 {
			d.fail("too much code")
		}
		if d.err != nil {
			return nil, d.err
		}
		code = append(code, c)
	}
}
