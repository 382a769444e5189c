package store

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	"github.com/hashicorp/raft-wal/types"
	"go.etcd.io/bbolt"

	"github.com/trivetdb/trivet/node/logging"
	"github.com/trivetdb/trivet/node/store/disk"
)

const (
	lockName      = "LOCK"
	boltName      = "raft.db"
	snapshotsName = "snapshots" // raft's file store chose it
	retain        = 2           // snapshots kept; raft is shown the newest
	cached        = 256         // entries of the log kept in memory

	ownPrefix = "trivet."
	lifeKey   = ownPrefix + "life"
	termKey   = "CurrentTerm" // raft's
)

// Options say what directory to open.
type Options struct {
	Path   string              // of the directory, made where it is missing
	Name   string              // the node's name, which must be the directory's
	Log    *slog.Logger        // default: none
	OnSync func(time.Duration) // told how long each storing of entries took; may be nil

	// LogStore is where the log is kept, WAL or Bolt. A log that is in the other
	// one is moved. Default: WAL.
	LogStore string

	Files types.VFS // where the log's segments are; default: the operating system's
}

// A Dir is an open data directory. All methods may be called from many
// goroutines.
type Dir struct {
	at        place
	lock      *os.File
	life      uint32
	bolt      *raftboltdb.BoltStore
	wal       *walLog // nil where the log is in bolt
	log       *checkedLog
	cache     raft.LogStore // log behind a cache
	stable    *checkedStable
	snapshots *checkedSnapshots
	applying  *Applying

	mu       sync.Mutex
	identity Identity
}

