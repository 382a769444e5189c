package node

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/raft"
	autopilot "github.com/hashicorp/raft-autopilot"

	"github.com/trivetdb/trivet/node/logging"
	"github.com/trivetdb/trivet/node/store"
)

// startPilot lets raft-autopilot look after the members while this node leads:
// it makes voters of newcomers that have caught up, and removes members that
// have been out of reach for long where the quorum stays safe.
func (n *Node) startPilot(ctx context.Context) {
	n.unseen.reset()
	if n.pilot == nil {
		n.pilot = autopilot.New(promoter{n.raft, n}, pilot{n},
			autopilot.WithLogger(logging.HCLog(n.cfg.Log)),
			autopilot.WithUpdateInterval(500*time.Millisecond),
			autopilot.WithReconcileInterval(time.Second))
	}
	n.pilot.Start(ctx)
}

// A pilot answers autopilot's questions. It implements
// autopilot.ApplicationIntegration.
type pilot struct{ n *Node }

func (p pilot) AutopilotConfig() *autopilot.Config {
	return &autopilot.Config{
		CleanupDeadServers:      true,
		LastContactThreshold:    max(time.Second, 3*p.n.cfg.HeartbeatTimeout),
		MaxTrailingLogs:         250,
		MinQuorum:               uint(max(p.n.cfg.BootstrapExpect, 3)),
		ServerStabilizationTime: time.Second,
	}
}

func (p pilot) NotifyState(*autopilot.State) {}

func (p pilot) FetchServerStats(ctx context.Context, servers map[raft.ServerID]*autopilot.Server) map[raft.ServerID]*autopilot.ServerStats {
	var mu sync.Mutex
	var wait sync.WaitGroup
	stats := map[raft.ServerID]*autopilot.ServerStats{}
	for id, s := range servers {
		wait.Go(func() {
			h, err := p.n.hello(ctx, id, s.Address)
			if err != nil || h.ID != string(id) {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			stats[id] = &autopilot.ServerStats{
				LastContact: time.Duration(h.Contact) * time.Millisecond,
				LastTerm:    h.LastTerm, LastIndex: h.LastIndex,
			}
		})
	}
	wait.Wait()
	return stats
}

func (p pilot) KnownServers() map[raft.ServerID]*autopilot.Server {
	known := map[raft.ServerID]*autopilot.Server{}
	for _, s := range p.n.servers() {
		name, _, _ := store.ParseRaftID(s.ID)
		status := autopilot.NodeAlive
		if p.n.unseen.longer(s.ID, p.n.cfg.DeadAfter) {
			status = autopilot.NodeFailed
		}
		known[s.ID] = &autopilot.Server{
			ID: s.ID, Name: name, Address: s.Address, NodeStatus: status,
			NodeType:    autopilot.NodeVoter, // a voter or to become one; others would never be removed
			RaftVersion: int(raft.ProtocolVersionMax), IsLeader: s.ID == p.n.id,
		}
	}
	return known
}

func (p pilot) RemoveFailedServer(s *autopilot.Server) {
	go func() {
		p.n.cfg.Log.Warn("removing a member that has been out of reach", "peer", s.ID, "for", p.n.cfg.DeadAfter)
		if err := p.n.drop(s.ID); err != nil {
			p.n.cfg.Log.Error("cannot remove a member", "peer", s.ID, "err", err)
		}
	}()
}

// A promoter is raft as autopilot sees it. Autopilot decides on what it saw up to
// some seconds ago, and raft would take in again what was removed since.
type promoter struct {
	*raft.Raft
	n *Node
}

// AddVoter implements autopilot.Raft, for members only.
func (p promoter) AddVoter(id raft.ServerID, addr raft.ServerAddress, prev uint64, timeout time.Duration) raft.IndexFuture {
	p.n.changing.Lock()
	defer p.n.changing.Unlock()
	if !slices.ContainsFunc(p.n.servers(), func(s raft.Server) bool { return s.ID == id }) {
		return refusal{}
	}
	f := p.Raft.AddVoter(id, addr, prev, timeout)
	_ = f.Error() // until it is done; autopilot looks at it itself
	return f
}

// A refusal is the future of a change that was not asked for.
type refusal struct{ raft.IndexFuture }

// Error implements raft.Future.
func (refusal) Error() error { return errors.New("it is no member any more") }

// drop takes a member out.
func (n *Node) drop(id raft.ServerID) error {
	n.changing.Lock()
	defer n.changing.Unlock()
	return n.raft.RemoveServer(id, 0, 0).Error()
}

// unreachables remembers since when a member has not answered.
type unreachables struct {
	mu    sync.Mutex
	since map[raft.ServerID]time.Time
}

func (u *unreachables) reset() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.since = map[raft.ServerID]time.Time{}
}

// note records whether a member answered.
func (u *unreachables) note(id raft.ServerID, answered bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if answered {
		delete(u.since, id)
		return
	}
	if _, ok := u.since[id]; !ok && u.since != nil {
		u.since[id] = time.Now()
	}
}

// longer reports whether a member has not answered for longer than d.
func (u *unreachables) longer(id raft.ServerID, d time.Duration) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	since, ok := u.since[id]
	return ok && time.Since(since) > d
}
