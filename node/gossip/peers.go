package gossip

import (
	"encoding/json"
	"sort"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// A Peer is another node, as it last told of itself.
type Peer struct {
	Meta
	Alive bool // answers, as far as is known
}

// forgetAfter is how long a node that does not answer is still named. Each
// lost disk leaves an ID behind that never comes back.
const forgetAfter = time.Hour

// followFor is how long a node is sought at an address that it moved to.
const followFor = 30 * time.Second

// peers implements memberlist's EventDelegate, ConflictDelegate and AliveDelegate: it remembers the nodes that
// memberlist knows, and for a while those that it gave up. memberlist calls it
// with its own lock held, so nothing here may call memberlist.
type peers struct {
	self string

	mu    sync.Mutex
	known map[string]*peer     // by memberlist's name, which is raft's ID
	moved map[string]time.Time // address -> when a known node was heard of there

	kick chan struct{} // something to join has come up
}

func newPeers(self string) *peers {
	return &peers{self: self, known: map[string]*peer{}, moved: map[string]time.Time{}, kick: make(chan struct{}, 1)}
}

type peer struct {
	Peer
	addr string // where memberlist reaches it
	left time.Time
}

// NotifyJoin implements memberlist.EventDelegate.
func (p *peers) NotifyJoin(n *memberlist.Node) { p.note(n, true) }

// NotifyUpdate implements memberlist.EventDelegate.
func (p *peers) NotifyUpdate(n *memberlist.Node) { p.note(n, true) }

// NotifyLeave implements memberlist.EventDelegate.
func (p *peers) NotifyLeave(n *memberlist.Node) { p.note(n, false) }

// NotifyConflict implements memberlist.ConflictDelegate: a node was heard of at
// another address than the one where memberlist still believes it alive. That
// is how a pod comes back, and memberlist itself would only ask it again with
// its next exchange of all it knows.
func (p *peers) NotifyConflict(n, other *memberlist.Node) {
	if n.Name == p.self {
		return
	}
	p.mu.Lock()
	p.moved[other.Address()] = time.Now()
	p.mu.Unlock()
	select {
	case p.kick <- struct{}{}:
	default:
	}
}

// sought returns the addresses that nodes moved to and where they are not
// known to be alive yet.
func (p *peers) sought() (addrs []string) {
	alive := p.alive()
	p.mu.Lock()
	defer p.mu.Unlock()
	for addr, heard := range p.moved {
		if alive[addr] || time.Since(heard) > followFor {
			delete(p.moved, addr)
			continue
		}
		addrs = append(addrs, addr)
	}
	return addrs
}

func (p *peers) note(n *memberlist.Node, alive bool) {
	if n.Name == p.self {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	q := p.known[n.Name]
	if q == nil {
		q = &peer{}
		p.known[n.Name] = q
	}
	var m Meta
	if json.Unmarshal(n.Meta, &m) == nil {
		q.Meta = m
	}
	q.ID = n.Name
	q.Alive, q.addr = alive, n.Address()
	if !alive {
		q.left = time.Now()
	}
}

// list returns the others, sorted by ID.
func (p *peers) list() []Peer {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]Peer, 0, len(p.known))
	for name, q := range p.known {
		if !q.Alive && time.Since(q.left) > forgetAfter {
			delete(p.known, name)
			continue
		}
		all = append(all, q.Peer)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].ID < all[j].ID })
	return all
}

// alive returns the addresses of the others that answer.
func (p *peers) alive() map[string]bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	addrs := make(map[string]bool, len(p.known))
	for _, q := range p.known {
		if q.Alive {
			addrs[q.addr] = true
		}
	}
	return addrs
}
