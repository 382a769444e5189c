package node

import (
	"context"
	"io"
	"net"
	"strings"
	"time"

	"github.com/hashicorp/raft"

	"github.com/trivetdb/trivet/transport"
)

// identified is raft's transport for messages that reach the member they are for,
// or none. Raft itself sends to an address, and would take an answer of whoever
// is there: a voter that lost its disk would vote again, as the new node that it is.
type identified struct {
	*raft.NetworkTransport
	committable func(uint64) uint64 // see store.Dir.Committable
}

// at is an address that says who must be there; see streamLayer.Dial.
func at(id raft.ServerID, addr raft.ServerAddress) raft.ServerAddress {
	return raft.ServerAddress(id) + "@" + addr
}

// AppendEntries implements raft.Transport.
func (t identified) AppendEntries(id raft.ServerID, addr raft.ServerAddress, req *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	told := *req
	told.LeaderCommitIndex = t.committable(req.LeaderCommitIndex)
	return t.NetworkTransport.AppendEntries(id, at(id, addr), &told, resp)
}

// AppendEntriesPipeline implements raft.Transport. In raft v1.7.3 a follower that
// refuses an entry can leave the pipeline stuck, and then gets nothing more while
// the leader leads, and the leader cannot shut down. One entry is in flight anyway.
func (t identified) AppendEntriesPipeline(raft.ServerID, raft.ServerAddress) (raft.AppendPipeline, error) {
	return nil, raft.ErrPipelineReplicationNotSupported
}

// RequestVote implements raft.Transport.
func (t identified) RequestVote(id raft.ServerID, addr raft.ServerAddress, req *raft.RequestVoteRequest, resp *raft.RequestVoteResponse) error {
	return t.NetworkTransport.RequestVote(id, at(id, addr), req, resp)
}

// RequestPreVote implements raft.WithPreVote.
func (t identified) RequestPreVote(id raft.ServerID, addr raft.ServerAddress, req *raft.RequestPreVoteRequest, resp *raft.RequestPreVoteResponse) error {
	return t.NetworkTransport.RequestPreVote(id, at(id, addr), req, resp)
}

// InstallSnapshot implements raft.Transport.
func (t identified) InstallSnapshot(id raft.ServerID, addr raft.ServerAddress, req *raft.InstallSnapshotRequest, resp *raft.InstallSnapshotResponse, data io.Reader) error {
	return t.NetworkTransport.InstallSnapshot(id, at(id, addr), req, resp, data)
}

// TimeoutNow implements raft.Transport.
func (t identified) TimeoutNow(id raft.ServerID, addr raft.ServerAddress, req *raft.TimeoutNowRequest, resp *raft.TimeoutNowResponse) error {
	return t.NetworkTransport.TimeoutNow(id, at(id, addr), req, resp)
}

// streamLayer gives raft its connections. It implements raft.StreamLayer.
type streamLayer struct {
	net.Listener
	mux  *transport.Mux
	self peerAddr
}

// Dial implements raft.StreamLayer for addresses that say who must be there. Names
// are resolved at each dial, so a pod that came back with a new address is found.
func (s streamLayer) Dial(target raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	node, addr, _ := strings.Cut(string(target), "@")
	return s.mux.DialRaft(ctx, addr, node)
}

// Addr implements net.Listener with the address that other nodes know.
func (s streamLayer) Addr() net.Addr { return s.self }

type peerAddr string

func (peerAddr) Network() string  { return "tcp" }
func (a peerAddr) String() string { return string(a) }