// Open opens the directory, or makes it, and starts the next life of its node.
// It returns only once everything that raft may read was read and found whole;
// where it was not, the error wraps ErrDamaged.
func Open(opts Options) (_ *Dir, err error) {
	if opts.Name == "" {
		return nil, errors.New("open data directory: the node has no name")
	}
	opts.LogStore = cmp.Or(opts.LogStore, WAL)
	if opts.Files == nil {
		opts.Files = &disk.Files{}
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(opts.Path, 0o700); err != nil {
		return nil, fmt.Errorf("make data directory: %w", err)
	}
	held, err := lock(opts.Path)
	if err != nil {
		return nil, err
	}
	d := &Dir{at: place(opts.Path), lock: held}
	defer func() {
		if err != nil {
			_ = d.Close()
		}
	}()
	found, err := d.identify(opts.Name)
	if err != nil {
		return nil, err
	}
	if err := d.checkFile(found); err != nil {
		return nil, err
	}
	if err := d.openStores(opts, found); err != nil {
		return nil, err
	}
	if err := d.verify(found); err != nil {
		return nil, err
	}
	if err := d.begin(found); err != nil {
		return nil, err
	}
	return d, nil
}

// identify reads who the directory belongs to, or draws it where none is known.
func (d *Dir) identify(name string) (found bool, err error) {
	d.identity, found, err = readIdentity(string(d.at))
	if err != nil {
		return found, err
	}
	if !found {
		var id [8]byte
		_, _ = rand.Read(id[:]) // never fails
		d.identity = Identity{Name: name, ID: binary.LittleEndian.Uint64(id[:])}
		return false, nil
	}
	if d.identity.Name != name {
		return true, fmt.Errorf("data directory %s belongs to node %q, not %q: use --name %s, or another --data",
			string(d.at), d.identity.Name, name, d.identity.Name)
	}
	return true, nil
}

// openStores opens bolt and the snapshots, which checkFile found readable.
func (d *Dir) openStores(opts Options, found bool) (err error) {
	defer d.at.guard(debug.SetPanicOnFault(true), &err)
	d.bolt, err = raftboltdb.New(raftboltdb.Options{
		Path:                    filepath.Join(string(d.at), boltName),
		BoltOptions:             boltOptions(),
		MsgpackUseNewTimeFormat: true,
	})
	if err != nil {
		return fmt.Errorf("open %s: %w", filepath.Join(string(d.at), boltName), err)
	}
	broken := &brokenDisk{}
	end, err := openTail(string(d.at))
	if err != nil {
		return fmt.Errorf("open %s: %w", tailName, err)
	}
	d.stable = &checkedStable{at: d.at, bolt: d.bolt, broken: broken}
	entries, err := d.openLog(opts, found, end.index)
	if err != nil {
		return errors.Join(err, end.file.Close())
	}
	d.log = &checkedLog{at: d.at, entries: entries, onSync: opts.OnSync, tail: end, broken: broken, wal: d.wal}
	if d.cache, err = raft.NewLogCache(cached, d.log); err != nil {
		return err
	}
	files, err := raft.NewFileSnapshotStoreWithLogger(string(d.at), retain, logging.HCLog(opts.Log))
	if err != nil {
		return fmt.Errorf("open snapshots: %w", err)
	}
	d.snapshots = &checkedSnapshots{at: d.at, files: files}
	if d.applying, err = openApplying(string(d.at)); err != nil {
		return fmt.Errorf("open %s: %w", applyingName, err)
	}
	return nil
}

// boltOptions are those that measured best. A large map from the start spares
// remapping, for which bolt waits for all readers; it costs address space only.
func boltOptions() *bbolt.Options {
	o := &bbolt.Options{
		Timeout:        time.Second,
		NoFreelistSync: true,
		FreelistType:   bbolt.FreelistMapType,
	}
	if strconv.IntSize == 64 {
		o.InitialMmapSize = 1 << 30
	}
	return o
}

// begin counts the life that starts now. In a new directory node.json is
// written last: as long as it is missing, there is nothing to lose.
func (d *Dir) begin(found bool) error {
	life, known, err := d.stable.find(lifeKey)
	if err != nil {
		return err
	}
	if found && !known {
		return d.at.damagedf("%s: the count of lives is missing", boltName)
	}
	if life++; life >= 1<<32 {
		return d.at.damagedf("%s: %d lives", boltName, life)
	}
	if err := d.stable.SetUint64([]byte(lifeKey), life); err != nil {
		return fmt.Errorf("count the node's lives: %w", err)
	}
	d.life = uint32(life)
	if found {
		return nil
	}
	if err := writeIdentity(string(d.at), d.identity); err != nil {
		return fmt.Errorf("write %s: %w", identityName, err)
	}
	return nil
}

// Identity returns who the node is.
func (d *Dir) Identity() Identity {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.identity
}

// RaftID returns the identity that raft knows the node by.
func (d *Dir) RaftID() raft.ServerID { return d.Identity().RaftID() }

// Life returns how often the directory was opened, this time included. The
// pair of the identity's ID and the life was never used before.
func (d *Dir) Life() uint32 { return d.life }

// Adopt records the cluster that the node belongs to, durably. A node that
// holds a cluster's data cannot change over to another.
func (d *Dir) Adopt(cluster, coordinator string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	next := d.identity
	next.Cluster, next.Coordinator = cluster, coordinator
	if next == d.identity {
		return nil
	}
	if d.identity.Cluster != "" && d.identity.Cluster != cluster {
		fresh, err := d.Fresh()
		if err != nil {
			return err
		}
		if !fresh {
			return fmt.Errorf("data directory %s holds data of cluster %q, not %q",
				string(d.at), d.identity.Cluster, cluster)
		}
	}
	if err := writeIdentity(string(d.at), next); err != nil {
		return fmt.Errorf("write %s: %w", identityName, err)
	}
	d.identity = next
	return nil
}

// Log returns raft's log.
func (d *Dir) Log() raft.LogStore { return &raftLog{d.cache, d.log} }

// Stable returns the store of raft's term and vote.
func (d *Dir) Stable() raft.StableStore { return d.stable }

// Applying returns the note of the entry that is being applied.
func (d *Dir) Applying() *Applying { return d.applying }

// Snapshots returns raft's snapshots.
func (d *Dir) Snapshots() raft.SnapshotStore { return d.snapshots }

// Fresh reports whether the node was never part of any cluster: no term, no
// log, no snapshot.
func (d *Dir) Fresh() (bool, error) {
	has, err := raft.HasExistingState(d.cache, d.stable, d.snapshots)
	return !has, err
}

// LogBytes returns the bytes of the entries stored since ResetLogBytes, or, in
// a life that has not called that yet, since the newest snapshot.
func (d *Dir) LogBytes() int64 { return d.log.bytes.Load() }

// ResetLogBytes starts counting at zero, once a snapshot was taken.
func (d *Dir) ResetLogBytes() { d.log.bytes.Store(0) }

// TrailingLogs returns how many of the newest entries fit into maxBytes, at
// least 1: what to set raft's option of that name to before a snapshot.
func (d *Dir) TrailingLogs(maxBytes int64) uint64 { return d.log.sizes.trailing(maxBytes) }

// Close lets go of the directory. Raft must have been shut down.
func (d *Dir) Close() error {
	err := d.closeWAL()
	if d.bolt != nil {
		err = errors.Join(err, d.closeBolt())
	}
	if d.log != nil {
		err = errors.Join(err, d.log.tail.file.Close())
	}
	if d.applying != nil {
		err = errors.Join(err, d.applying.close())
	}
	return errors.Join(err, d.lock.Close())
}

func (d *Dir) closeWAL() (err error) {
	if d.wal == nil {
		return nil
	}
	defer d.at.guard(debug.SetPanicOnFault(true), &err)
	w := d.wal
	d.wal = nil
	return errors.Join(w.files.settle(), w.wal.Close())
}

func (d *Dir) closeBolt() (err error) {
	defer d.at.guard(debug.SetPanicOnFault(true), &err)
	return d.bolt.Close()
}
