package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	wal "github.com/hashicorp/raft-wal"
	"github.com/hashicorp/raft-wal/segment"
	"github.com/hashicorp/raft-wal/types"

	"github.com/trivetdb/trivet/node/logging"
)

const (
	walName = "wal"             // directory of the log's segments
	walKey  = ownPrefix + "wal" // in raft.db: which segments there are

	// largeEntry is the size in bytes from which an entry is kept in raft.db, as
	// raft-wal takes 64 MiB at most. Such entries hold one huge request.
	largeEntry = 32 << 20
)

// largeMark stands in raft-wal for an entry that is in raft.db. All others carry
// a checksum of four bytes at least, and none is this long.
var largeMark = []byte("in raft.db")

// A walLog is raft's log as raft-wal keeps it: segments that are written from
// begin to end.
type walLog struct {
	wal   *wal.WAL
	files *segmentFiles
	bolt  *raftboltdb.BoltStore // has the large entries
}

// openWAL opens the segments in the directory. The log is noted to reach an index.
func (d *Dir) openWAL(opts Options, noted uint64) (_ *walLog, err error) {
	dir := filepath.Join(string(d.at), walName)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := d.mendTail(dir, opts.Files, noted); err != nil {
		return nil, fmt.Errorf("mend %s: %w", dir, err)
	}
	files := &segmentFiles{VFS: opts.Files}
	w, err := wal.Open(dir, wal.WithMetaStore(segmentList{d.stable, files}),
		wal.WithSegmentFiler(segment.NewFiler(dir, files)), wal.WithLogger(logging.HCLog(opts.Log)))
	if err != nil {
		var errno syscall.Errno
		if errors.As(err, &errno) && !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("open %s: %w", dir, err)
		}
		return nil, d.at.damagedf("%s: %w", walName, err)
	}
	return &walLog{wal: w, files: files, bolt: d.bolt}, nil
}

// removeWAL deletes the segments. The list goes first, since what it names must
// be there.
func (d *Dir) removeWAL() error {
	if err := (segmentList{d.stable, &segmentFiles{}}).CommitState(types.PersistentState{}); err != nil {
		return err
	}
	return os.RemoveAll(filepath.Join(string(d.at), walName))
}

// FirstIndex implements raft.LogStore.
func (l *walLog) FirstIndex() (uint64, error) { return l.wal.FirstIndex() }

// LastIndex implements raft.LogStore.
func (l *walLog) LastIndex() (uint64, error) { return l.wal.LastIndex() }

// GetLog implements raft.LogStore.
func (l *walLog) GetLog(index uint64, e *raft.Log) error {
	// raft-wal still finds deleted entries in a segment that it keeps.
	first, err := l.wal.FirstIndex()
	if err == nil && index < first {
		err = raft.ErrLogNotFound
	}
	if err == nil {
		err = l.wal.GetLog(index, e)
	}
	if err != nil || !bytes.Equal(e.Extensions, largeMark) {
		return err
	}
	if err := l.bolt.GetLog(index, e); err != nil {
		return fmt.Errorf("its content: %v", err) // not ErrLogNotFound: it is in the log
	}
	return nil
}

// StoreLog implements raft.LogStore.
func (l *walLog) StoreLog(e *raft.Log) error { return l.StoreLogs([]*raft.Log{e}) }

// StoreLogs implements raft.LogStore.
func (l *walLog) StoreLogs(entries []*raft.Log) error {
	small := make([]*raft.Log, len(entries))
	for i, e := range entries {
		small[i] = e
		if len(e.Data) < largeEntry {
			continue
		}
		if err := l.bolt.StoreLog(e); err != nil {
			return err
		}
		small[i] = &raft.Log{Index: e.Index, Term: e.Term, Type: e.Type, Extensions: largeMark}
	}
	return l.wal.StoreLogs(small)
}

// storeUnsynced is StoreLogs, save that the entries are durable only once due has
// returned no error.
func (l *walLog) storeUnsynced(entries []*raft.Log) (due func() error, err error) {
	l.files.deferSyncs()
	err = l.StoreLogs(entries)
	if due = l.files.deferred(); due == nil {
		due = func() error { return nil } // raft-wal had no need for it
	}
	return due, err
}

// DeleteRange implements raft.LogStore.
func (l *walLog) DeleteRange(low, high uint64) error {
	if err := l.wal.DeleteRange(low, high); err != nil {
		return err
	}
	return l.bolt.DeleteRange(low, high)
}

// A segmentList keeps raft-wal's list of segments in raft.db, which has a
// checksum on each value and is checked before it is opened.
type segmentList struct {
	stable *checkedStable
	files  *segmentFiles
}

// Load implements types.MetaStore.
func (s segmentList) Load(string) (types.PersistentState, error) {
	var state types.PersistentState
	text, err := s.stable.Get([]byte(walKey))
	if errors.Is(err, raftboltdb.ErrKeyNotFound) {
		return state, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &state)
	}
	return state, err
}

// CommitState implements types.MetaStore. A segment that it counts as complete is
// durable.
func (s segmentList) CommitState(state types.PersistentState) error {
	if err := s.files.settle(); err != nil {
		return err
	}
	text, err := json.Marshal(state)
	if err != nil {
		return err
	}
	return s.stable.Set([]byte(walKey), text)
}

var errUnused = errors.New("raft's term and vote are kept in raft.db itself")

// GetStable implements types.MetaStore. Raft does not ask for it.
func (s segmentList) GetStable([]byte) ([]byte, error) { return nil, errUnused }

// SetStable implements types.MetaStore. Raft does not ask for it.
func (s segmentList) SetStable(_, _ []byte) error { return errUnused }

// Close implements types.MetaStore. raft.db stays open for raft's term and vote.
func (s segmentList) Close() error { return nil }
