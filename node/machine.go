package node

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/node/store"
	"github.com/trivetdb/trivet/resp"
)

// A machine lets raft drive the state. It implements raft.FSM and
// raft.ConfigurationStore; raft calls it from one goroutine at a time, save for
// Persist, which runs beside Apply.
type machine struct {
	mu      sync.RWMutex // guards state
	state   *fsm.State
	broken  bool // nothing more may be applied or read
	applied watermark
	level   atomic.Uint64 // the cluster's
	// What others ask for while an entry is applied, which may take long.
	applying atomic.Bool
	skipped  atomic.Pointer[[]uint64] // of the state
	entries  atomic.Uint64
	fatal    func(error) // called once; must not block
	deliver  func([]fsm.Message)
	waiters  *waiters            // told of what they wait for; may be nil
	readers  *readers            // likewise
	took     func(time.Duration) // told how long each entry took; may be nil
	// configure is told of settings that are not those that were told last; it
	// must not block. It may be nil.
	configure func(*fsm.Settings)
	settings  *fsm.Settings // told last
	people    people
	stop      <-chan struct{} // closed when the node stops; may be nil
	// durable waits until the log entry at an index is durable on this node; see
	// store.Dir.Durable. It may be nil.
	durable func(index uint64) error
	// note tells, after the process has ended in the middle of an entry, which one
	// that was. It may be nil.
	note *store.Applying
	// skip has the indexes of entries that an operator has all nodes leave out.
	skip []uint64
	// faulty is told of faults of trivet that have ended a command; it must not
	// block. It may be nil.
	faulty func(fsm.Panic)
	// replayed is the index of the newest entry that the log held at the start:
	// what was published up to it is not news.
	replayed uint64
}

func newMachine(fatal func(error), deliver func([]fsm.Message), replayed uint64) *machine {
	return &machine{state: fsm.NewState(), fatal: fatal, deliver: deliver, replayed: replayed}
}

var errBroken = errors.New("the state cannot be used any more")

// fail ends the use of the state. The caller holds mu.
func (m *machine) fail(err error) {
	if !m.broken {
		m.broken = true
		m.fatal(err)
	}
}

// Apply implements raft.FSM. Its result is a []fsm.Result, or an error where
// the node cannot go on.
func (m *machine) Apply(l *raft.Log) any {
	var unsynced error
	if m.durable != nil {
		unsynced = m.durable(l.Index)
	}
	began := time.Now()
	m.applying.Store(true)
	defer m.applying.Store(false)
	e, err := fsm.DecodeEntry(l.Data)
	result, signals := m.apply(l.Index, e, cmp.Or(unsynced, err))
	if m.took != nil {
		m.took(time.Since(began))
	}
	if m.waiters != nil && m.waiters.count.Load() > 0 {
		m.waiters.signal(e.Batches, signals)
	}
	if len(signals) > 0 && m.readers != nil {
		m.readers.signal(signals)
	}
	return result
}

func (m *machine) apply(index uint64, e fsm.Entry, err error) (any, []fsm.Signal) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken {
		return errBroken, nil
	}
	// Whoever waits was counted before a look at the state, so that either the
	// look or this entry finds what there is.
	m.state.Listen(m.waiters != nil && m.waiters.count.Load() > 0 || m.readers != nil && m.readers.count.Load() > 0)
	var results []fsm.Result
	if err == nil {
		results, err = m.carryOut(index, e)
	}
	if err != nil {
		m.fail(fmt.Errorf("log entry %d: %w", index, err))
		return err, nil
	}
	m.tellFaults()
	if messages := m.state.TakeMessages(); messages != nil && index > m.replayed {
		m.deliver(messages)
	}
	m.tellSettings()
	m.tellState()
	m.people.tell(m.state, index > m.replayed)
	m.entries.Add(1)
	m.applied.advance(index)
	return results, m.state.TakeSignals()
}

// carryOut applies an entry, or leaves it out.
func (m *machine) carryOut(index uint64, e fsm.Entry) ([]fsm.Result, error) {
	if slices.Contains(m.skip, index) {
		return m.state.Skip(index, e)
	}
	if m.note == nil {
		return m.state.Apply(index, e)
	}
	if !m.note.Begin(index) {
		var names []string
		for _, b := range e.Batches {
			names = append(names, fsm.Names(b.Body)...)
		}
		return nil, fmt.Errorf("%w; its commands are %s. Every node that applies it will end so. Start ALL nodes of the cluster with --skip-entry %d: "+
			"they leave it out, its clients get an error, and nothing else is lost", errDeadly, strings.Join(names, ", "), index)
	}
	results, err := m.state.Apply(index, e)
	m.note.End(index)
	return results, err
}

