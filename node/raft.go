package node

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/node/logging"
	"github.com/trivetdb/trivet/node/server"
)

// openRaft starts raft on the data directory and the peer port.
func (n *Node) openRaft() error {
	replayed, err := n.dir.Log().LastIndex()
	if err != nil {
		return err
	}
	n.machine = newMachine(n.fail, n.front.Deliver, replayed)
	n.machine.stop, n.machine.durable = n.stop, n.dir.Durable
	n.machine.note, n.machine.skip, n.machine.faulty = n.dir.Applying(), n.cfg.SkipEntries, n.faulty
	n.machine.people = people{self: n.dir.Identity().ID, changed: n.front.SetUsers, refused: n.front.Refused}
	n.waiters = newWaiters(n.dir.Identity().ID, n.machine.elements, n.sendTurns)
	n.waiters.unread = n.machine.unread
	n.machine.waiters, n.machine.configure = n.waiters, n.front.Configure
	n.machine.readers = newReaders(n.machine.view)
	n.machine.took = func(d time.Duration) { n.front.Delayed(server.EventApply, d) }
	logger := logging.HCLog(n.cfg.Log)
	trans := identified{committable: n.dir.Committable, NetworkTransport: raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream:                  streamLayer{n.mux.Raft(), n.mux, peerAddr(n.addresses.peer)},
		MaxPool:                 3,
		Timeout:                 10 * time.Second,
		Logger:                  logger,
		MsgpackUseNewTimeFormat: true,
	})}
	cfg := raft.DefaultConfig()
	cfg.LocalID = n.id
	cfg.HeartbeatTimeout = n.cfg.HeartbeatTimeout
	cfg.ElectionTimeout = n.cfg.HeartbeatTimeout
	cfg.LeaderLeaseTimeout = n.cfg.HeartbeatTimeout * 2 / 3
	// A follower learns of a commit with the next message; on an idle cluster
	// that is this long. Reads after a forwarded write wait for it.
	cfg.CommitTimeout = 10 * time.Millisecond
	cfg.Logger = logger
	cfg.NoLegacyTelemetry = true // what has the peer in its name is there with a label, too
	// Snapshots are due by bytes of log, not by entries: see compact.
	cfg.SnapshotThreshold = math.MaxUint64
	cfg.SnapshotInterval = time.Hour
	cfg.ShutdownOnRemove = false
	if err := n.recoverQuorum(cfg, trans); err != nil {
		return errors.Join(err, trans.Close())
	}
	r, err := raft.NewRaft(cfg, n.machine, n.dir.Log(), n.dir.Stable(), n.dir.Snapshots(), trans)
	if err != nil {
		return fmt.Errorf("start raft: %w", errors.Join(err, trans.Close()))
	}
	n.raft, n.trans = r, trans
	n.where.learn(n.servers)
	n.dir.DeferSyncs(func() bool { return r.State() == raft.Leader })
	n.onClose(func() {
		if err := r.Shutdown().Error(); err != nil {
			n.cfg.Log.Error("raft did not stop", "err", err)
		}
		trans.Close()
	})
	return nil
}

// faulty logs a fault of trivet that has ended a command. A request that meets one
// can be sent again and again: of each command one a minute is logged.
func (n *Node) faulty(p fsm.Panic) {
	n.metrics.panics.WithLabelValues(strings.ToLower(p.Command)).Inc()
	now := time.Now().UnixNano()
	last, _ := n.faults.LoadOrStore(p.Command, new(atomic.Int64))
	if at := last.(*atomic.Int64); now-at.Load() > int64(time.Minute) {
		at.Store(now)
		n.cfg.Log.Error("a fault of trivet has ended a command, without effect, on every node alike: please report it",
			"command", p.Command, "err", p.Value, "stack", p.Stack)
	}
}

// reign does a leader's duties in each term that this node leads.
func (n *Node) reign() {
	abdicate := func() {}
	defer func() { abdicate() }()
	for {
		select {
		case leads := <-n.raft.LeaderCh():
			abdicate()
			if leads {
				abdicate = n.lead()
			} else if n.cfg.OnFollower == Redirect {
				n.front.Rediscover()
			}
		case <-n.stop:
			return
		}
	}
}

