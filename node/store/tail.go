package store

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"sync"
)

const tailName = "tail"

// A tail is a note, in a file of its own, of how far the log reached. bolt's
// pages are copied at each change and carry no version: one changed bit in a
// page number can lead to an older copy of the tree, whole in itself, in which
// the newest entries are missing.
//
// The note is never higher than what is durable, so it may be written without
// waiting for the disk: after a loss of power it says less than it could.
type tail struct {
	mu    sync.Mutex
	file  *os.File
	index uint64
}

// openTail reads the note. One that is not readable says nothing.
func openTail(dir string) (*tail, error) {
	f, err := os.OpenFile(filepath.Join(dir, tailName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	t := &tail{file: f}
	b := make([]byte, 8+sumSize)
	if _, err := f.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.Join(err, f.Close())
	}
	if binary.LittleEndian.Uint32(b[8:]) == crc32.Checksum(b[:8], castagnoli) {
		t.index = binary.LittleEndian.Uint64(b)
	}
	return t, nil
}

// raise notes that the log now durably reaches index.
func (t *tail) raise(index uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if index > t.index {
		_ = t.write(index) // the entries are stored all the same
	}
}

// lower notes, durably, that the log is about to be cut off after index.
func (t *tail) lower(index uint64) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if index >= t.index {
		return nil
	}
	if err := t.write(index); err != nil {
		return err
	}
	return t.file.Sync()
}

func (t *tail) write(index uint64) error {
	t.index = index
	b := binary.LittleEndian.AppendUint64(nil, index)
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
	_, err := t.file.WriteAt(b, 0)
	return err
}
