package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/trivetdb/trivet/node/store/disk"
)

const recoveredName = "recovered"

// Recovered returns the token of the last recovery, "" where there was none.
func (d *Dir) Recovered() (token string, err error) {
	b, err := os.ReadFile(filepath.Join(string(d.at), recoveredName))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return string(b), err
}

// SetRecovered notes that the recovery of this token is done. It is durable when
// SetRecovered returns.
func (d *Dir) SetRecovered(token string) error {
	path := filepath.Join(string(d.at), recoveredName)
	if err := writeSynced(path+".tmp", []byte(token)); err != nil {
		return err
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		return err
	}
	return disk.SyncDir(string(d.at))
}

// Recluster makes what the directory holds another cluster's, durably, so that no
// node of the old one is taken for a member. It is for a recovery only.
func (d *Dir) Recluster(cluster string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	next := d.identity
	next.Cluster, next.Coordinator = cluster, ""
	if err := writeIdentity(string(d.at), next); err != nil {
		return fmt.Errorf("write %s: %w", identityName, err)
	}
	d.identity = next
	return nil
}