// errDeadly is the error of an entry that has ended the process twice.
var errDeadly = errors.New("this process has ended twice while it applied this entry, and does not try again")

// tellState keeps what is asked for while the state is in use. The caller holds mu.
func (m *machine) tellState() {
	m.level.Store(m.state.Level())
	if skipped := m.state.Skipped(); skipped != nil {
		m.skipped.Store(&skipped)
	}
}

// tellFaults tells of commands that faults have ended. The caller holds mu.
func (m *machine) tellFaults() {
	for _, p := range m.state.TakePanics() {
		if m.faulty != nil {
			m.faulty(p)
		}
	}
}

// elements returns what a key holds now that can be waited for.
func (m *machine) elements(p place) (kind fsm.WaitKind, n int) {
	m.view(func(s *fsm.State) { kind, n = s.Elements(p.db, p.key, time.Now().UnixMilli()) })
	return kind, n
}

// maxUnread is how far entries for those who wait are counted.
const maxUnread = 1000

// unread returns how many entries a consumer group has not got; see
// fsm.State.Unread.
func (m *machine) unread(p place, group string) (n int, ok bool) {
	m.view(func(s *fsm.State) { n, ok = s.Unread(p.db, p.key, group, time.Now().UnixMilli(), maxUnread) })
	return n, ok
}

// StoreConfiguration implements raft.ConfigurationStore, so that membership
// entries count as applied.
func (m *machine) StoreConfiguration(index uint64, c raft.Configuration) {
	var ids []uint64
	for _, s := range c.Servers {
		if _, id, ok := store.ParseRaftID(s.ID); ok {
			ids = append(ids, id)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken {
		return
	}
	m.state.SetMembers(index, ids)
	m.applied.advance(index)
}

// Snapshot implements raft.FSM.
func (m *machine) Snapshot() (raft.FSMSnapshot, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken {
		return nil, errBroken
	}
	return &snapshot{m.state.Freeze(), m.stop}, nil
}

// Restore implements raft.FSM.
func (m *machine) Restore(r io.ReadCloser) error {
	defer r.Close()
	state, err := fsm.Decode(r)
	if err != nil {
		return fmt.Errorf("restore snapshot: %w", err)
	}
	m.mu.Lock()
	m.state = state
	m.tellSettings()
	m.tellState()
	m.people.tell(state, false)
	m.applied.advance(state.Index())
	m.mu.Unlock()
	if m.readers != nil {
		m.readers.all()
	}
	return nil
}

// tellSettings tells of new settings before what depends on them is answered.
// The caller holds mu.
func (m *machine) tellSettings() {
	if s := m.state.Settings(); s != m.settings && m.configure != nil {
		m.settings = s
		m.configure(s)
	}
}

// digest returns the index of the state and a digest of its encoding.
func (m *machine) digest() (uint64, string, error) {
	m.mu.Lock()
	if m.broken {
		m.mu.Unlock()
		return 0, "", errBroken
	}
	frozen := m.state.Freeze()
	m.mu.Unlock()
	sum := sha256.New()
	if err := frozen.Encode(sum); err != nil {
		return 0, "", err
	}
	return frozen.Index(), hex.EncodeToString(sum.Sum(nil)), nil
}

// read answers a request from the state as it is.
func (m *machine) read(r fsm.Request) (resp.Value, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.broken {
		return resp.Nil, errBroken
	}
	r.Faulty = m.faulty
	if !m.state.Settings().Misses() {
		return m.state.Read(r), nil
	}
	var missed []fsm.Message
	r.Notices = &missed
	v := m.state.Read(r)
	m.deliver(missed)
	return v, nil
}

// view calls f with the state, which f must neither change nor keep.
func (m *machine) view(f func(*fsm.State)) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	f(m.state)
}

// A snapshot is a frozen state on its way to the disk.
type snapshot struct {
	frozen *fsm.Frozen
	stop   <-chan struct{}
}

// Persist implements raft.FSMSnapshot.
func (s *snapshot) Persist(sink raft.SnapshotSink) error {
	if err := s.frozen.Encode(&pacedWriter{to: sink, stop: s.stop, began: time.Now()}); err != nil {
		return errors.Join(err, sink.Cancel())
	}
	return sink.Close()
}

// Release implements raft.FSMSnapshot. What only the frozen view had may be a large
// part of the data, and a node without work collects no garbage by itself.
func (s *snapshot) Release() {
	s.frozen = nil
	runtime.GC()
}
