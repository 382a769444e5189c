package store

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
)

const applyingName = "applying"

// maxDeaths is how often the process may end while it applies an entry before that
// is not tried again.
const maxDeaths = 2

// An Applying is a note, in a file of its own, of the entry that is being applied,
// and of the one at which the process has ended. It is a store to memory that the
// kernel keeps when the process dies, however it dies. A loss of power may take the
// note away, which is no harm: that is no fault of an entry.
//
// The methods are for one goroutine.
type Applying struct {
	mem    []byte // index that is being applied, 0 for none; index of the last death; how many deaths there
	file   *os.File
	write  func() error // brings mem to the file, where that is no mapping
	died   uint64
	deaths uint64
}

const applyingSize = 24

// openApplying reads the note, and counts a death where the last process has left
// one.
func openApplying(dir string) (_ *Applying, err error) {
	f, err := os.OpenFile(filepath.Join(dir, applyingName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	a := &Applying{file: f}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	b := make([]byte, applyingSize)
	if _, err := f.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	at := binary.LittleEndian.Uint64(b)
	a.died, a.deaths = binary.LittleEndian.Uint64(b[8:]), binary.LittleEndian.Uint64(b[16:])
	switch {
	case at == 0:
	case at == a.died:
		a.deaths++
	default:
		a.died, a.deaths = at, 1
	}
	binary.LittleEndian.PutUint64(b, 0)
	binary.LittleEndian.PutUint64(b[8:], a.died)
	binary.LittleEndian.PutUint64(b[16:], a.deaths)
	if _, err := f.WriteAt(b, 0); err != nil {
		return nil, err
	}
	if err := f.Sync(); err != nil {
		return nil, err
	}
	return a, a.open(b)
}

// Begin notes that the entry at index is about to be applied. It reports false,
// and notes nothing, where that has ended the process again and again.
func (a *Applying) Begin(index uint64) bool {
	if index == a.died && a.deaths >= maxDeaths {
		return false
	}
	a.put(0, index)
	return true
}

// End notes that the entry at index was applied.
func (a *Applying) End(index uint64) {
	a.put(0, 0)
	if index == a.died {
		a.died, a.deaths = 0, 0
		a.put(8, 0)
		a.put(16, 0)
	}
}

func (a *Applying) put(at int, n uint64) {
	binary.LittleEndian.PutUint64(a.mem[at:], n)
	_ = a.write() // at worst a death is not counted
}
