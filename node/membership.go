package node

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/raft"

	"github.com/trivetdb/trivet/node/gossip"
	"github.com/trivetdb/trivet/node/store"
)

// openGossip starts to look for other nodes.
func (n *Node) openGossip() error {
	advertise := ""
	if _, port, err := net.SplitHostPort(n.cfg.Gossip); err == nil && n.cfg.Advertise != "" {
		advertise = net.JoinHostPort(n.cfg.Advertise, port)
	}
	g, err := gossip.Start(gossip.Options{
		ID: string(n.id), Bind: n.cfg.Gossip, Advertise: advertise,
		Join: n.cfg.Join, Meta: n.meta(), Log: n.cfg.Log, Keys: n.files.gossip,
		Mixed: n.cfg.PeerAuth == AuthMixed && n.cfg.GossipKeyFile == "",
	})
	if err != nil {
		return listenError("gossip", n.cfg.Gossip, err)
	}
	n.gossip = g
	n.onClose(func() { g.Close() })
	return nil
}

func (n *Node) meta() gossip.Meta {
	return gossip.Meta{
		Name: n.cfg.Name, ID: string(n.id), Peer: n.addresses.peer,
		Cluster: n.dir.Identity().Cluster, Version: n.cfg.Version,
		Member: n.inConfiguration(), Expect: n.cfg.BootstrapExpect,
	}
}

func (n *Node) inConfiguration() bool {
	return slices.ContainsFunc(n.servers(), func(s raft.Server) bool { return s.ID == n.id })
}

// placed reports whether the cluster knows this node at its present address,
// and a leader speaks to it.
func (n *Node) placed() bool {
	now, _ := n.leaders.get()
	return now != (leader{}) && slices.ContainsFunc(n.servers(), func(s raft.Server) bool {
		return s.ID == n.id && string(s.Address) == n.addresses.peer
	})
}

// settle makes the node a member and keeps it one, also where autopilot removed
// it while the network was cut. A node that an operator took out while it ran
// stays out until it is started again: else `members remove` would mean nothing.
func (n *Node) settle() {
	ctx, cancel := n.untilStop()
	defer cancel()
	told, lost := gossip.Meta{}, 0
	for pause(ctx, 200*time.Millisecond) == nil {
		if m := n.meta(); m != told && n.gossip.SetMeta(m) == nil {
			told = m
		}
		switch member := n.inConfiguration(); {
		case n.placed():
			n.joined.Store(true)
			lost = 0
		case n.removed.Load():
		case (member || n.joined.Load()) && lost < 15: // an election, others that still start, a removal to hear of
			lost++
		default:
			if !n.join(ctx) && !member {
				n.bootstrap(ctx)
			}
		}
	}
}

// A joinRequest asks the leader to add a node, or to note its new address.
type joinRequest struct {
	ID        raft.ServerID
	Peer      raft.ServerAddress
	Forwarded bool
}

type joinAnswer struct{ Cluster string }

// join asks the members that gossip knows to be let in, and reports whether
// there are any.
func (n *Node) join(ctx context.Context) bool {
	found := false
	for _, p := range n.gossip.Peers() {
		if !p.Alive || !p.Member {
			continue
		}
		found = true
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		a, err := callJSON[joinAnswer](ctx, n, raft.ServerAddress(p.Peer), callJoin,
			joinRequest{ID: n.id, Peer: raft.ServerAddress(n.addresses.peer)})
		cancel()
		if err == nil {
			if n.dir.Identity().Cluster == "" {
				err = n.dir.Adopt(a.Cluster, "")
			}
			if err == nil {
				return true
			}
		}
		n.cfg.Log.Warn("cannot join yet", "peer", p.Name, "err", err)
	}
	return found
}

// admit answers a joinRequest.
func (n *Node) admit(q joinRequest) (joinAnswer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Second)
	defer cancel()
	if n.raft.State() != raft.Leader {
		if q.Forwarded {
			return joinAnswer{}, errors.New("no leader yet")
		}
		to, _, err := n.leaders.await(ctx)
		if err != nil {
			return joinAnswer{}, err
		}
		q.Forwarded = true
		return callJSON[joinAnswer](ctx, n, to.addr, callJoin, q)
	}
	answer := joinAnswer{n.dir.Identity().Cluster}
	name, _, ok := store.ParseRaftID(q.ID)
	if !ok {
		return answer, fmt.Errorf("no raft ID: %q", q.ID)
	}
	for _, s := range n.servers() {
		other, _, _ := store.ParseRaftID(s.ID)
		switch {
		case s.ID == q.ID && s.Address == q.Peer:
			return answer, nil
		case s.ID == q.ID:
			n.cfg.Log.Info("a member has a new address", "peer", q.ID, "address", q.Peer)
			if s.Suffrage == raft.Voter {
				return answer, n.raft.AddVoter(q.ID, q.Peer, 0, 0).Error()
			}
		case other == name || s.Address == q.Peer:
			if err := n.replace(ctx, s, q.ID); err != nil {
				return answer, err
			}
		}
	}
	n.unseen.note(q.ID, true) // else the autopilot would remove it again for its past
	n.cfg.Log.Info("adding a node", "peer", q.ID, "address", q.Peer)
	return answer, n.raft.AddNonvoter(q.ID, q.Peer, 0, 0).Error()
}

