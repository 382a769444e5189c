package node

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/node/server"
	"github.com/trivetdb/trivet/node/store"
)

// A hello is what a node says of itself to another.
type hello struct {
	server.Member
	Skipped   []uint64 // indexes of the entries that its state leaves out
	Applying  bool     // an entry is being applied now
	LastIndex uint64   // of its log
	LastTerm  uint64
	Contact   int64 // milliseconds since it heard of its leader; -1 for never
}

// self describes this node.
func (n *Node) self() hello {
	stats := n.raft.Stats()
	lastTerm, _ := strconv.ParseUint(stats["last_log_term"], 10, 64)
	h := hello{
		Member: server.Member{
			Name: n.cfg.Name, ID: string(n.id), Role: strings.ToLower(n.raft.State().String()), Alive: true,
			Term: n.raft.CurrentTerm(), Applied: n.machine.applied.load(),
			Peer: n.addresses.peer, Redis: n.addresses.redis, Classic: n.addresses.classic, HTTP: n.addresses.http,
			Version: n.cfg.Version, Level: n.machine.level.Load(), NewestLevel: fsm.NewestLevel,
		},
		LastIndex: n.raft.LastIndex(), LastTerm: lastTerm, Contact: -1,
		Applying: n.machine.applying.Load(),
	}
	if skipped := n.machine.skipped.Load(); skipped != nil {
		h.Skipped = *skipped
	}
	for _, s := range n.servers() {
		h.Voter = h.Voter || s.ID == n.id && s.Suffrage == raft.Voter
	}
	if n.raft.State() == raft.Leader {
		h.Contact = 0
	} else if at := n.raft.LastContact(); !at.IsZero() {
		h.Contact = time.Since(at).Milliseconds()
	}
	return h
}

// hello asks a member for what it says of itself.
func (n *Node) hello(ctx context.Context, id raft.ServerID, addr raft.ServerAddress) (hello, error) {
	if id == n.id {
		return n.self(), nil
	}
	ctx, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
	defer cancel()
	h, err := callJSON[hello](ctx, n, addr, callHello, struct{}{})
	said := err == nil && h.ID == string(id)
	n.unseen.note(id, said)
	if said {
		n.known.note(id, h.Member)
	}
	return h, err
}

// A directory keeps what members said of themselves: of the leader for as long
// as it leads, of others to know the address of one that does not answer.
type directory struct {
	mu     sync.Mutex
	leader server.Member
	reign  uint64
	last   map[raft.ServerID]server.Member
	heard  map[raft.ServerID]time.Time // when that was
}

// note keeps what a member said.
func (d *directory) note(id raft.ServerID, m server.Member) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.last == nil {
		d.last = map[raft.ServerID]server.Member{}
		d.heard = map[raft.ServerID]time.Time{}
	}
	d.last[id], d.heard[id] = m, time.Now()
}

// recall returns what a member said last, as of one that does not answer.
func (d *directory) recall(s raft.Server) server.Member {
	d.mu.Lock()
	defer d.mu.Unlock()
	m := d.last[s.ID]
	name, _, _ := store.ParseRaftID(s.ID)
	return server.Member{
		Name: name, ID: string(s.ID), Peer: string(s.Address),
		Redis: m.Redis, Classic: m.Classic, HTTP: m.HTTP, Version: m.Version,
	}
}

// announce tells subscribers of each new leader, as a Sentinel would.
func (n *Node) announce() {
	ctx, cancel := n.untilStop()
	defer cancel()
	var last server.Member
	for ctx.Err() == nil {
		_, reign := n.leaders.get()
		m, err := n.Leader(ctx)
		if err != nil {
			continue
		}
		if last.ID != "" && m.ID != last.ID {
			n.front.SwitchMaster(last, m)
		}
		last = m
		select {
		case <-reign.Done():
		case <-ctx.Done():
		}
	}
}

// Leads implements server.Backend.
func (n *Node) Leads() bool { return n.raft.State() == raft.Leader }

