//go:build unix

package disk

import (
	"os"
	"syscall"
)

// nameless reports whether no directory has a file any more.
func nameless(f *os.File) bool {
	info, err := f.Stat()
	if err != nil {
		return false
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && s.Nlink == 0
}
