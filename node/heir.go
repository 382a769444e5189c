package node

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/raft"
)

// heirPause is by how much later the next voter stands for election, where
// several see the leader's process die: two candidates could split the vote.
const heirPause = 100 * time.Millisecond

// succeed has this node stand for election as soon as the process of the leader
// has died. The heartbeats that do not come would tell only after a timeout.
func (n *Node) succeed() {
	ctx, cancel := n.untilStop()
	defer cancel()
	for ctx.Err() == nil {
		old, _, err := n.leaders.await(ctx)
		if err != nil {
			return
		}
		// Who stands in vain ends the reign, for it raises the term. The death is
		// news to the others all the same, until there is another leader.
		under, cancel := context.WithCancel(ctx)
		go func() {
			n.leaders.outlast(ctx, old)
			cancel()
		}()
		for old.id != n.id && under.Err() == nil {
			if term, died := n.outlives(under, old); died {
				n.stand(under, old, term)
			}
		}
		<-under.Done()
	}
}

// outlives returns once the leader's process has died, with the term in which it
// led, or when ctx ends. A connection that breaks is no proof of a death, nor is a
// network that is cut: where the leader was reached before, connections must be
// refused now, which its kernel does, not its process.
func (n *Node) outlives(ctx context.Context, old leader) (term uint64, died bool) {
	for ; ctx.Err() == nil; pause(ctx, retryPause) {
		now, err := n.askTerm(ctx, raft.Server{ID: old.id, Address: old.addr})
		switch {
		case err == nil:
			term = now
			n.mux.Link(string(old.addr)).Call(ctx, []byte{callStay}) // until the connection breaks
		case term > 0 && errors.Is(err, syscall.ECONNREFUSED):
			return term, true
		}
	}
	return 0, false
}

// stand makes this node a candidate that the others vote for although they, too,
// had a leader until now: what a leader that hands over asks of its successor.
// Raft's rules for votes are not touched. A term that is not the old leader's is
// another candidate's, who first gets the time to win.
func (n *Node) stand(ctx context.Context, old leader, term uint64) {
	rank := n.rank(ctx, old)
	if rank < 0 {
		return
	}
	for wait := rank; ; wait = 1 {
		if pause(ctx, time.Duration(wait)*heirPause) != nil {
			return
		}
		now := n.raft.CurrentTerm()
		if now == term {
			break
		}
		term = now
	}
	n.cfg.Log.Warn("the leader's process has died; standing for election", "leader", old.id)
	self := raft.ServerAddress(n.addresses.peer)
	err := n.trans.TimeoutNow(n.id, self, &raft.TimeoutNowRequest{RPCHeader: raft.RPCHeader{
		ProtocolVersion: raft.ProtocolVersionMax, ID: []byte(n.id), Addr: n.trans.EncodePeer(n.id, self),
	}}, &raft.TimeoutNowResponse{})
	if err != nil {
		n.cfg.Log.Error("cannot stand for election before the heartbeat timeout", "err", err)
	}
}

// rank returns how many voters that answer should stand before this one: those
// with a longer log, since the others would refuse who lacks entries. It is
// negative for a node that is no voter.
func (n *Node) rank(ctx context.Context, old leader) int {
	own := n.self()
	if !own.Voter {
		return -1
	}
	ctx, cancel := context.WithTimeout(ctx, heirPause)
	defer cancel()
	var before atomic.Int32
	var asked sync.WaitGroup
	for _, s := range n.servers() {
		if s.Suffrage != raft.Voter || s.ID == old.id || s.ID == n.id {
			continue
		}
		asked.Go(func() {
			other, err := n.hello(ctx, s.ID, s.Address)
			if err == nil && cmp.Or(cmp.Compare(own.LastTerm, other.LastTerm), cmp.Compare(own.LastIndex, other.LastIndex), cmp.Compare(other.ID, own.ID)) < 0 {
				before.Add(1)
			}
		})
	}
	asked.Wait()
	return int(before.Load())
}
