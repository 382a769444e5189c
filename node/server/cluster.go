package server

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/resp"
)

// Cluster clients see one shard that owns all slots, with the leader as its
// master.
var clusterCommands = []local{
	{spec("CLUSTER", -2, fsm.Local|fsm.Container, "cluster", "Commands of Redis Cluster.", "3.0.0"), "", nil, nil},
	{spec("CLUSTER|COUNTKEYSINSLOT", 3, fsm.Local|fsm.Stale, "cluster", "Count the keys of a hash slot.", "3.0.0"), "slot", nil, clusterRead("SLOT|COUNT")},
	{spec("CLUSTER|GETKEYSINSLOT", 4, fsm.Local|fsm.Stale, "cluster", "List keys of a hash slot.", "3.0.0"), "slot count", nil, clusterRead("SLOT|KEYS")},
	{spec("CLUSTER|HELP", 2, forHelp, "cluster", "Show the subcommands.", "5.0.0"), "", nil, helpOf("CLUSTER")},
	{spec("CLUSTER|INFO", 2, fsm.Local|fsm.Stale, "cluster", "Describe the cluster.", "3.0.0"), "", nil, clusterInfo},
	{spec("CLUSTER|KEYSLOT", 3, fsm.Local|fsm.Stale, "cluster", "Get the hash slot of a key.", "3.0.0"), "key", nil, clusterKeySlot},
	{spec("CLUSTER|MYID", 2, fsm.Local|fsm.Stale, "cluster", "Get this node's ID.", "3.0.0"), "", nil, clusterMyID},
	{spec("CLUSTER|NODES", 2, fsm.Local|fsm.Stale, "cluster", "Describe the nodes, in lines.", "3.0.0"), "", nil, clusterNodes},
	{spec("CLUSTER|SHARDS", 2, fsm.Local|fsm.Stale, "cluster", "Describe the shard and its nodes.", "7.0.0"), "", nil, clusterShards},
	{spec("CLUSTER|SLOTS", 2, fsm.Local|fsm.Stale, "cluster", "Tell which nodes own the slots.", "3.0.0"), "", nil, clusterSlots},
	{spec("READONLY", 1, fsm.Local|fsm.Loading|fsm.Stale|fsm.Fast, "connection", "Accepted: every node answers reads.", "3.0.0"), "", nil, accepted},
	{spec("READWRITE", 1, fsm.Local|fsm.Loading|fsm.Stale|fsm.Fast, "connection", "Accepted, without effect.", "3.0.0"), "", nil, accepted},
	{spec("ASKING", 1, fsm.Local|fsm.Fast, "connection", "Accepted, without effect: slots do not move.", "3.0.0"), "", nil, accepted},
}

var errClusterDown = resp.Err("CLUSTERDOWN The cluster is down")

// NodeID returns what clients take for the ID of a node: 40 hexadecimal digits
// made from its raft ID.
func NodeID(raftID string) string {
	sum := sha1.Sum([]byte(raftID))
	return hex.EncodeToString(sum[:])
}

func accepted(*session, [][]byte) resp.Value { return resp.OK }

func clusterMyID(s *session, _ [][]byte) resp.Value {
	return resp.Str(NodeID(s.srv.opts.Backend.Status().ID))
}

func clusterKeySlot(_ *session, args [][]byte) resp.Value {
	return resp.Int(int64(fsm.SlotOf(string(args[2]))))
}

// clusterRead answers by an internal row, which takes what follows the
// subcommand.
func clusterRead(row string) func(*session, [][]byte) resp.Value {
	c := fsm.Lookup(row)
	return func(s *session, args [][]byte) resp.Value {
		req := fsm.Request{Command: c, Args: args[1:], DB: s.who.db}
		v, err := s.ask(req)
		s.fault = err
		return v
	}
}

// shard returns the nodes that clients can reach, the leader first.
func (s *session) shard() (nodes []Member, ok bool) {
	leader, ok := s.leading()
	if !ok {
		return nil, false
	}
	nodes = []Member{leader}
	for _, m := range s.members() {
		if m.ID != leader.ID && m.Redis != "" && m.Alive {
			nodes = append(nodes, m)
		}
	}
	return nodes, true
}

func clusterSlots(s *session, _ [][]byte) resp.Value {
	nodes, ok := s.shard()
	if !ok {
		return errClusterDown
	}
	slots := resp.List(resp.Int(0), resp.Int(fsm.Slots-1))
	for _, m := range nodes {
		host, port := splitAddr(m.Redis)
		slots.Elems = append(slots.Elems, resp.List(resp.Str(host), resp.Int(port), resp.Str(NodeID(m.ID)), resp.List()))
	}
	return resp.List(slots)
}

func clusterShards(s *session, _ [][]byte) resp.Value {
	nodes, ok := s.shard()
	if !ok {
		return errClusterDown
	}
	list, kind := resp.List(), "port"
	if s.srv.opts.TLS {
		kind = "tls-port"
	}
	for i, m := range nodes {
		host, port := splitAddr(m.Redis)
		role := "replica"
		if i == 0 {
			role = "master"
		}
		list.Elems = append(list.Elems, resp.Dict(
			resp.Str("id"), resp.Str(NodeID(m.ID)), resp.Str(kind), resp.Int(port),
			resp.Str("ip"), resp.Str(host), resp.Str("endpoint"), resp.Str(host),
			resp.Str("role"), resp.Str(role), resp.Str("replication-offset"), resp.Int(int64(m.Applied)),
			resp.Str("health"), resp.Str("online")))
	}
	return resp.List(resp.Dict(
		resp.Str("slots"), resp.List(resp.Int(0), resp.Int(fsm.Slots-1)),
		resp.Str("nodes"), list))
}

func clusterNodes(s *session, _ [][]byte) resp.Value {
	nodes, ok := s.shard()
	if !ok {
		return errClusterDown
	}
	self := s.srv.opts.Backend.Status().ID
	var b strings.Builder
	for i, m := range nodes {
		host, port := splitAddr(m.Redis)
		flags, master, slots := "slave", NodeID(nodes[0].ID), ""
		if i == 0 {
			flags, master, slots = "master", "-", fmt.Sprintf(" 0-%d", fsm.Slots-1)
		}
		if m.ID == self {
			flags = "myself," + flags
		}
		fmt.Fprintf(&b, "%s %s:%d@%d %s %s 0 0 %d connected%s\n", NodeID(m.ID), host, port, port+10000, flags, master, m.Term, slots)
	}
	return resp.Text(b.String())
}

func clusterInfo(s *session, _ [][]byte) resp.Value {
	_, ok := s.leading()
	state := "ok"
	if !ok {
		state = "fail"
	}
	status := s.srv.opts.Backend.Status()
	return resp.Text(strings.Join([]string{
		"cluster_enabled:1", "cluster_state:" + state, "cluster_slots_assigned:16384", "cluster_slots_ok:16384",
		"cluster_slots_pfail:0", "cluster_slots_fail:0", fmt.Sprintf("cluster_known_nodes:%d", status.Peers+1),
		"cluster_size:1", fmt.Sprintf("cluster_current_epoch:%d", status.Term), fmt.Sprintf("cluster_my_epoch:%d", status.Term), "",
	}, "\r\n"))
}
