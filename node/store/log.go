package store

import (
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/raft"

	"github.com/trivetdb/trivet/fsm"
)

// A checkedLog is raft's log in one of the stores, with a checksum on each
// entry, and without gaps.
type checkedLog struct {
	at      place
	entries raft.LogStore
	onSync  func(time.Duration)
	sizes   sizes
	tail    *tail
	bytes   atomic.Int64 // stored since they were last reset
	broken  *brokenDisk
	last    lastRead

	wal      *walLog                     // nil where the log is in bolt
	leads    atomic.Pointer[func() bool] // nil for never; see Dir.DeferSyncs
	unsynced atomic.Pointer[unsynced]    // the storing that is unsynced, or was; nil for none
}

// A brokenDisk remembers that the disk once failed to store what it was given.
// After a failed fsync the kernel may count lost pages as written, so that a
// later success proves nothing: only a restart reads what is really there.
type brokenDisk struct{ err atomic.Pointer[error] }

// check returns the error that broke the disk, if any.
func (b *brokenDisk) check() error {
	if p := b.err.Load(); p != nil {
		return fmt.Errorf("the disk failed before, restart the node: %w", *p)
	}
	return nil
}

// note looks at the error of a write, and returns it.
func (b *brokenDisk) note(err error) error {
	if errors.Is(err, syscall.EIO) || errors.Is(err, ErrDamaged) {
		b.err.CompareAndSwap(nil, &err)
	}
	return err
}

// IsMonotonic implements raft.MonotonicLogStore. It makes raft delete the whole
// log once a snapshot from the leader takes its place, where it would
// otherwise leave a gap that cannot be told from damage.
func (l *checkedLog) IsMonotonic() bool { return true }

// FirstIndex implements raft.LogStore.
func (l *checkedLog) FirstIndex() (index uint64, err error) {
	defer l.at.guard(debug.SetPanicOnFault(true), &err)
	return l.entries.FirstIndex()
}

// LastIndex implements raft.LogStore.
func (l *checkedLog) LastIndex() (index uint64, err error) {
	defer l.at.guard(debug.SetPanicOnFault(true), &err)
	return l.entries.LastIndex()
}

// GetLog implements raft.LogStore. What it returns is what was stored.
func (l *checkedLog) GetLog(index uint64, e *raft.Log) (err error) {
	cuts, ok := l.last.get(index, e)
	if ok {
		return nil
	}
	defer l.at.guard(debug.SetPanicOnFault(true), &err)
	err = l.entries.GetLog(index, e)
	if errors.Is(err, raft.ErrLogNotFound) {
		return err // raft asks for more than there is, and compares the error
	}
	if err == nil && e.Index != index {
		err = fmt.Errorf("holds entry %d", e.Index)
	}
	if err == nil {
		err = unsealEntry(e)
	}
	if err == nil && e.Type == raft.LogCommand && len(e.Data) > 0 {
		err = fsm.CheckEntry(e.Data)
	}
	if err != nil {
		return l.at.damagedf("log entry %d: %w", index, err)
	}
	l.last.put(cuts, *e)
	return nil
}

// StoreLog implements raft.LogStore.
func (l *checkedLog) StoreLog(e *raft.Log) error { return l.StoreLogs([]*raft.Log{e}) }

// StoreLogs implements raft.LogStore. The entries are durable when it returns,
// save for a leader's: see Dir.DeferSyncs.
func (l *checkedLog) StoreLogs(entries []*raft.Log) (err error) {
	if len(entries) == 0 {
		return nil
	}
	if err := l.broken.check(); err != nil {
		return err
	}
	if err := l.settle(); err != nil {
		return err
	}
	if !l.sizes.follows(entries[0].Index) {
		return fmt.Errorf("log entry %d would leave a gap", entries[0].Index)
	}
	sealed := make([]*raft.Log, len(entries))
	for i, e := range entries {
		if e.Index != entries[0].Index+uint64(i) {
			return fmt.Errorf("log entry %d after %d would leave a gap", e.Index, entries[i-1].Index)
		}
		sealed[i] = sealEntry(e)
	}
	if err := l.store(sealed); err != nil {
		return l.broken.note(err)
	}
	for _, e := range entries {
		l.sizes.add(e.Index, entrySize(e))
		l.bytes.Add(int64(entrySize(e)))
	}
	return nil
}

func (l *checkedLog) store(sealed []*raft.Log) (err error) {
	defer l.at.guard(debug.SetPanicOnFault(true), &err)
	if l.leading(sealed) {
		return l.storeUnsynced(sealed)
	}
	start := time.Now()
	if err := l.entries.StoreLogs(sealed); err != nil {
		return err
	}
	l.stored(sealed[len(sealed)-1].Index, start)
	return nil
}

// stored notes that the log is durable up to index.
func (l *checkedLog) stored(index uint64, start time.Time) {
	if l.onSync != nil {
		l.onSync(time.Since(start))
	}
	l.tail.raise(index)
}

// DeleteRange implements raft.LogStore.
func (l *checkedLog) DeleteRange(low, high uint64) error {
	l.last.cut()
	defer l.last.cut()
	if err := l.broken.check(); err != nil {
		return err
	}
	if err := l.settle(); err != nil {
		return err
	}
	if high >= l.sizes.last() {
		if err := l.tail.lower(low - 1); err != nil {
			return l.broken.note(fmt.Errorf("write %s: %w", tailName, err))
		}
	}
	if err := l.remove(low, high); err != nil {
		return l.broken.note(err)
	}
	l.sizes.remove(low, high)
	return nil
}

func (l *checkedLog) remove(low, high uint64) (err error) {
	defer l.at.guard(debug.SetPanicOnFault(true), &err)
	return l.entries.DeleteRange(low, high)
}