// lead starts a leader's duties, which end with the function returned.
func (n *Node) lead() (abdicate func()) {
	ctx, cancel := context.WithCancel(context.Background())
	n.spawn(func() { n.openTerm(ctx) })
	if n.cfg.Labels != nil {
		n.spawn(func() { n.label(ctx) })
	}
	n.startPilot(ctx)
	return func() {
		cancel()
		// Until it is told to stop it takes itself for running, and would not
		// start for the next term.
		n.pilot.Stop()
	}
}

// openTerm commits the first entry of the term that this node leads. Only then
// does the node know all that was committed before.
func (n *Node) openTerm(ctx context.Context) {
	for ctx.Err() == nil && n.raft.State() == raft.Leader {
		term := n.raft.CurrentTerm()
		_, _, err := n.sequencer.submit(ctx, nil)
		if err == nil && n.raft.CurrentTerm() == term {
			n.readIndex.ready.Store(term)
			n.waiters.open(term)
			context.AfterFunc(ctx, func() { n.waiters.close(term) })
			n.cfg.Log.Info("leading", "term", term)
			return
		}
		if pause(ctx, retryPause) != nil {
			return
		}
	}
}

// expire has the leader propose an empty entry where something is due and no
// other entry would remove it.
func (n *Node) expire() {
	if n.raft.State() != raft.Leader {
		return
	}
	due := false
	n.machine.view(func(s *fsm.State) {
		at, ok := s.NextDue()
		due = ok && at <= time.Now().UnixMilli()
	})
	if due {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		n.sequencer.submit(ctx, nil)
	}
}

// compact takes a snapshot once the log has grown by more bytes than are worth
// replaying: a fixed number, or the size of the last snapshot if that is more,
// so that a large state is not written again and again for a small log.
func (n *Node) compact() {
	limit := n.snapshotLimit()
	if n.dir.LogBytes() >= limit {
		n.snapshot(limit)
	}
}

// snapshotLimit returns how many bytes of log make a snapshot due.
func (n *Node) snapshotLimit() int64 {
	limit := n.cfg.SnapshotBytes
	if list, err := n.dir.Snapshots().List(); err == nil && len(list) > 0 {
		limit = max(limit, list[0].Size)
		n.saved.Store(savedAt(list[0].ID))
	}
	return limit
}

// snapshot takes a snapshot, and leaves a quarter of the limit in the log.
func (n *Node) snapshot(limit int64) error {
	rc := n.raft.ReloadableConfig()
	rc.TrailingLogs = n.dir.TrailingLogs(limit / 4)
	if err := n.raft.ReloadConfig(rc); err != nil {
		n.cfg.Log.Error("raft refused its configuration", "err", err)
		return err
	}
	began := time.Now()
	bytes := n.dir.LogBytes()
	err := n.raft.Snapshot().Error()
	switch {
	case err == nil:
		n.dir.ResetLogBytes()
		n.saved.Store(time.Now().Unix())
		n.metrics.snapshots.WithLabelValues(snapshotOK).Inc()
		n.cfg.Log.Info("took a snapshot", "log_bytes", bytes, "took", time.Since(began))
	case errors.Is(err, raft.ErrNothingNewToSnapshot), n.stopping.Load():
	default:
		n.metrics.snapshots.WithLabelValues(snapshotFailed).Inc()
		n.cfg.Log.Error("cannot take a snapshot", "err", err)
	}
	return err
}

// stepDown hands the leadership over, if this node has it, and reports whether
// it did.
func (n *Node) stepDown(ctx context.Context) bool {
	for range 3 {
		if n.raft.State() != raft.Leader || ctx.Err() != nil || n.voters() < 2 {
			return false
		}
		err := n.raft.LeadershipTransfer().Error()
		if err == nil {
			return true
		}
		n.cfg.Log.Warn("cannot hand the leadership over", "err", err)
		if pause(ctx, 50*time.Millisecond) != nil {
			return false
		}
	}
	return false
}

func (n *Node) servers() []raft.Server {
	f := n.raft.GetConfiguration()
	if f.Error() != nil {
		return nil
	}
	return f.Configuration().Servers
}

func (n *Node) voters() int {
	voters := 0
	for _, s := range n.servers() {
		if s.Suffrage == raft.Voter {
			voters++
		}
	}
	return voters
}

func seed() uint64 { return rand.Uint64() }

// pause waits, and returns ctx's error where that ends first.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