// replace removes the member that a new node takes the place of: one of the
// same name that lost its disk. One that still answers stays.
func (n *Node) replace(ctx context.Context, old raft.Server, by raft.ServerID) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if h, err := callJSON[hello](ctx, n, old.Address, callHello, struct{}{}); err == nil && h.ID == string(old.ID) {
		return fmt.Errorf("the name or the address of %s is that of %s, which is alive: give the new node another", by, old.ID)
	}
	n.cfg.Log.Info("removing a member that lost its data", "peer", old.ID, "replaced_by", by)
	return n.drop(old.ID)
}

// A promiseRequest asks a fresh node to be of a new cluster and of no other.
type promiseRequest struct{ Cluster, Coordinator string }

// bootstrap starts a cluster, if this is the node to do so: the first by ID of
// as many fresh nodes as were expected. Each of the others promises durably to
// be of this cluster before it begins, so two cannot begin at once.
func (n *Node) bootstrap(ctx context.Context) {
	if n.cfg.BootstrapExpect == 0 {
		return
	}
	fresh := []gossip.Meta{n.meta()}
	for _, p := range n.gossip.Peers() {
		if p.Alive && p.Member {
			return
		}
		if p.Alive && p.Expect == n.cfg.BootstrapExpect {
			fresh = append(fresh, p.Meta)
		}
	}
	slices.SortFunc(fresh, func(a, b gossip.Meta) int { return strings.Compare(a.ID, b.ID) })
	if len(fresh) < n.cfg.BootstrapExpect || fresh[0].ID != string(n.id) {
		return
	}
	fresh = fresh[:n.cfg.BootstrapExpect]
	if err := n.found(ctx, fresh); err != nil {
		n.cfg.Log.Warn("cannot start the cluster yet", "err", err)
	}
}

// found makes a cluster of the given nodes, of which this is the first.
func (n *Node) found(ctx context.Context, nodes []gossip.Meta) error {
	own := n.dir.Identity()
	q := promiseRequest{own.Cluster, string(n.id)}
	if own.Cluster == "" || own.Coordinator != string(n.id) {
		var random [8]byte
		rand.Read(random[:])
		q.Cluster = hex.EncodeToString(random[:])
	}
	if _, err := n.promise(q); err != nil {
		return err
	}
	var c raft.Configuration
	for _, m := range nodes {
		c.Servers = append(c.Servers, raft.Server{ID: raft.ServerID(m.ID), Address: raft.ServerAddress(m.Peer)})
		if m.ID == string(n.id) {
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		_, err := callJSON[struct{}](ctx, n, raft.ServerAddress(m.Peer), callPromise, q)
		cancel()
		if err != nil {
			return fmt.Errorf("%s: %w", m.Name, err)
		}
	}
	n.cfg.Log.Info("starting a cluster", "cluster", q.Cluster, "voters", len(nodes))
	return n.raft.BootstrapCluster(c).Error()
}

// promise answers a promiseRequest. A promise to a coordinator that is gone
// may be given anew: a cluster whose founder had no majority holds nothing.
func (n *Node) promise(q promiseRequest) (struct{}, error) {
	own := n.dir.Identity()
	switch {
	case len(n.servers()) > 0 || n.raft.LastIndex() > 0:
		return struct{}{}, errors.New("this node is of a cluster already")
	case own.Cluster == q.Cluster:
		return struct{}{}, nil
	case own.Cluster != "" && own.Coordinator != q.Coordinator && n.alive(own.Coordinator):
		return struct{}{}, fmt.Errorf("promised to %s", own.Coordinator)
	}
	return struct{}{}, n.dir.Adopt(q.Cluster, q.Coordinator)
}

// alive reports whether gossip sees the node.
func (n *Node) alive(id string) bool {
	return id == string(n.id) || slices.ContainsFunc(n.gossip.Peers(), func(p gossip.Peer) bool {
		return p.Alive && p.ID == id
	})
}
