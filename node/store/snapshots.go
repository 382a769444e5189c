package store

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/hashicorp/raft"
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
	if _, err := sink.Write(metaSum(index, term, members, membersIndex)); err != nil {
		_ = sink.Cancel()
		return nil, err
	}
	return sink, nil
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
