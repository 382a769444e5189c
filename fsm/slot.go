package fsm

import (
	"math"
	"strings"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

// Slots is the number of hash slots that Redis Cluster's clients know. Here one
// leader owns them all.
const Slots = 16384

// SlotOf returns a key's hash slot, by the hash tag where it has one. See the
// cluster specification of Redis.
func SlotOf(key string) int {
	if open := strings.IndexByte(key, '{'); open >= 0 {
		if size := strings.IndexByte(key[open+1:], '}'); size > 0 {
			key = key[open+1 : open+1+size]
		}
	}
	var crc uint16 // CRC-16/XMODEM
	for i := range len(key) {
		crc = crc<<8 ^ crcTable[byte(crc>>8)^key[i]]
	}
	return int(crc) % Slots
}

var crcTable = func() (table [256]uint16) {
	for i := range table {
		crc := uint16(i) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
		table[i] = crc
	}
	return table
}()

var slotCommands = []Command{
	{Spec{"SLOT|COUNT", 2, Read | Internal | Alias, Keys{}, "cluster", "Count the keys of a hash slot.", "3.0.0"}, slotCount},
	{Spec{"SLOT|KEYS", 3, Read | Internal | Alias, Keys{}, "cluster", "List some keys of a hash slot.", "3.0.0"}, slotKeys},
}

func slotCount(tx *Tx, args [][]byte) resp.Value {
	keys, fail := keysOfSlot(tx, args[1], math.MaxInt)
	if fail.IsError() {
		return fail
	}
	return resp.Int(int64(len(keys)))
}

func slotKeys(tx *Tx, args [][]byte) resp.Value {
	most, ok := parseInt(args[2])
	if !ok || most < 0 {
		return errNotInteger
	}
	keys, fail := keysOfSlot(tx, args[1], int(min(most, 1<<20)))
	if fail.IsError() {
		return fail
	}
	return resp.Strs(keys...)
}

// keysOfSlot returns the keys of a slot, at most so many.
func keysOfSlot(tx *Tx, slot []byte, most int) (found []string, fail resp.Value) {
	n, ok := parseInt(slot)
	if !ok || n < 0 || n >= Slots {
		return nil, resp.Err("ERR Invalid or out of range slot")
	}
	return tx.pick(most, func(key string) bool {
		tx.charge(cost.Made(len(key)))
		return SlotOf(key) == int(n)
	}), resp.Nil
}
