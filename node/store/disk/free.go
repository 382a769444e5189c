package disk

import (
	"os"
	"sync"
	"time"
)

const (
	freeStep = 4 << 20
	freeRest = 10 * time.Millisecond
)

var freeing sync.Mutex // one file at a time

// Free closes a file. Where that has no name any more, what it takes is freed little
// by little, in the background: to free hundreds of megabytes at once, as a removal
// does, keeps a file system from all else for a tenth of a second. Where the process
// ends meanwhile, the system frees the rest.
func Free(f *os.File) {
	if !nameless(f) {
		_ = f.Close()
		return
	}
	go func() {
		freeing.Lock()
		defer freeing.Unlock()
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return
		}
		for size := info.Size() - freeStep; size > 0 && f.Truncate(size) == nil; size -= freeStep {
			time.Sleep(freeRest)
		}
	}()
}
