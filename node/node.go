package node

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
	autopilot "github.com/hashicorp/raft-autopilot"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/node/gossip"
	"github.com/trivetdb/trivet/node/server"
	"github.com/trivetdb/trivet/node/store"
	"github.com/trivetdb/trivet/node/web"
	"github.com/trivetdb/trivet/resp"
	"github.com/trivetdb/trivet/transport"
)

// A Node is one member of a cluster, or one that means to become it. Get it
// from Open. All methods may be called from many goroutines.
type Node struct {
	cfg       Config
	id        raft.ServerID
	addresses addresses
	files     files
	dir       *store.Dir
	mux       *transport.Mux
	raft      *raft.Raft
	trans     identified // raft's way to the others
	machine   *machine
	leaders   *leaders
	sequencer *sequencer
	waiters   *waiters  // of all nodes, where this one leads
	blocking  *blocking // the clients of this node that wait
	proposer  *proposer
	readIndex *readIndex
	barrier   *barrier
	gossip    *gossip.Gossip
	pilot     *autopilot.Autopilot
	front     *server.Server
	web       *web.Server
	metrics   *metrics

	known    directory     // what others said of themselves
	where    whereabouts   // what others mean this node by
	lag      lag           // how far this node is behind the leader
	current  atomic.Bool   // has held all that the leader had, since the start
	joined   atomic.Bool   // the cluster's configuration has held this node
	removed  atomic.Bool   // an operator took it out since
	peopled  atomic.Bool   // the users are those of the file
	opened   atomic.Bool   // all of the node is there
	stopping atomic.Bool   // not ready any more
	unseen   unreachables  // how long members have been out of reach
	changing sync.Mutex    // held while a member is taken out or made a voter
	faults   sync.Map      // command -> when a fault in it was logged last, *atomic.Int64
	worked   atomic.Uint64 // what the leader had applied when that was asked last
	saved    atomic.Int64  // when the newest snapshot was taken, Unix seconds; 0 for none

	fatal   chan error    // what the node cannot go on after
	asked   chan struct{} // a client wants the node to stop
	stop    chan struct{}
	tasks   sync.WaitGroup
	closers []func() // undo Open, in reverse
}

// addresses are where others reach this node, as host:port. Other nodes learn
// them by a hello.
type addresses struct{ redis, classic, peer, http string }

// Open starts a node. It serves clients at once, though they wait until the
// node is in a cluster that has a leader. Errors name what is to be mended; they
// wrap store.ErrDamaged where the data directory cannot be trusted.
func Open(cfg Config) (_ *Node, err error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg.setDefaults()
	files, err := openFiles(&cfg)
	if err != nil {
		return nil, err
	}
	n := &Node{cfg: cfg, files: files, leaders: newLeaders(), fatal: make(chan error, 1), asked: make(chan struct{}, 1), stop: make(chan struct{})}
	if n.metrics, err = newMetrics(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			n.unwind()
		}
	}()
	listeners, err := n.listen()
	if err != nil {
		return nil, err
	}
	n.openWeb(listeners.http)
	if listeners.profiles != nil {
		n.openProfiles(listeners.profiles)
	}
	if err := n.openStore(); err != nil {
		return nil, err
	}
	if err := n.openLinks(); err != nil {
		return nil, err
	}
	n.openFront(listeners)
	if err := n.openRaft(); err != nil {
		return nil, err
	}
	if err := n.openGossip(); err != nil {
		return nil, err
	}
	n.openPaths()
	n.serve(listeners)
	n.follow()
	n.opened.Store(true)
	return n, nil
}

// onClose has f called when the node closes, before what was registered
// earlier.
func (n *Node) onClose(f func()) { n.closers = append(n.closers, f) }

func (n *Node) unwind() {
	for i := len(n.closers) - 1; i >= 0; i-- {
		n.closers[i]()
	}
	n.closers = nil
}

// spawn runs f until the node stops; Close waits for it.
func (n *Node) spawn(f func()) {
	n.tasks.Add(1)
	go func() {
		defer n.tasks.Done()
		f()
	}()
}

// untilStop returns a context that ends when the node stops.
func (n *Node) untilStop() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	n.spawn(func() {
		select {
		case <-n.stop:
			cancel()
		case <-ctx.Done():
		}
	})
	return ctx, cancel
}

// every calls f once a period until the node stops.
func (n *Node) every(period time.Duration, f func()) {
	n.spawn(func() {
		ticker := time.NewTicker(period)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				f()
			case <-n.stop:
				return
			}
		}
	})
}

type clientListeners struct{ redis, classic, http, profiles net.Listener }

