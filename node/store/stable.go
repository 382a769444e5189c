package store

import (
	"encoding/binary"
	"errors"
	"runtime/debug"

	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
)

// A checkedStable is raft's term and vote in bolt, with a checksum on each.
type checkedStable struct {
	at     place
	bolt   *raftboltdb.BoltStore
	broken *brokenDisk
}

// Set implements raft.StableStore. The value is durable when it returns.
func (s *checkedStable) Set(key, value []byte) error {
	if err := s.broken.check(); err != nil {
		return err
	}
	return s.broken.note(s.set(key, seal(key, value)))
}

func (s *checkedStable) set(key, sealed []byte) (err error) {
	defer s.at.guard(debug.SetPanicOnFault(true), &err)
	return s.bolt.Set(key, sealed)
}

// Get implements raft.StableStore. For a key that was never set the error is
// bolt's own, since raft compares its text.
func (s *checkedStable) Get(key []byte) (value []byte, err error) {
	defer s.at.guard(debug.SetPanicOnFault(true), &err)
	sealed, err := s.bolt.Get(key)
	if err != nil {
		return nil, err
	}
	value, err = unseal(key, sealed)
	if err != nil {
		return nil, s.at.damagedf("raft.db: value of %q: %w", key, err)
	}
	return value, nil
}

// SetUint64 implements raft.StableStore.
func (s *checkedStable) SetUint64(key []byte, value uint64) error {
	return s.Set(key, binary.BigEndian.AppendUint64(nil, value))
}

// GetUint64 implements raft.StableStore.
func (s *checkedStable) GetUint64(key []byte) (uint64, error) {
	value, err := s.Get(key)
	if err != nil {
		return 0, err
	}
	if len(value) != 8 {
		return 0, s.at.damagedf("raft.db: value of %q has %d bytes", key, len(value))
	}
	return binary.BigEndian.Uint64(value), nil
}

// find is GetUint64 that says whether the key was ever set.
func (s *checkedStable) find(key string) (value uint64, found bool, err error) {
	value, err = s.GetUint64([]byte(key))
	if errors.Is(err, raftboltdb.ErrKeyNotFound) {
		return 0, false, nil
	}
	return value, err == nil, err
}
