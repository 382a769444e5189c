package store

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
)

// A leader's log entries may be on their way to the followers while its own disk
// still syncs them (section 10.2.1 of Ongaro's dissertation on Raft). Raft counts
// them as the leader's at once, so whoever asks it for what is committed must hold
// back what is unsynced: see Durable and Committable. There is one storing that is
// unsynced at most, as raft-wal can tell from damage no more than that.
type unsynced struct {
	first, last uint64
	sync        func() error // waits for it; all calls return the same
	synced      atomic.Bool
}

// storeUnsynced stores a leader's entries, which are durable a little later.
func (l *checkedLog) storeUnsynced(sealed []*raft.Log) error {
	start := time.Now()
	due, err := l.wal.storeUnsynced(sealed)
	if err != nil {
		return err
	}
	u := &unsynced{first: sealed[0].Index, last: sealed[len(sealed)-1].Index}
	u.sync = sync.OnceValue(func() error {
		if err := due(); err != nil {
			return l.broken.note(fmt.Errorf("sync the log: %w", err))
		}
		l.stored(u.last, start)
		u.synced.Store(true)
		return nil
	})
	l.unsynced.Store(u)
	go u.sync()
	return nil
}

// settle waits until all that was stored is durable.
func (l *checkedLog) settle() error {
	if u := l.unsynced.Load(); u != nil {
		return u.sync()
	}
	return nil
}

// durable waits until the entry at index is durable, if it is stored.
func (l *checkedLog) durable(index uint64) error {
	if u := l.unsynced.Load(); u != nil && index >= u.first {
		return u.sync()
	}
	return nil
}

// committable returns the newest index up to index whose entry is not unsynced.
func (l *checkedLog) committable(index uint64) uint64 {
	if u := l.unsynced.Load(); u != nil && index >= u.first && !u.synced.Load() {
		return u.first - 1
	}
	return index
}

// leading reports whether raft leads, and stores commands only: what changes the
// members takes effect before the state hears of it.
func (l *checkedLog) leading(entries []*raft.Log) bool {
	leads := l.leads.Load()
	if leads == nil || l.wal == nil || !(*leads)() {
		return false
	}
	for _, e := range entries {
		if e.Type != raft.LogCommand {
			return false
		}
	}
	return true
}

// A raftLog is the log as raft sees it, behind a cache.
type raftLog struct {
	raft.LogStore
	log *checkedLog
}

// GetLog implements raft.LogStore. A follower that has an entry already tells its
// leader so, and was the leader itself perhaps when it stored the entry.
func (l *raftLog) GetLog(index uint64, e *raft.Log) error {
	if leads := l.log.leads.Load(); leads != nil && !(*leads)() {
		if err := l.log.durable(index); err != nil {
			return err
		}
	}
	return l.LogStore.GetLog(index, e)
}

// IsMonotonic implements raft.MonotonicLogStore.
func (l *raftLog) IsMonotonic() bool { return l.log.IsMonotonic() }

// DeferSyncs lets raft's log return from the storing of commands while they are
// synced, as long as leads reports that this node leads. Whoever calls it sees to
// it that nothing is applied that Durable has not waited for, and no follower is
// told of a higher commit index than Committable says. It has no effect on a log
// in bolt.
func (d *Dir) DeferSyncs(leads func() bool) { d.log.leads.Store(&leads) }

// Durable waits until the entry at index is durable. After an error nothing more
// of the log is.
func (d *Dir) Durable(index uint64) error { return d.log.durable(index) }

// Committable returns the newest index up to index that followers may be told to
// be committed, as far as this node's disk is concerned.
func (d *Dir) Committable(index uint64) uint64 { return d.log.committable(index) }
