package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/raft"
)

// checkFile checks raft.db before bolt sees it. Found says whether the
// directory belonged to a node before.
func (d *Dir) checkFile(found bool) error {
	path := filepath.Join(string(d.at), boltName)
	info, err := os.Stat(path)
	missing := errors.Is(err, fs.ErrNotExist)
	if err != nil && !missing {
		return err
	}
	if missing || info.Size() == 0 {
		if found {
			return d.at.damagedf("%s is missing or empty", boltName)
		}
		return nil // new, or stopped in the middle of the first start
	}
	c := contents{}
	if err := checkBolt(path, c.visit); err != nil {
		return d.at.damagedf("%s: %w", boltName, err)
	}
	if found && !c.buckets {
		return d.at.damagedf("%s holds no log", boltName)
	}
	if !found && (c.last > 0 || c.raft) {
		return d.at.damagedf("%s is missing", identityName)
	}
	return nil
}

// contents sees the pairs of raft.db in order, and checks what does not need
// raft's encoding.
type contents struct {
	buckets bool   // the log's bucket is there
	raft    bool   // raft stored a term or a vote
	wal     bool   // the log is in segments, but for its large entries
	last    uint64 // index of the last entry so far
}

func (c *contents) visit(bucket string, key, value []byte) error {
	switch {
	case bucket == "conf" && key != nil:
		c.raft = c.raft || !strings.HasPrefix(string(key), ownPrefix)
		b, err := unseal(key, value)
		if err != nil {
			return fmt.Errorf("value of %q: %w", key, err)
		}
		c.wal = c.wal || string(key) == logKey && string(b) == WAL
	case bucket == "logs" && key != nil:
		if len(key) != 8 {
			return fmt.Errorf("log index of %d bytes", len(key))
		}
		index := binary.BigEndian.Uint64(key)
		if index == 0 || c.last > 0 && index != c.last+1 && !c.wal {
			return fmt.Errorf("log entry %d comes after %d", index, c.last)
		}
		c.last = index
	case bucket == "logs":
		c.buckets = true
	case bucket != "conf":
		return fmt.Errorf("unknown bucket %q", bucket)
	}
	return nil
}

// verify reads all that raft may read, as raft will read it.
func (d *Dir) verify(found bool) error {
	newest, err := d.verifySnapshot()
	if err != nil {
		return err
	}
	if newest != nil && !found {
		return d.at.damagedf("%s is missing", identityName)
	}
	var snapshot raft.SnapshotMeta // index 0 stands for none
	if newest != nil {
		snapshot = *newest
	}
	first, last, term, err := d.verifyLog()
	if err != nil {
		return err
	}
	if last > 0 && first > snapshot.Index+1 {
		return d.at.damagedf("log entries %d to %d are missing", snapshot.Index+1, first-1)
	}
	if end := max(last, snapshot.Index); end < d.log.tail.index {
		return d.at.damagedf("%s: the log ends at entry %d, but reached %d", boltName, end, d.log.tail.index)
	}
	if err := d.verifyTerm(max(term, snapshot.Term)); err != nil {
		return err
	}
	if last > 0 && last < snapshot.Index {
		// The node stopped after it took a snapshot from the leader and before
		// raft deleted the log that it replaced. Raft would go on after the
		// snapshot and leave a gap.
		if err := d.log.DeleteRange(first, last); err != nil {
			return fmt.Errorf("delete the log before the snapshot: %w", err)
		}
	}
	d.log.bytes.Store(d.log.sizes.after(snapshot.Index))
	return nil
}

// verifyLog reads every entry of the log. Its bounds are 0 for an empty log.
func (d *Dir) verifyLog() (first, last, term uint64, err error) {
	if first, err = d.log.FirstIndex(); err != nil {
		return 0, 0, 0, err
	}
	if last, err = d.log.LastIndex(); err != nil || last == 0 {
		return 0, 0, 0, err
	}
	for index := first; index <= last; index++ {
		var e raft.Log
		err := d.log.GetLog(index, &e)
		if err == nil && e.Term < term {
			err = fmt.Errorf("log entry %d goes back from term %d to %d", index, term, e.Term)
		}
		if err != nil {
			return 0, 0, 0, d.at.damaged(err)
		}
		term = e.Term
		d.log.sizes.add(index, entrySize(&e))
	}
	return first, last, term, nil
}

// verifyTerm checks that the node remembers a term as high as its data's: raft
// stores the term first.
func (d *Dir) verifyTerm(least uint64) error {
	term, _, err := d.stable.find(termKey)
	if err != nil {
		return err
	}
	if term < least {
		return d.at.damagedf("%s: term %d is remembered, but %d was stored", boltName, term, least)
	}
	return nil
}

// verifySnapshot reads the newest snapshot, and returns nil where none is.
func (d *Dir) verifySnapshot() (*raft.SnapshotMeta, error) {
	newest, err := newestSnapshot(filepath.Join(string(d.at), snapshotsName))
	if err != nil {
		return nil, err
	}
	metas, err := d.snapshots.List()
	if err != nil {
		return nil, err
	}
	// raft's file store passes over what it cannot read.
	switch {
	case newest.name == "" && len(metas) == 0:
		return nil, nil
	case newest.name == "" || len(metas) == 0 || metas[0].ID != newest.name ||
		metas[0].Term != newest.term || metas[0].Index != newest.index:
		return nil, d.at.damagedf("snapshot %s: its description is not readable", newest.name)
	}
	meta, state, err := d.snapshots.Open(newest.name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = state.Close() }()
	info, err := os.Stat(filepath.Join(string(d.at), snapshotsName, newest.name, "state.bin"))
	if err != nil {
		return nil, err
	}
	if info.Size() != meta.Size+sumSize {
		return nil, d.at.damagedf("snapshot %s has %d bytes, not %d", newest.name, info.Size(), meta.Size+sumSize)
	}
	return meta, nil
}

// A snapshotName is what raft's file store puts into a snapshot's name.
type snapshotName struct {
	name              string
	term, index, msec uint64
}

func (s snapshotName) newer(t snapshotName) bool {
	if s.term != t.term {
		return s.term > t.term
	}
	if s.index != t.index {
		return s.index > t.index
	}
	return s.msec > t.msec
}

// newestSnapshot finds the newest finished snapshot by name alone: what is
// inside may be damaged.
func newestSnapshot(dir string) (newest snapshotName, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return newest, err
	}
	for _, e := range entries {
		s := snapshotName{name: e.Name()}
		if !e.IsDir() || strings.HasSuffix(s.name, ".tmp") {
			continue
		}
		if n, _ := fmt.Sscanf(s.name, "%d-%d-%d", &s.term, &s.index, &s.msec); n != 3 {
			continue
		}
		if newest.name == "" || s.newer(newest) {
			newest = s
		}
	}
	return newest, nil
}
