package store

import (
	"sync"

	"github.com/hashicorp/raft-wal/types"
)

// segmentFiles are the files of raft-wal's segments. While they defer, a file is
// not synced when raft-wal asks for it but by whoever calls what deferred returns.
type segmentFiles struct {
	types.VFS

	mu        sync.Mutex
	deferring bool
	due       func() error // the last sync that was deferred; nil for none
}

// deferSyncs begins to defer. What was deferred before must be done.
func (f *segmentFiles) deferSyncs() {
	f.mu.Lock()
	f.deferring, f.due = true, nil
	f.mu.Unlock()
}

// deferred ends the deferring and returns the sync that is due, nil for none. All
// calls of it wait for the same sync and return its result.
func (f *segmentFiles) deferred() func() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.deferring = false
	return f.due
}

// settle waits until nothing is due.
func (f *segmentFiles) settle() error {
	f.mu.Lock()
	due := f.due
	f.mu.Unlock()
	if due == nil {
		return nil
	}
	return due()
}

// sync syncs a file, now or later.
func (f *segmentFiles) sync(file types.WritableFile) error {
	f.mu.Lock()
	if f.deferring {
		f.due = sync.OnceValue(file.Sync)
		f.mu.Unlock()
		return nil
	}
	f.mu.Unlock()
	return file.Sync()
}

// Create implements types.VFS.
func (f *segmentFiles) Create(dir, name string, size uint64) (types.WritableFile, error) {
	file, err := f.VFS.Create(dir, name, size)
	if err != nil {
		return nil, err
	}
	return segmentFile{file, f}, nil
}

// OpenWriter implements types.VFS.
func (f *segmentFiles) OpenWriter(dir, name string) (types.WritableFile, error) {
	file, err := f.VFS.OpenWriter(dir, name)
	if err != nil {
		return nil, err
	}
	return segmentFile{file, f}, nil
}

// A segmentFile is one that is written.
type segmentFile struct {
	types.WritableFile
	files *segmentFiles
}

// Sync implements types.WritableFile.
func (s segmentFile) Sync() error { return s.files.sync(s.WritableFile) }
