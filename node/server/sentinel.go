package server

import (
	"context"
	"fmt"
	"strconv"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/resp"
)

// MasterName is what SENTINEL MASTERS calls the cluster. Every other name that
// a client asks for means it too.
const MasterName = "mymaster"

const ofSentinel = fsm.Local | fsm.Loading | fsm.Stale | fsm.Alias

// Every node answers as one of Redis's Sentinels would: the leader is the
// master, the others are its replicas, and all nodes are sentinels.
var sentinelCommands = []local{
	{spec("SENTINEL", -2, fsm.Local|fsm.Container|fsm.Alias, "sentinel", "Commands of Redis Sentinel.", "2.8.4"), "", nil, nil},
	{spec("SENTINEL|CKQUORUM", 3, ofSentinel, "sentinel", "Tell whether enough nodes answer to elect a leader.", "2.8.4"), "master-name", nil, sentinelQuorum},
	{spec("SENTINEL|GET-MASTER-ADDR-BY-NAME", 3, ofSentinel, "sentinel", "Get the leader's address.", "2.8.4"), "master-name", nil, sentinelAddr},
	{spec("SENTINEL|HELP", 2, forHelp|fsm.Alias, "sentinel", "Show the subcommands.", "2.8.4"), "", nil, helpOf("SENTINEL")},
	{spec("SENTINEL|MASTER", 3, ofSentinel, "sentinel", "Describe the leader.", "2.8.4"), "master-name", nil, sentinelMaster},
	{spec("SENTINEL|MASTERS", 2, ofSentinel, "sentinel", "Describe the leader, in a list.", "2.8.4"), "", nil, sentinelMasters},
	{spec("SENTINEL|MYID", 2, ofSentinel, "sentinel", "Get this node's ID.", "6.2.0"), "", nil, clusterMyID},
	{spec("SENTINEL|REPLICAS", 3, ofSentinel, "sentinel", "Describe the other nodes as replicas.", "5.0.0"), "master-name", nil, sentinelReplicas},
	{spec("SENTINEL|SENTINELS", 3, ofSentinel, "sentinel", "Describe the other nodes as sentinels.", "2.8.4"), "master-name", nil, sentinelSentinels},
	{spec("SENTINEL|SLAVES", 3, ofSentinel, "sentinel", "Describe the other nodes as replicas; the old name of REPLICAS.", "2.8.0"), "master-name", nil, sentinelReplicas},
}

// leading returns the leader where there is one within a moment.
func (s *session) leading() (Member, bool) {
	ctx, cancel := context.WithTimeout(s.ctx, membersTime)
	defer cancel()
	m, err := s.srv.opts.Backend.Leader(ctx)
	return m, err == nil && m.Redis != ""
}

func sentinelAddr(s *session, _ [][]byte) resp.Value {
	m, ok := s.leading()
	if !ok {
		return resp.Value{Kind: resp.NullArray}
	}
	host, _ := splitAddr(m.Redis)
	return resp.Strs(host, portOf(m.Redis))
}

func sentinelQuorum(s *session, _ [][]byte) resp.Value {
	voters, alive := 0, 0
	for _, m := range s.members() {
		if m.Voter {
			voters++
			if m.Alive {
				alive++
			}
		}
	}
	if alive <= voters/2 {
		return resp.Err(fmt.Sprintf("NOQUORUM %d usable Sentinels. Not enough available Sentinels to reach the specified quorum for this master", alive))
	}
	return resp.Status(fmt.Sprintf("OK %d usable Sentinels. Quorum and failover authorization can be reached", alive))
}

func sentinelMaster(s *session, _ [][]byte) resp.Value {
	members := s.members()
	m, ok := s.leading()
	flags := "master"
	if !ok { // clients take this for what it is: wait and ask again
		flags = "master,s_down,o_down"
		m = s.srv.opts.Backend.Status().Member
	}
	others := strconv.Itoa(max(0, len(members)-1))
	return describe(MasterName, m, flags,
		"role-reported", "master", "config-epoch", strconv.FormatUint(m.Term, 10), "num-slaves", others,
		"num-other-sentinels", others, "quorum", strconv.Itoa(len(members)/2+1),
		"failover-timeout", "180000", "parallel-syncs", "1")
}

func sentinelMasters(s *session, args [][]byte) resp.Value {
	return resp.List(sentinelMaster(s, args))
}

func sentinelReplicas(s *session, _ [][]byte) resp.Value {
	leader, _ := s.leading()
	host, _ := splitAddr(leader.Redis)
	list := resp.List()
	for _, m := range s.members() {
		if m.Redis == "" || m.ID == leader.ID {
			continue
		}
		flags, link := "slave", "ok"
		if !m.Alive {
			flags, link = "slave,s_down,disconnected", "err"
		}
		list.Elems = append(list.Elems, describe(m.Redis, m, flags,
			"role-reported", "slave", "master-link-status", link, "master-host", host,
			"master-port", portOf(leader.Redis), "slave-priority", "100",
			"slave-repl-offset", strconv.FormatUint(m.Applied, 10)))
	}
	return list
}

func sentinelSentinels(s *session, _ [][]byte) resp.Value {
	self := s.srv.opts.Backend.Status().ID
	list := resp.List()
	for _, m := range s.members() {
		if m.Redis == "" || m.ID == self {
			continue
		}
		flags := "sentinel"
		if !m.Alive {
			flags = "sentinel,s_down,disconnected"
		}
		list.Elems = append(list.Elems, describe(NodeID(m.ID), m, flags,
			"last-hello-message", "0", "voted-leader", "?", "voted-leader-epoch", "0"))
	}
	return list
}

// describe makes the map by which a Sentinel describes an instance.
func describe(name string, m Member, flags string, more ...string) resp.Value {
	host, _ := splitAddr(m.Redis)
	fields := append([]string{
		"name", name, "ip", host, "port", portOf(m.Redis), "runid", NodeID(m.ID), "flags", flags,
		"link-pending-commands", "0", "link-refcount", "1", "last-ping-sent", "0",
		"last-ok-ping-reply", "0", "last-ping-reply", "0", "down-after-milliseconds", "1000",
		"info-refresh", "0", "role-reported-time", "0",
	}, more...)
	v := resp.Strs(fields...)
	v.Kind = resp.Map
	return v
}

// SwitchMaster tells subscribers that the leadership went from one node to
// another, as Sentinels do. The name without the plus sign is for clients that
// listen to that.
func (s *Server) SwitchMaster(from, to Member) {
	fromHost, _ := splitAddr(from.Redis)
	toHost, _ := splitAddr(to.Redis)
	text := fmt.Sprintf("%s %s %s %s %s", MasterName, fromHost, portOf(from.Redis), toHost, portOf(to.Redis))
	s.Deliver([]fsm.Message{{Channel: "+switch-master", Text: text}, {Channel: "switch-master", Text: text}})
}

// Rediscover closes each connection once what was read from it is answered, so
// that clients look for the leader again.
func (s *Server) Rediscover() { s.conns.end() }
