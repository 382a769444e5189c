//go:build unix

package node

import "golang.org/x/sys/unix"

// diskSpace returns the bytes of the file system that a directory is on, and
// those that may still be used.
func diskSpace(dir string) (size, free uint64, err error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, 0, err
	}
	return uint64(s.Blocks) * uint64(s.Bsize), uint64(s.Bavail) * uint64(s.Bsize), nil
}