// listen opens the ports for clients and probes first: a port that is taken is
// the most common mistake, and nothing has to be undone.
func (n *Node) listen() (l clientListeners, err error) {
	for _, p := range []struct {
		name, addr string
		to         *net.Listener
		advertised *string
	}{
		{"redis", n.cfg.Redis, &l.redis, &n.addresses.redis},
		{"classic", n.cfg.Classic, &l.classic, &n.addresses.classic},
		{"http", n.cfg.HTTP, &l.http, &n.addresses.http},
		{"pprof", n.cfg.Profiles, &l.profiles, new(string)},
	} {
		if p.addr == "" {
			continue
		}
		ln, err := net.Listen("tcp", p.addr)
		if err != nil {
			return l, listenError(p.name, p.addr, err)
		}
		n.onClose(func() { ln.Close() })
		*p.to = ln
		if n.files.clients != nil && (p.to == &l.redis || p.to == &l.classic) {
			*p.to = tls.NewListener(ln, n.files.clients.ServerConfig())
		}
		*p.advertised = n.cfg.advertised(p.addr, ln.Addr())
	}
	n.addresses.redis = cmp.Or(n.cfg.Announce, n.addresses.redis)
	return l, nil
}

func listenError(flag, addr string, err error) error {
	return fmt.Errorf("cannot listen on %s for --%s: %w; is another node or a redis-server running there? Choose another port with --%s", addr, flag, err, flag)
}

func (n *Node) openStore() error {
	dir, err := store.Open(store.Options{
		Path: n.cfg.DataDir, Name: n.cfg.Name, Log: n.cfg.Log, LogStore: n.cfg.LogStore,
		Files: n.cfg.Files,
		OnSync: func(d time.Duration) {
			n.metrics.sync.Observe(d.Seconds())
			if n.front != nil { // else the node is being opened
				n.front.Delayed(server.EventSync, d)
			}
		},
	})
	if err != nil {
		return err
	}
	n.dir, n.id = dir, dir.RaftID()
	n.onClose(func() { dir.Close() })
	return nil
}

// openLinks opens the peer port.
func (n *Node) openLinks() error {
	mux, err := transport.Listen(n.cfg.Network, n.cfg.Peer, transport.Options{
		Logger:  n.cfg.Log,
		TLS:     n.files.peers,
		Secrets: n.files.secrets, Unproved: n.cfg.PeerAuth == AuthMixed,
		Self:    func(addr string) bool { return n.where.are(n.id, addr) },
		Cluster: func() string { return n.dir.Identity().Cluster },
		Admit: func(_ byte, cluster, node string) error {
			// Raft knows members by identity and address. A node that lost its disk
			// has the address of a voter, and must not vote in its place.
			if node != "" && node != string(n.id) {
				return fmt.Errorf("this node is %s, not %s", n.id, node)
			}
			own := n.dir.Identity().Cluster
			if own != "" && cluster != "" && own != cluster {
				return fmt.Errorf("this node is of cluster %s, not of %s; if that one was given up, by a recovery after most nodes were lost, stop the node, remove its data directory and start it again: it joins as a new one", own, cluster)
			}
			return nil
		},
	})
	if err != nil {
		return listenError("peer", n.cfg.Peer, err)
	}
	n.mux = mux
	n.addresses.peer = n.cfg.advertised(n.cfg.Peer, mux.Addr())
	n.where.say(n.addresses.peer)
	n.onClose(func() { mux.Close() })
	return nil
}

// openPaths builds the ways of writes and reads, and answers other nodes.
func (n *Node) openPaths() {
	n.readIndex = &readIndex{raft: n.raft, self: n.id, hedge: 2 * time.Millisecond, term: n.askTerm}
	n.sequencer = newSequencer(n.raft, n.metrics.entry)
	origin := fsm.Origin{ID: n.dir.Identity().ID, Life: n.dir.Life()}
	n.proposer = newProposer(origin, n.leaders, n.sendBatch)
	n.proposer.waiters, n.proposer.works = n.waiters, n.leaderWorks
	n.barrier = &barrier{round: n.leaderIndex}
	n.blocking = newBlocking(origin, n.addresses.peer, n.leaders, n.sendClaims)
	n.mux.Serve(n.serveCall)
	n.onClose(func() {
		close(n.stop)
		n.waiters.shut()
		n.tasks.Wait()
	})
	n.spawn(func() { n.sequencer.run(n.stop) })
	n.spawn(func() { n.proposer.run(n.stop) })
	n.spawn(func() { n.blocking.run(n.stop) })
}

// openFront makes what serves clients, before raft can have messages for them.
func (n *Node) openFront(l clientListeners) {
	n.front = server.New(server.Options{
		Backend: n, Password: n.cfg.Password, MaxClients: n.cfg.MaxClients,
		ClientMemory: n.cfg.clientMemory(), Unprotected: n.cfg.ProtectedMode == "no",
		Redirect: n.cfg.OnFollower == Redirect, Linearizable: n.cfg.Reads == Linearizable,
		Version: n.cfg.Version, RunID: server.NodeID(string(n.id)), Log: n.cfg.Log, Registerer: n.metrics.registry,
		RedisAddr: l.redis.Addr().String(), ClassicAddr: l.classic.Addr().String(), TLS: n.files.clients != nil,
	})
}

