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

// AppendDump appends v as DUMP answers it.
func AppendDump(dst []byte, v *Value) []byte {
	e := encoder{append(dst, types[v.Kind])}
	e.value(v)
	e.b = binary.LittleEndian.AppendUint16(e.b, writtenVersion)
	return binary.LittleEndian.AppendUint64(e.b, update(0, e.b[len(dst):]))
}

// ParseDump reads what AppendDump or Redis's DUMP wrote. An error wraps
// ErrChecksum where the end of data is wrong.
func ParseDump(data []byte) (Value, error) {
	if len(data) < footerSize {
		return Value{}, fmt.Errorf("dump of %d bytes: %w", len(data), ErrChecksum)
	}
	body, footer := data[:len(data)-footerSize], data[len(data)-footerSize:]
	version := binary.LittleEndian.Uint16(footer)
	sum := update(0, data[:len(data)-8])
	if version > maxVersion || sum != binary.LittleEndian.Uint64(footer[2:]) {
		return Value{}, fmt.Errorf("dump of version %d: %w", version, ErrChecksum)
	}
	rest := bytes.NewReader(body)
	d := decoder{r: bufio.NewReaderSize(rest, min(len(body), 4096))}
	v := d.value(d.byte())
	if _, err := d.r.ReadByte(); err == nil {
		d.fail("dump with %d bytes too many", 1+d.r.Buffered()+rest.Len())
	}
	if d.err != nil {
		return Value{}, d.err
	}
	return v, nil
}
