package disk

import (
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/hashicorp/raft-wal/fs"
	"github.com/hashicorp/raft-wal/types"
)

// Files implements types.VFS. Its zero value is ready.
type Files struct {
	fs.FS
}

// Create implements types.VFS.
func (v *Files) Create(dir, name string, size uint64) (types.WritableFile, error) {
	f, err := v.FS.Create(dir, name, size)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	return v.OpenWriter(dir, name)
}

// OpenWriter implements types.VFS.
func (v *Files) OpenWriter(dir, name string) (types.WritableFile, error) {
	path := filepath.Join(dir, name)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &file{File: f, dir: dir, zeros: zeros{path: path, size: info.Size()}}, nil
}

// Delete implements types.VFS. It does not wait for the disk: a file that comes
// back after a loss of power is in no list of raft-wal's, which then deletes it
// again.
func (v *Files) Delete(dir, name string) error {
	path := filepath.Join(dir, name)
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil {
		return errors.Join(err, f.Close())
	}
	Free(f)
	return nil
}

// A file is one that is appended to.
type file struct {
	*os.File
	dir   string
	known atomic.Bool // whether its directory has it, durably
	zeros zeros
}

// WriteAt implements types.WritableFile.
func (f *file) WriteAt(b []byte, off int64) (int, error) {
	f.zeros.claim(off + int64(len(b)))
	return f.File.WriteAt(b, off)
}

// Sync implements types.WritableFile. The first time it syncs the directory, too.
func (f *file) Sync() error {
	if f.known.Load() {
		return syncData(f.File)
	}
	if err := errors.Join(f.File.Sync(), SyncDir(f.dir)); err != nil {
		return err
	}
	f.known.Store(true)
	return nil
}

// Close implements types.WritableFile.
func (f *file) Close() error {
	f.zeros.end()
	return f.File.Close()
}

// SyncDir waits until the names in a directory are on the disk.
func SyncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
