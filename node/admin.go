package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"

	"github.com/trivetdb/trivet/node/store"
)

// An adminRequest asks the leader to change the cluster.
type adminRequest struct {
	Do   string // remove, promote or transfer
	Name string
}

// Remove implements server.Backend.
func (n *Node) Remove(ctx context.Context, name string) error {
	return n.ask(ctx, adminRequest{"remove", name})
}

// Promote implements server.Backend.
func (n *Node) Promote(ctx context.Context, name string) error {
	return n.ask(ctx, adminRequest{"promote", name})
}

// Transfer implements server.Backend.
func (n *Node) Transfer(ctx context.Context, name string) error {
	return n.ask(ctx, adminRequest{"transfer", name})
}

// errNotLeader asks the caller to look for the leader once more.
const errNotLeader = "this node does not lead"

// ask has the leader do something, and follows it where it changes meanwhile.
func (n *Node) ask(ctx context.Context, q adminRequest) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		to, _, err := n.leaders.await(ctx)
		if err != nil {
			return err
		}
		if to.id == n.id {
			_, err = n.administer(q)
		} else {
			_, err = callJSON[struct{}](ctx, n, to.addr, callAdmin, q)
		}
		if err == nil || err.Error() != errNotLeader {
			return err
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
}

// administer does on the leader what an adminRequest asks for.
func (n *Node) administer(q adminRequest) (struct{}, error) {
	err := errors.New(errNotLeader)
	if n.raft.State() == raft.Leader {
		err = n.change(q)
	}
	if errors.Is(err, raft.ErrNotLeader) || errors.Is(err, raft.ErrLeadershipTransferInProgress) { // since then
		err = errors.New(errNotLeader)
	}
	return struct{}{}, err
}

func (n *Node) change(q adminRequest) error {
	if q.Do == "transfer" && q.Name == "" {
		return n.raft.LeadershipTransfer().Error()
	}
	s, err := n.find(q.Name)
	if err != nil {
		return err
	}
	switch q.Do {
	case "transfer":
		if s.ID == n.id {
			return nil
		}
		return n.raft.LeadershipTransferToServer(s.ID, s.Address).Error()
	case "promote":
		return promoter{n.raft, n}.AddVoter(s.ID, s.Address, 0, 0).Error()
	case "remove":
		return n.remove(s)
	}
	return fmt.Errorf("unknown request %q", q.Do)
}

func (n *Node) find(name string) (raft.Server, error) {
	for _, s := range n.servers() {
		if own, _, _ := store.ParseRaftID(s.ID); own == name || string(s.ID) == name {
			return s, nil
		}
	}
	return raft.Server{}, fmt.Errorf("no member is called %q", name)
}

// remove takes a member out, unless too few voters that answer would be left.
// A leader that is to go hands over first, and lets its successor do it.
func (n *Node) remove(target raft.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	voters, alive := 0, 0
	for _, m := range n.Members(ctx) {
		if m.Voter && m.ID != string(target.ID) {
			voters++
			if m.Alive {
				alive++
			}
		}
	}
	if alive < voters/2+1 {
		return fmt.Errorf("only %d of the %d voters left would answer, too few for a quorum", alive, voters)
	}
	if target.ID == n.id {
		if err := n.raft.LeadershipTransfer().Error(); err != nil {
			return err
		}
		return errors.New(errNotLeader)
	}
	if err := n.drop(target.ID); err != nil {
		return err
	}
	ctx, cancel = context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if _, err := callJSON[struct{}](ctx, n, target.Address, callRemoved, removal{target.ID}); err != nil {
		n.cfg.Log.Info("the removed node did not answer: it joins again as soon as it can", "peer", target.ID, "err", err)
	}
	return nil
}

// A removal tells a running node that an operator took it out. The log entry
// does not say by whom, and raft may stop before that node has the entry.
type removal struct{ ID raft.ServerID }

// wasRemoved hears of a removal.
func (n *Node) wasRemoved(q removal) (struct{}, error) {
	if q.ID != n.id || !n.joined.Load() {
		return struct{}{}, fmt.Errorf("this is %s, which started after that", n.id)
	}
	n.cfg.Log.Warn("this node was removed from the cluster; start it again to join again")
	n.removed.Store(true)
	return struct{}{}, nil
}
