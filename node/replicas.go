package node

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"github.com/trivetdb/trivet/node/server"
)

// Followers implements server.Operator. Raft does not tell how much of the log
// each follower holds, so they are asked what they have applied.
func (n *Node) Followers(ctx context.Context, index uint64, enough int) int {
	holds := map[raft.ServerID]bool{}
	for wait := 2 * time.Millisecond; ; wait = min(2*wait, 100*time.Millisecond) {
		servers := n.servers()
		voters := 0
		for _, s := range servers {
			if s.Suffrage == raft.Voter {
				voters++
			}
		}
		sure := voters / 2 // a majority holds what was acknowledged, one of it the leader
		if index == 0 {
			sure = max(0, len(servers)-1)
		}
		if enough <= sure || ctx.Err() != nil {
			return sure
		}
		count := 0
		n.askApplied(ctx, servers, index, holds)
		to, _ := n.leaders.get()
		for _, s := range servers {
			if holds[s.ID] && s.ID != to.id {
				count++
			}
		}
		count = max(sure, min(count, len(servers)-1))
		if count >= enough || pause(ctx, wait) != nil {
			return count
		}
	}
}

// askApplied notes which members have applied the entry at index.
func (n *Node) askApplied(ctx context.Context, servers []raft.Server, index uint64, holds map[raft.ServerID]bool) {
	var mu sync.Mutex
	var wait sync.WaitGroup
	for _, s := range servers {
		mu.Lock()
		known := holds[s.ID]
		mu.Unlock()
		if known {
			continue
		}
		wait.Go(func() {
			if n.appliedBy(ctx, s) >= index {
				mu.Lock()
				defer mu.Unlock()
				holds[s.ID] = true
			}
		})
	}
	wait.Wait()
}

// appliedBy returns how far a member is, 0 where it does not answer. That says
// nothing of its health, as ctx may end at any time.
func (n *Node) appliedBy(ctx context.Context, s raft.Server) uint64 {
	if s.ID == n.id {
		return n.machine.applied.load()
	}
	ctx, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
	defer cancel()
	h, err := callJSON[hello](ctx, n, s.Address, callHello, struct{}{})
	if err != nil || h.ID != string(s.ID) {
		return 0
	}
	return h.Applied
}

// heardWithin is how long ago a member may have answered that counts as
// connected. A leader asks all twice a second.
const heardWithin = 3 * time.Second

// Replicas implements server.Operator.
func (n *Node) Replicas() []server.Member {
	servers := n.servers()
	n.known.mu.Lock()
	defer n.known.mu.Unlock()
	var members []server.Member
	for _, s := range servers {
		if m, ok := n.known.last[s.ID]; ok && s.ID != n.id && time.Since(n.known.heard[s.ID]) < heardWithin {
			members = append(members, m)
		}
	}
	return members
}

// Save implements server.Operator.
func (n *Node) Save(context.Context) error {
	err := n.snapshot(n.snapshotLimit())
	if errors.Is(err, raft.ErrNothingNewToSnapshot) {
		return nil
	}
	return err
}

// savedAt returns when a snapshot was taken, in Unix seconds, from the name that
// raft gave it; 0 where it does not tell.
func savedAt(id string) int64 {
	milliseconds, _ := strconv.ParseInt(id[strings.LastIndexByte(id, '-')+1:], 10, 64)
	return milliseconds / 1000
}

// Stop implements server.Operator.
func (n *Node) Stop() {
	select {
	case n.asked <- struct{}{}:
	default:
	}
}

// Asked delivers when a client wants the node to stop; the caller should Close
// it and end the process.
func (n *Node) Asked() <-chan struct{} { return n.asked }
