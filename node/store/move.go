package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	"github.com/hashicorp/raft-wal/migrate"
)

// The stores that a log can be in.
const (
	WAL  = "wal"  // segments that are written from begin to end, by raft-wal
	Bolt = "bolt" // the B+ tree of raft.db, by raft-boltdb
)

// logKey says in raft.db which store has the log. It is missing where only bolt
// was ever used.
const logKey = ownPrefix + "log"

// openLog opens the log in the store that is wanted, and moves it there first
// where another has it. The key is written between copy and removal, so that a
// crash leaves a whole log in the store that the key names. The log is noted to
// reach an index.
func (d *Dir) openLog(opts Options, found bool, noted uint64) (_ raft.LogStore, err error) {
	defer d.at.guard(debug.SetPanicOnFault(true), &err)
	has, err := d.logIn()
	if err != nil {
		return nil, err
	}
	if has == "" {
		if has = Bolt; !found {
			has = opts.LogStore
		}
	}
	if err := d.clear(other(has)); err != nil {
		return nil, fmt.Errorf("remove what is left of the log in %s: %w", other(has), err)
	}
	if has == Bolt && opts.LogStore == Bolt {
		return d.bolt, d.note(Bolt)
	}
	if d.wal, err = d.openWAL(opts, noted); err != nil {
		return nil, err
	}
	if has == opts.LogStore {
		return d.wal, d.note(has)
	}
	from, to := raft.LogStore(d.bolt), raft.LogStore(d.wal)
	if has == WAL {
		from, to = to, from
	}
	opts.Log.Info("moving the log to another store", "from", has, "to", opts.LogStore)
	if err := copyLog(to, from); err != nil {
		return nil, fmt.Errorf("move the log from %s to %s: %w", has, opts.LogStore, err)
	}
	if err := d.note(opts.LogStore); err != nil {
		return nil, err
	}
	if has == WAL {
		if err := d.closeWAL(); err != nil {
			return nil, err
		}
	}
	return to, d.clear(has)
}

func other(store string) string {
	if store == WAL {
		return Bolt
	}
	return WAL
}

// logIn returns the store that has the log, "" where that was not noted yet.
func (d *Dir) logIn() (string, error) {
	b, err := d.stable.Get([]byte(logKey))
	if errors.Is(err, raftboltdb.ErrKeyNotFound) {
		return "", nil
	}
	if err == nil && string(b) != WAL && string(b) != Bolt {
		err = d.at.damagedf("%s: the log is in a store %q", boltName, b)
	}
	return string(b), err
}

// note says durably which store has the log.
func (d *Dir) note(store string) error {
	if has, err := d.logIn(); err != nil || has == store {
		return err
	}
	return d.stable.Set([]byte(logKey), []byte(store))
}

// clear removes what a store has of the log. In bolt the large entries of a log
// in segments stay.
func (d *Dir) clear(store string) error {
	if store == WAL {
		if _, err := os.Stat(filepath.Join(string(d.at), walName)); errors.Is(err, os.ErrNotExist) {
			return nil
		}
		return d.removeWAL()
	}
	first, err := d.bolt.FirstIndex()
	if err != nil || first == 0 {
		return err
	}
	last, err := d.bolt.LastIndex()
	if err != nil {
		return err
	}
	from := first // nothing below is to be deleted
	for index := first; index <= last; index++ {
		var e raft.Log
		if err := d.bolt.GetLog(index, &e); err == nil && len(e.Data) >= largeEntry {
			if err := d.bolt.DeleteRange(from, index-1); err != nil {
				return err
			}
			from = index + 1
		}
	}
	return d.bolt.DeleteRange(from, last)
}

// copyLog copies all entries, as they are.
func copyLog(to, from raft.LogStore) error {
	if last, err := from.LastIndex(); err != nil || last == 0 {
		return err
	}
	return migrate.CopyLogs(context.Background(), to, from, 1<<20, nil)
}
