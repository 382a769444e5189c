package backup

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"
)

// A backup begins with
//
//	"trivet backup" format(1) length(4) header crc32c(4) of all before
//
// with the header as JSON of so many bytes, numbers little-endian.
const (
	magic     = "trivet backup"
	format    = 1
	maxHeader = 64 << 10
)

// What errors wrap.
var (
	ErrFormat = errors.New("this is no backup of trivet's, or its beginning is damaged")
	ErrNewer  = errors.New("backup of a newer version: use that version's trivet")
)

// A Header says what is in a backup.
type Header struct {
	Cluster string    `json:"cluster"` // identity of the cluster that it is of
	Index   uint64    `json:"index"`   // of the log entry that the state holds
	Time    time.Time `json:"time"`    // when it was begun, by the node's clock
	Version string    `json:"version"` // of the node's trivet
	Keys    int       `json:"keys"`    // of all databases, due ones included
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Append appends the beginning of a backup.
func (h Header) Append(dst []byte) ([]byte, error) {
	text, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	start := len(dst)
	dst = append(append(dst, magic...), format)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(text)))
	dst = append(dst, text...)
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli)), nil
}

// Read reads the beginning of a backup, after which r is at the state. Errors wrap
// ErrFormat, ErrNewer or what r answered.
func Read(r io.Reader) (h Header, err error) {
	head := make([]byte, len(magic)+1+4)
	if _, err := io.ReadFull(r, head); err != nil {
		return h, short(err)
	}
	size := binary.LittleEndian.Uint32(head[len(magic)+1:])
	switch version := head[len(magic)]; {
	case string(head[:len(magic)]) != magic:
		return h, ErrFormat
	case version > format:
		return h, fmt.Errorf("format %d: %w", version, ErrNewer)
	case version != format || size > maxHeader:
		return h, ErrFormat
	}
	rest := make([]byte, size+4)
	if _, err := io.ReadFull(r, rest); err != nil {
		return h, short(err)
	}
	text, sum := rest[:size], binary.LittleEndian.Uint32(rest[size:])
	if crc32.Update(crc32.Checksum(head, castagnoli), castagnoli, text) != sum || json.Unmarshal(text, &h) != nil {
		return h, ErrFormat
	}
	return h, nil
}

// short is the error for a backup that ends within its beginning.
func short(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrFormat
	}
	return err
}