// Leader implements server.Backend.
func (n *Node) Leader(ctx context.Context) (server.Member, error) {
	ctx, cancel := context.WithTimeout(ctx, holdUnsent)
	defer cancel()
	for {
		to, _, err := n.leaders.await(ctx)
		if err != nil {
			return server.Member{}, err
		}
		if m, ok := n.lookup(to); ok {
			return m, nil
		}
		h, err := n.hello(ctx, to.id, to.addr)
		if err == nil && h.ID == string(to.id) {
			n.known.mu.Lock()
			n.known.leader, n.known.reign = h.Member, n.leaders.seen()
			n.known.mu.Unlock()
			return h.Member, nil
		}
		if pause(ctx, retryPause) != nil {
			return server.Member{}, server.ErrNoLeader
		}
	}
}

func (n *Node) lookup(to leader) (server.Member, bool) {
	n.known.mu.Lock()
	defer n.known.mu.Unlock()
	return n.known.leader, n.known.leader.ID == string(to.id) && n.known.reign == n.leaders.seen()
}

// Status implements server.Backend.
func (n *Node) Status() server.Status {
	h := n.self()
	to, _ := n.leaders.get()
	leads, _ := n.lookup(to)
	if n.Leads() {
		leads = h.Member
	}
	stats := n.raft.Stats()
	snapshotAt, _ := strconv.ParseUint(stats["last_snapshot_index"], 10, 64)
	first, _ := n.dir.Log().FirstIndex()
	h.Lag, _ = n.lag.get()
	s := server.Status{
		Member: h.Member, Cluster: n.dir.Identity().Cluster,
		LeaderID: string(to.id), LeaderRedis: leads.Redis,
		CommitIndex: n.raft.CommitIndex(), LastIndex: h.LastIndex, LastTerm: h.LastTerm, FirstIndex: first, SnapshotAt: snapshotAt,
		LogBytes: n.dir.LogBytes(), SnapshotTime: n.saved.Load(), LastContact: h.Contact, Peers: max(0, len(n.servers())-1),
		Keys: map[int][2]int{}, Batches: n.proposer.batches.Load(), Entries: n.machine.entries.Load(),
		Resent: n.proposer.resent.Load(), LeaderChange: n.leaders.seen(),
	}
	n.machine.view(func(st *fsm.State) {
		for db := range fsm.Databases {
			if keys := st.Len(db); keys > 0 {
				s.Keys[db] = [2]int{keys, st.Expiring(db)}
			}
		}
		s.ExpiredKeys, s.DataBytes = st.Expired(), st.Bytes()
	})
	return s
}

// Members implements server.Backend.
func (n *Node) Members(ctx context.Context) []server.Member {
	servers := n.servers()
	members := make([]server.Member, len(servers))
	var wait sync.WaitGroup
	for i, s := range servers {
		wait.Go(func() {
			m := &members[i]
			if h, err := n.hello(ctx, s.ID, s.Address); err == nil && h.ID == string(s.ID) {
				*m = h.Member
			} else {
				*m = n.known.recall(s)
			}
			m.Voter = s.Suffrage == raft.Voter
		})
	}
	wait.Wait()
	var newest uint64
	for _, m := range members {
		newest = max(newest, m.Applied)
	}
	for i := range members {
		if members[i].Alive {
			members[i].Lag = newest - members[i].Applied
		}
	}
	return members
}

// Digest implements server.Backend.
func (n *Node) Digest() (uint64, string, error) { return n.machine.digest() }

// A lag is how far this node is behind the leader, and when that was learned.
type lag struct {
	entries atomic.Uint64
	at      atomic.Int64 // nanoseconds since 1970; 0 for never
}

// get returns the lag in log entries, and its age.
func (l *lag) get() (entries uint64, age time.Duration) {
	at := l.at.Load()
	if at == 0 {
		return 0, time.Hour
	}
	return l.entries.Load(), time.Since(time.Unix(0, at))
}

// measureLag asks the leader how far it is.
func (n *Node) measureLag() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	index, err := n.barrier.index(ctx)
	if err != nil {
		return
	}
	n.lag.entries.Store(index - min(index, n.machine.applied.load()))
	n.lag.at.Store(time.Now().UnixNano())
}

// leaderWorks reports whether a leader answers, and applies an entry now, or has
// applied some since it was asked last; see proposer.works.
func (n *Node) leaderWorks(ctx context.Context, to leader) bool {
	h, err := n.hello(ctx, to.id, to.addr)
	if err != nil || h.ID != string(to.id) {
		return false
	}
	was := n.worked.Swap(h.Applied)
	return h.Applying || h.Applied != was
}
