// Package faulty has a disk for tests: it can be slow to sync, fail to, and lose
// what was not synced.
package faulty

import (
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/hashicorp/raft-wal/types"

	"github.com/trivetdb/trivet/node/store/disk"
)

// pageSize is what a disk writes whole or not at all.
const pageSize = 4096

// A Disk is a types.VFS over files of the operating system. Its methods may be
// called from many goroutines.
type Disk struct {
	*disk.Files

	mu       sync.Mutex
	change   sync.Cond
	held     bool
	waiting  int
	err      error
	dead     bool
	unsynced []page // oldest first
	writes   int
}

// A page is what a file held before a write that is not synced.
type page struct {
	write int // which one
	file  types.WritableFile
	off   int64
	old   []byte
}

var errPower = errors.New("no power")

// NewDisk returns a disk that works.
func NewDisk() *Disk {
	d := &Disk{Files: &disk.Files{}}
	d.change.L = &d.mu
	return d
}

// Hold makes all syncs wait from now on.
func (d *Disk) Hold() { d.set(true, nil) }

// Release lets syncs go on. With an error they fail with that.
func (d *Disk) Release(err error) { d.set(false, err) }

func (d *Disk) set(held bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.held, d.err = held, err
	d.change.Broadcast()
}

// Waiting waits until n syncs wait.
func (d *Disk) Waiting(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for d.waiting < n {
		d.change.Wait()
	}
}

// LosePower takes back what was written and not synced, save for pages that had
// reached the disk by chance, or all of them for nil. The disk works no more.
func (d *Disk) LosePower(random *rand.Rand) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.held, d.err, d.dead = false, errPower, true
	d.change.Broadcast()
	for _, p := range slices.Backward(d.unsynced) {
		if random == nil || random.IntN(2) == 0 {
			continue
		}
		if _, err := p.file.WriteAt(p.old, p.off); err != nil {
			return err
		}
	}
	d.unsynced = nil
	return nil
}

// Create implements types.VFS.
func (d *Disk) Create(dir, name string, size uint64) (types.WritableFile, error) {
	f, err := d.Files.Create(dir, name, size)
	if err != nil {
		return nil, err
	}
	return file{f, d}, nil
}

// OpenWriter implements types.VFS.
func (d *Disk) OpenWriter(dir, name string) (types.WritableFile, error) {
	f, err := d.Files.OpenWriter(dir, name)
	if err != nil {
		return nil, err
	}
	return file{f, d}, nil
}

// A file is one of a Disk that is written.
type file struct {
	types.WritableFile
	disk *Disk
}

// WriteAt implements types.WritableFile.
func (f file) WriteAt(b []byte, off int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.disk.dead {
		return len(b), nil
	}
	f.disk.writes++
	for at := off - off%pageSize; at < off+int64(len(b)); at += pageSize {
		old := make([]byte, pageSize)
		if n, err := f.ReadAt(old, at); err == io.EOF {
			old = old[:n]
		} else if err != nil {
			return 0, err
		}
		f.disk.unsynced = append(f.disk.unsynced, page{f.disk.writes, f.WritableFile, at, old})
	}
	return f.WritableFile.WriteAt(b, off)
}

// Sync implements types.WritableFile. What counts as synced is what was written
// before it began.
func (f file) Sync() error {
	d := f.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	newest := d.writes
	d.waiting++
	d.change.Broadcast()
	for d.held {
		d.change.Wait()
	}
	d.waiting--
	if d.err != nil {
		return d.err
	}
	d.unsynced = slices.DeleteFunc(d.unsynced, func(p page) bool {
		return p.write <= newest && p.file == f.WritableFile
	})
	return nil
}
