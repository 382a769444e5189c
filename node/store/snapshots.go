package store

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"

	"github.com/hashicorp/raft"

	"github.com/trivetdb/trivet/node/store/disk"
)

// checkedSnapshots are raft's snapshot files, where the state begins with a
// checksum of what raft writes beside it without one: the index, the term and
// the members.
type checkedSnapshots struct {
	at    place
	files *raft.FileSnapshotStore
}

// metaSum covers all that raft takes from a snapshot besides the state.
func metaSum(index, term uint64, members raft.Configuration, membersIndex uint64) []byte {
	head := binary.LittleEndian.AppendUint64(nil, index)
	head = binary.LittleEndian.AppendUint64(head, term)
	head = binary.LittleEndian.AppendUint64(head, membersIndex)
	head = append(head, raft.EncodeConfiguration(members)...)
	return binary.LittleEndian.AppendUint32(nil, crc32.Checksum(head, castagnoli))
}

// Create implements raft.SnapshotStore.
func (s *checkedSnapshots) Create(version raft.SnapshotVersion, index, term uint64,
	members raft.Configuration, membersIndex uint64, trans raft.Transport) (raft.SnapshotSink, error) {
	sink, err := s.files.Create(version, index, term, members, membersIndex, trans)
	if err != nil {
		return nil, err
	}
	_, err = sink.Write(metaSum(index, term, members, membersIndex))
	var state *os.File
	if err == nil {
		state, err = os.Open(filepath.Join(string(s.at), snapshotsName, sink.ID()+".tmp", "state.bin"))
	}
	if err != nil {
		_ = sink.Cancel()
		return nil, err
	}
	return &syncedSink{SnapshotSink: sink, at: s.at, state: state}, nil
}

// syncEvery is how many bytes of a snapshot may wait to be written to the disk. The
// sync of a whole one at its end would hold up those of the log.
const syncEvery = 4 << 20

// A syncedSink is a snapshot whose file is synced while it is written.
type syncedSink struct {
	raft.SnapshotSink
	at    place
	state *os.File
	bytes int // since the last sync
}

// Write implements io.Writer.
func (s *syncedSink) Write(b []byte) (int, error) {
	n, err := s.SnapshotSink.Write(b)
	if s.bytes += n; s.bytes >= syncEvery && err == nil {
		s.bytes = 0
		err = s.state.Sync()
	}
	return n, err
}

// Close implements io.Closer. raft calls it again and again.
func (s *syncedSink) Close() error {
	_ = s.state.Close()
	paths, _ := filepath.Glob(filepath.Join(string(s.at), snapshotsName, "*", "state.bin"))
	var states []*os.File
	for _, path := range paths {
		if f, err := os.OpenFile(path, os.O_WRONLY, 0); err == nil {
			states = append(states, f)
		}
	}
	err := s.SnapshotSink.Close() // removes an old one
	for _, f := range states {
		disk.Free(f)
	}
	return err
}

// Cancel implements raft.SnapshotSink.
func (s *syncedSink) Cancel() error {
	_ = s.state.Close()
	return s.SnapshotSink.Cancel()
}

// List implements raft.SnapshotStore. It names the newest snapshot only: raft
// would fall back to an older one without a word, and the log may no longer
// join that.
func (s *checkedSnapshots) List() ([]*raft.SnapshotMeta, error) {
	metas, err := s.files.List()
	if err != nil || len(metas) == 0 {
		return nil, err
	}
	return []*raft.SnapshotMeta{withoutSum(metas[0])}, nil
}

// Open implements raft.SnapshotStore. raft's file store reads the whole state
// once here, to compare its checksum.
func (s *checkedSnapshots) Open(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	meta, state, err := s.files.Open(id)
	if err != nil {
		return nil, nil, s.at.damagedf("snapshot %s: %w", id, err)
	}
	sum := make([]byte, sumSize)
	_, err = io.ReadFull(state, sum)
	if err == nil && string(sum) != string(metaSum(meta.Index, meta.Term, meta.Configuration, meta.ConfigurationIndex)) {
		err = fmt.Errorf("members: %w", errSum)
	}
	if err != nil {
		_ = state.Close()
		return nil, nil, s.at.damagedf("snapshot %s: %w", id, err)
	}
	return withoutSum(meta), state, nil
}

// withoutSum hides the checksum from raft, which sends Size bytes to others.
func withoutSum(meta *raft.SnapshotMeta) *raft.SnapshotMeta {
	m := *meta
	m.Size -= sumSize
	return &m
}
