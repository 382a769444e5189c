package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/trivetdb/trivet/node/store/disk"
)

const userNames = "users.json"

// UserNames returns what SetUserNames was given last, nothing where it never was.
func (d *Dir) UserNames() (names []string, err error) {
	b, err := os.ReadFile(filepath.Join(string(d.at), userNames))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &names)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", userNames, err)
	}
	return names, nil
}

// SetUserNames notes which users came from a file, so that this is known of one
// who is no more in it, whenever the node is started again. It is durable when
// SetUserNames returns.
func (d *Dir) SetUserNames(names []string) error {
	old, err := d.UserNames()
	if err == nil && slices.Equal(old, names) {
		return nil
	}
	b, err := json.Marshal(names)
	if err != nil {
		return err
	}
	path := filepath.Join(string(d.at), userNames)
	if err := writeSynced(path+".tmp", append(b, '\n')); err != nil {
		return err
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		return err
	}
	return disk.SyncDir(string(d.at))
}
