package disk

import (
	"os"
	"sync"
)

const (
	ahead = 4 << 20   // bytes that hold zeros already, beyond what was written
	step  = 256 << 10 // bytes that are zeroed and synced at once
	block = 4096
)

var blank [step]byte

// zeros are written to a file beyond what its user wrote, in the background, as
// far as its size goes. There they change nothing that counts: what is there is
// zeros anyway, or what a crash left behind. So an error only ends them, and what
// is wrong with the disk the next append will see itself.
type zeros struct {
	path string
	size int64 // of the file

	mu      sync.Mutex
	written int64 // the user's, up to here
	zeroed  int64 // zeros, up to here
	begun   int64 // zeros are being written up to here, from zeroed on
	running bool
	ended   bool // or failed
	done    sync.WaitGroup

	writing sync.Mutex // held while zeros are written
}

// claim leaves the file up to an offset to the user.
func (z *zeros) claim(end int64) {
	z.mu.Lock()
	z.written = max(z.written, end)
	busy := z.begun > z.zeroed && end > z.zeroed
	if !z.ended && !z.running && z.zeroed < min(z.written+ahead/2, z.size) {
		z.running = true
		z.done.Add(1)
		go z.run()
	}
	z.mu.Unlock()
	if busy { // the user has caught up
		z.writing.Lock()
		defer z.writing.Unlock()
	}
}

// end stops the writing of zeros, for good.
func (z *zeros) end() {
	z.mu.Lock()
	z.ended = true
	z.mu.Unlock()
	z.done.Wait()
}

// run writes zeros until there are enough.
func (z *zeros) run() {
	defer z.done.Done()
	f, err := os.OpenFile(z.path, os.O_WRONLY, 0) // whose sync takes no error from the user's
	for more := true; more && err == nil; {
		if more, err = z.step(f); err == nil {
			err = syncData(f)
		}
	}
	z.mu.Lock()
	z.running = false
	z.ended = z.ended || err != nil
	z.mu.Unlock()
	if f != nil {
		_ = f.Close()
	}
}

// step writes some zeros and reports whether more are wanted.
func (z *zeros) step(f *os.File) (more bool, err error) {
	z.writing.Lock()
	defer z.writing.Unlock()
	z.mu.Lock()
	z.zeroed = max(z.zeroed, (z.written+block-1)/block*block)
	n := min(step, z.written+ahead-z.zeroed, z.size-z.zeroed)
	if z.ended || n <= 0 {
		z.mu.Unlock()
		return false, nil
	}
	z.begun = z.zeroed + n
	z.mu.Unlock()
	_, err = f.WriteAt(blank[:n], z.zeroed)
	z.mu.Lock()
	z.zeroed = z.begun
	z.mu.Unlock()
	return true, err
}
