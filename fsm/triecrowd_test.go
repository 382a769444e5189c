package fsm

import (
	"encoding/binary"
	"math/bits"
	"testing"

	"github.com/cespare/xxhash/v2"
)

// The primes of xxhash.
const (
	xxPrime1 = 11400714785074694791
	xxPrime2 = 14029467366897019727
	xxPrime3 = 1609587929392839161
	xxPrime4 = 9650029242287828579
	xxPrime5 = 2870177450012600261
)

// odd returns what undoes a multiplication by an odd number.
func odd(n uint64) uint64 {
	x := n
	for range 6 {
		x *= 2 - n*x
	}
	return x
}

// unshift undoes h ^= h >> by.
func unshift(h uint64, by uint) uint64 {
	x := h
	for range 64/by + 1 {
		x = h ^ x>>by
	}
	return x
}

// sameHash returns n keys of 16 bytes with one 64-bit hash: the first 8 bytes are
// any, and the others follow from them.
func sameHash(n int) (keys []string) {
	h := uint64(0x123456789abcdef0)
	h = unshift(h, 32) * odd(xxPrime3)
	h = unshift(h, 29) * odd(xxPrime2)
	h = unshift(h, 33)
	round := func(k uint64) uint64 { return bits.RotateLeft64(k*xxPrime2, 31) * xxPrime1 }
	mix := func(h, k uint64) uint64 { return bits.RotateLeft64(h^round(k), 27)*xxPrime1 + xxPrime4 }
	prime5 := uint64(xxPrime5)
	for i := range uint64(n) {
		first := mix(prime5+16, i)
		k := bits.RotateLeft64((h-xxPrime4)*odd(xxPrime1), -27) ^ first
		second := bits.RotateLeft64(k*odd(xxPrime1), -31) * odd(xxPrime2)
		key := binary.LittleEndian.AppendUint64(nil, i)
		keys = append(keys, string(binary.LittleEndian.AppendUint64(key, second)))
	}
	return keys
}

// Keys that share a hash, as anybody can make them, are kept in the order of all
// others and found like them.
func TestCrowd(t *testing.T) {
	keys := sameHash(2000)
	for _, key := range keys {
		if xxhash.Sum64String(key) != xxhash.Sum64String(keys[0]) {
			t.Fatal("the keys have different hashes")
		}
	}
	m := newMembers(1)
	m.ints = false
	for i, key := range keys {
		m.add(key)
		m.add(itoa(int64(i)))
	}
	if m.add(keys[7]) || m.size() != 4000 {
		t.Fatalf("%d members", m.size())
	}
	if err := m.check(); err != nil {
		t.Fatal(err)
	}
	frozen := m.clone(2).(*members)
	frozen, m = m, frozen
	at := 0
	m.each(func(e *entry[struct{}]) bool {
		if m.at(at).key != e.key || !m.has(e.key) {
			t.Fatalf("member %d is not %q", at, e.key)
		}
		at++
		return true
	})
	for _, key := range keys {
		if !m.remove(key) || m.has(key) {
			t.Fatal("a member is not removed")
		}
	}
	if err := m.check(); err != nil || m.size() != 2000 {
		t.Fatalf("%d members: %v", m.size(), err)
	}
	if err := frozen.check(); err != nil || frozen.size() != 4000 {
		t.Fatalf("a frozen view has %d members: %v", frozen.size(), err)
	}
}
