package node

import (
	"context"
	"errors"
	"slices"
	"strings"
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
		old, reign, err := n.leaders.await(ctx)
		if err != nil {
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		stop := context.AfterFunc(reign, cancel)
		if old.id != n.id && n.outlives(ctx, old) {
			n.stand(ctx, old)
		}
		<-ctx.Done()
		stop()
		cancel()
	}
}

// outlives returns true once the leader's process has died, and false when ctx
// ends. A connection that breaks is no proof of that, nor is a network that is
// cut: where the leader was reached before, connections must be refused now,
// which its kernel does, not its process.
func (n *Node) outlives(ctx context.Context, old leader) bool {
	for reached := false; ctx.Err() == nil; pause(ctx, retryPause) {
		_, err := n.askTerm(ctx, raft.Server{ID: old.id, Address: old.addr})
		switch {
		case err == nil:
			reached = true
			n.mux.Link(string(old.addr)).Call(ctx, []byte{callStay}) // until the connection breaks
		case reached && errors.Is(err, syscall.ECONNREFUSED):
			return true
		}
	}
	return false
}

// stand makes this node a candidate that the others vote for although they, too,
// had a leader until now: what a leader that hands over asks of its successor.
// Raft's rules for votes are not touched, so a node that lacks entries loses,
// and the next one stands. ctx is the old leader's reign.
func (n *Node) stand(ctx context.Context, old leader) {
	var heirs []string
	for _, s := range n.servers() {
		if s.Suffrage == raft.Voter && s.ID != old.id {
			heirs = append(heirs, string(s.ID))
		}
	}
	slices.SortFunc(heirs, strings.Compare)
	rank := slices.Index(heirs, string(n.id))
	if rank < 0 || pause(ctx, time.Duration(rank)*heirPause) != nil {
		return
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