// serve answers clients.
func (n *Node) serve(l clientListeners) {
	n.metrics.observe(n)
	n.onClose(n.closeWeb)
	n.spawn(func() { n.report("redis", n.front.Serve(l.redis, false)) })
	n.spawn(func() { n.report("classic", n.front.Serve(l.classic, true)) })
	n.openSocket()
}

func (n *Node) report(listener string, err error) {
	if err != nil && !n.stopping.Load() {
		n.fail(fmt.Errorf("%s listener: %w", listener, err))
	}
}

// follow starts what keeps the node going.
func (n *Node) follow() {
	n.spawn(func() { n.leaders.follow(n.raft, n.stop) })
	n.spawn(n.reign)
	n.spawn(n.succeed)
	n.spawn(n.announce)
	n.spawn(n.settle)
	n.spawn(n.settleUsers)
	n.watchFiles()
	n.remind()
	n.every(50*time.Millisecond, n.expire)
	n.every(time.Second, n.compact)
	n.every(time.Second, n.limitMemory)
	n.every(200*time.Millisecond, n.raiseLevel)
	n.every(time.Second, n.compareSkipped)
	n.every(250*time.Millisecond, n.measureLag)
}

// fail stops the node for a reason that it cannot go on after. It does not
// block.
func (n *Node) fail(err error) {
	select {
	case n.fatal <- err:
	default:
	}
}

// Fatal delivers the error that the node cannot go on after; the caller should
// Kill it and end the process.
func (n *Node) Fatal() <-chan error { return n.fatal }

// Addr returns where Redis clients reach the node.
func (n *Node) Addr() string { return n.addresses.redis }

// Write implements server.Backend.
func (n *Node) Write(ctx context.Context, db int, g *fsm.Group) ([]resp.Value, uint64, error) {
	return n.proposer.write(ctx, db, g)
}

// Read implements server.Backend.
func (n *Node) Read(ctx context.Context, r fsm.Request, minIndex uint64, linearizable bool) (resp.Value, error) {
	if err := n.CatchUp(ctx, minIndex, linearizable); err != nil {
		return resp.Nil, err
	}
	r.Now = time.Now().UnixMilli()
	r.Seed = seed()
	v, err := n.machine.read(r)
	if err != nil {
		return resp.Nil, server.ErrNoLeader
	}
	return v, nil
}

// CatchUp implements server.Backend.
func (n *Node) CatchUp(ctx context.Context, minIndex uint64, linearizable bool) error {
	// Until it has caught up with the leader once, a node that was started holds
	// no more than its last snapshot: old values, or none at all.
	linearizable = linearizable || !n.current.Load()
	if linearizable || n.machine.applied.load() < minIndex {
		return n.catchUp(ctx, minIndex, linearizable)
	}
	return nil
}

// catchUp waits until the state holds the entry at minIndex, and all that was
// acknowledged before the call where that is asked for.
func (n *Node) catchUp(ctx context.Context, minIndex uint64, linearizable bool) error {
	for began := time.Now(); ; {
		err := n.catchUpSoon(ctx, minIndex, linearizable)
		if err == nil || ctx.Err() != nil || n.leaders.late(began) {
			return err
		}
	}
}

func (n *Node) catchUpSoon(ctx context.Context, minIndex uint64, linearizable bool) error {
	if linearizable {
		index, err := n.barrier.index(ctx)
		if err != nil {
			return server.ErrNoLeader
		}
		minIndex = max(minIndex, index)
	}
	if n.machine.applied.load() < minIndex {
		ctx, cancel := context.WithTimeout(ctx, holdUnsent)
		defer cancel()
		if n.machine.applied.wait(ctx, minIndex) != nil {
			return server.ErrNoLeader
		}
	}
	if linearizable {
		n.current.Store(true)
	}
	return nil
}

// Ready implements server.Backend. Who reads a stream is to be known to it at
// once, and hears of a wrong type or group.
func (n *Node) Ready(db int, w fsm.Wait) bool {
	return w.Kind == fsm.WaitStream || w.Kind == fsm.WaitGroup || n.waiters.ready(db, w)
}

// Queue implements server.Backend.
func (n *Node) Queue(db int, w fsm.Wait, turn func(first bool)) server.Place {
	if w.Kind == fsm.WaitStream {
		return n.machine.readers.enter(db, w, turn)
	}
	return n.blocking.enter(db, w, turn)
}

// Close stops the node in order: it is not ready any more, hands over the
// leadership, finishes what clients have asked for, and stops. It never takes
// the node out of the cluster. Past ctx it does not wait for clients.
func (n *Node) Close(ctx context.Context) error {
	if n.stopping.Swap(true) {
		return errors.New("closed twice")
	}
	if n.stepDown(ctx) && n.cfg.Labels != nil {
		pause(ctx, rerouteTime) // clients may still be sent here, and are served
	}
	err := n.front.Shutdown(ctx)
	n.unwind()
	return err
}

// Kill stops the node as a crash would: nothing is handed over, no client is
// waited for.
func (n *Node) Kill() {
	if n.stopping.Swap(true) {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	n.front.Shutdown(ctx)
	n.unwind()
}
