package gossip

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/trivetdb/trivet/node/logging"
)

// Options say how to find others, and what to tell them.
type Options struct {
	ID        string       // unique among all nodes: raft's ID
	Bind      string       // host:port to listen on, TCP and UDP; port 0 picks one
	Advertise string       // host:port where others reach this node; default: as bound
	Join      []string     // host:port of nodes to find; a name stands for all its addresses
	Meta      Meta         // what to tell; its ID is set to ID
	Log       *slog.Logger // default: none
	Keys      [][]byte     // different secrets of 16, 24 or 32 bytes that all nodes share, see ParseKeys; default: no encryption
	Mixed     bool         // have the keys, say all in clear text, and understand both: while other nodes get their first keys
}

const leaveFor = 200 * time.Millisecond

// A Gossip is this node among the others. All methods may be called from many
// goroutines.
type Gossip struct {
	list  *memberlist.Memberlist
	peers *peers
	self  *self
	log   *slog.Logger
	bound string
	keys  *memberlist.Keyring // nil for no encryption

	changed chan struct{} // the metadata is to be sent again
	stop    chan struct{}
	joined  chan struct{} // the joining ended
	told    chan struct{} // the telling ended
	once    sync.Once
}

// self implements memberlist.Delegate, of which only the metadata is of use.
type self struct {
	mu   sync.Mutex
	id   string
	meta []byte
}

func (s *self) set(m Meta) (changed bool, err error) {
	m.ID = s.id
	b, err := m.encode()
	if err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	changed = string(s.meta) != string(b)
	s.meta = b
	return changed, nil
}

// NodeMeta implements memberlist.Delegate.
func (s *self) NodeMeta(int) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.meta
}

func (s *self) NotifyMsg([]byte)                {}
func (s *self) GetBroadcasts(int, int) [][]byte { return nil }
func (s *self) LocalState(bool) []byte          { return nil }
func (s *self) MergeRemoteState([]byte, bool)   {}

// Start listens, and looks for the others in the background from then on. It
// is no error that none of them can be found yet.
func Start(opts Options) (*Gossip, error) {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	g := &Gossip{
		peers:   newPeers(opts.ID),
		self:    &self{id: opts.ID},
		log:     opts.Log,
		changed: make(chan struct{}, 1),
		stop:    make(chan struct{}),
		joined:  make(chan struct{}),
		told:    make(chan struct{}),
	}
	if opts.ID == "" {
		return nil, errors.New("gossip: the node has no ID")
	}
	if _, err := g.self.set(opts.Meta); err != nil {
		return nil, fmt.Errorf("gossip: %w", err)
	}
	conf, err := g.config(opts)
	if err != nil {
		return nil, fmt.Errorf("gossip: %w", err)
	}
	guard, err := listen(conf, len(opts.Keys) == 0 || opts.Mixed)
	if err != nil {
		return nil, fmt.Errorf("gossip on %s: %w", opts.Bind, err)
	}
	conf.Transport = guard
	if g.list, err = memberlist.Create(conf); err != nil {
		guard.Shutdown()
		return nil, fmt.Errorf("gossip on %s: %w", opts.Bind, err)
	}
	g.bound = net.JoinHostPort(conf.BindAddr, strconv.Itoa(conf.BindPort))
	j := &joiner{targets: opts.Join, self: g.advertised(), list: g.list, peers: g.peers, log: g.log, stop: g.stop}
	go func() {
		defer close(g.joined)
		j.run()
	}()
	go g.tell()
	return g, nil
}

// config tunes memberlist for few nodes that shall notice things soon.
func (g *Gossip) config(opts Options) (*memberlist.Config, error) {
	warn := func(err error) { g.log.Warn("gossip waits for a name", "err", err) }
	c := memberlist.DefaultLANConfig()
	c.Name, c.Delegate, c.Events, c.Conflict, c.Alive = opts.ID, g.self, g.peers, g.peers, g.peers
	c.Logger = logging.Lines(opts.Log, "memberlist: ")
	c.GossipInterval = 100 * time.Millisecond
	c.ProbeInterval = 500 * time.Millisecond
	c.ProbeTimeout = 200 * time.Millisecond
	c.TCPTimeout = 2 * time.Second
	c.PushPullInterval = 10 * time.Second
	c.SuspicionMult, c.SuspicionMaxTimeoutMult = 3, 2
	// A pod that comes back has another address under its old ID.
	c.DeadNodeReclaimTime = time.Second

	if len(opts.Keys) > 0 {
		var err error
		if g.keys, err = memberlist.NewKeyring(opts.Keys, opts.Keys[0]); err != nil {
			return nil, err
		}
		c.Keyring = g.keys
		c.GossipVerifyIncoming, c.GossipVerifyOutgoing = !opts.Mixed, !opts.Mixed
	}
	host, port, err := split(opts.Bind)
	if err != nil {
		return nil, err
	}
	if host == "" {
		host = "0.0.0.0"
	}
	if c.BindAddr, err = resolve(host, warn); err != nil {
		return nil, err
	}
	c.BindPort, c.AdvertisePort = port, port
	if opts.Advertise == "" {
		return c, nil
	}
	if host, port, err = split(opts.Advertise); err != nil {
		return nil, err
	}
	if c.AdvertiseAddr, err = resolve(host, warn); err != nil {
		return nil, err
	}
	if port != 0 {
		c.AdvertisePort = port
	}
	return c, nil
}

// tell sends the metadata again each time that it changed.
func (g *Gossip) tell() {
	defer close(g.told)
	for {
		select {
		case <-g.stop:
			return
		case <-g.changed:
		}
		// An error says only that it took long: memberlist goes on by itself.
		if err := g.list.UpdateNode(time.Second); err != nil {
			g.log.Debug("gossip is slow", "err", err)
		}
	}
}

// SetMeta changes what the node tells of itself, and does not wait until the
// others heard of it. Metadata too large is an error and changes nothing.
func (g *Gossip) SetMeta(m Meta) error {
	changed, err := g.self.set(m)
	if err != nil || !changed {
		return err
	}
	select {
	case g.changed <- struct{}{}:
	default: // it will be told with the change before
	}
	return nil
}

// Peers returns all other nodes, sorted by ID, those included that no longer
// answer.
func (g *Gossip) Peers() []Peer { return g.peers.list() }

// Addr returns the address that this node is bound to, as host:port.
func (g *Gossip) Addr() string { return g.bound }

func (g *Gossip) advertised() string {
	n := g.list.LocalNode()
	return net.JoinHostPort(n.Addr.String(), strconv.Itoa(int(n.Port)))
}

// Close tells the others that this node goes, which is no more than a hint,
// and stops.
func (g *Gossip) Close() error { return g.end(true) }

// end stops, with or without a word to the others.
func (g *Gossip) end(leave bool) error {
	var err error
	g.once.Do(func() {
		close(g.stop)
		<-g.told
		if leave {
			if e := g.list.Leave(leaveFor); e != nil {
				g.log.Debug("gossip left unheard", "err", e)
			}
		}
		err = g.list.Shutdown()
		select {
		case <-g.joined:
		case <-time.After(leaveFor): // it hangs on a node that does not answer
		}
	})
	return err
}
