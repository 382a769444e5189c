//go:build !unix

package store

import (
	"os"
	"path/filepath"
)

// lock only makes the file: bolt's own lock on raft.db keeps others out here,
// with a plainer message.
func lock(dir string) (*os.File, error) {
	return os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
}
