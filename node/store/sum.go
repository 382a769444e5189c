package store

import (
	"encoding/binary"
	"errors"
	"hash/crc32"

	"github.com/hashicorp/raft"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sumSize is the length of a checksum, which comes last in what it guards.
const sumSize = 4

var errSum = errors.New("wrong checksum")

// entrySum covers all of an entry that raft relies on. AppendedAt is left out:
// it is operational, and a library's notion of time need not survive encoding.
func entrySum(e *raft.Log, extensions []byte) uint32 {
	var head [17]byte
	binary.LittleEndian.PutUint64(head[0:], e.Index)
	binary.LittleEndian.PutUint64(head[8:], e.Term)
	head[16] = byte(e.Type)
	sum := crc32.Update(0, castagnoli, head[:])
	sum = crc32.Update(sum, castagnoli, e.Data)
	return crc32.Update(sum, castagnoli, extensions)
}

// sealEntry returns a copy of e that carries its checksum. raft shares the
// entry with its replication, so it must not be changed itself.
func sealEntry(e *raft.Log) *raft.Log {
	c := *e
	c.Extensions = binary.LittleEndian.AppendUint32(append([]byte(nil), e.Extensions...), entrySum(e, e.Extensions))
	return &c
}

// unsealEntry checks e and takes the checksum off.
func unsealEntry(e *raft.Log) error {
	cut := len(e.Extensions) - sumSize
	if cut < 0 {
		return errSum
	}
	extensions := e.Extensions[:cut:cut]
	if binary.LittleEndian.Uint32(e.Extensions[cut:]) != entrySum(e, extensions) {
		return errSum
	}
	if cut == 0 {
		extensions = nil
	}
	e.Extensions = extensions
	return nil
}

// seal appends the checksum of a stable value and its key.
func seal(key, value []byte) []byte {
	sum := crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, value)
	return binary.LittleEndian.AppendUint32(append([]byte(nil), value...), sum)
}

// unseal undoes seal.
func unseal(key, sealed []byte) ([]byte, error) {
	cut := len(sealed) - sumSize
	if cut < 0 {
		return nil, errSum
	}
	value := sealed[:cut:cut]
	sum := crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, value)
	if binary.LittleEndian.Uint32(sealed[cut:]) != sum {
		return nil, errSum
	}
	return value, nil
}
