package rdb

import "hash/crc64"

// jones is the table of Redis's checksum. Its polynomial, which Go wants with
// the bits in reverse, is the one called Jones.
var jones = crc64.MakeTable(0x95ac9329ac4bc9b5)

// update is crc64.Update without the inversions, which Redis's checksum lacks.
func update(sum uint64, b []byte) uint64 { return ^crc64.Update(^sum, jones, b) }
