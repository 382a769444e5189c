package server

import (
	"context"
	"encoding/json"
	"net"
	"strconv"
	"time"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/resp"
)

const ofRaft = fsm.Local | fsm.Admin | fsm.NoScript | fsm.Loading | fsm.Stale | fsm.Alias

var raftCommands = []local{
	{spec("RAFT", -2, fsm.Local|fsm.Container|fsm.Admin|fsm.Alias, "cluster", "Commands about the cluster.", "7.2.0"), "", nil, nil},
	{spec("RAFT|BACKUP", 2, ofRaft|fsm.NoMulti, "cluster", "Get all that the cluster holds, as `trivet backup` stores it: bulk strings, then their bytes and SHA-256.", "7.2.0"), "", nil, raftBackup},
	{spec("RAFT|DIGEST", 2, ofRaft, "cluster", "Get the index of this node's state and a digest of its bytes, to compare nodes by.", "7.2.0"), "", nil, raftDigest},
	{spec("RAFT|HELP", 2, forHelp|fsm.Alias, "cluster", "Show the subcommands.", "7.2.0"), "", nil, helpOf("RAFT")},
	{spec("RAFT|PROMOTE", 3, ofRaft, "cluster", "Make a voter of a member that is none.", "7.2.0"), "name", nil, raftPromote},
	{spec("RAFT|REMOVE", 3, ofRaft, "cluster", "Take a member out of the cluster.", "7.2.0"), "name", nil, raftRemove},
	{spec("RAFT|RESTORE", -3, ofRaft|fsm.NoMulti|fsm.SkipMonitor|fsm.SkipSlowlog, "cluster", "Replace all that the cluster holds by a backup, sent in parts; see `trivet restore`.", "7.2.0"), "BEGIN [FORCE] | DATA bytes | END", nil, raftRestore},
	{spec("RAFT|STATUS", 2, ofRaft, "cluster", "Describe this node and all members, as JSON.", "7.2.0"), "", nil, raftStatus},
	{spec("RAFT|TRANSFER", -2, ofRaft, "cluster", "Hand the leadership to a member, or to the most current one.", "7.2.0"), "[name]", nil, raftTransfer},
	{spec("ROLE", 1, fsm.Local|fsm.NoScript|fsm.Loading|fsm.Stale|fsm.Fast, "server", "Get this node's role in replication.", "2.8.12"), "", []string{"@admin", "@dangerous"}, role},
}

// membersTime bounds how long members are waited for where a client waits.
const membersTime = 2 * time.Second

// A ClusterStatus is what RAFT STATUS answers, as JSON.
type ClusterStatus struct {
	Node    Status   `json:"node"`    // that was asked
	Members []Member `json:"members"` // all, that one included
}

func (s *session) members() []Member {
	ctx, cancel := context.WithTimeout(s.ctx, membersTime)
	defer cancel()
	return s.srv.opts.Backend.Members(ctx)
}

func raftStatus(s *session, _ [][]byte) resp.Value {
	text, err := json.Marshal(ClusterStatus{Node: s.srv.opts.Backend.Status(), Members: s.members()})
	if err != nil {
		return resp.Err("ERR " + err.Error())
	}
	return resp.Str(string(text))
}

func raftDigest(s *session, _ [][]byte) resp.Value {
	index, digest, err := s.srv.opts.Backend.Digest()
	if err != nil {
		return resp.Err("ERR " + err.Error())
	}
	return resp.Str(strconv.FormatUint(index, 10) + " " + digest)
}

func done(err error) resp.Value {
	if err != nil {
		return resp.Err("ERR " + err.Error())
	}
	return resp.OK
}

func raftRemove(s *session, args [][]byte) resp.Value {
	return done(s.srv.opts.Backend.Remove(s.ctx, string(args[2])))
}

func raftPromote(s *session, args [][]byte) resp.Value {
	return done(s.srv.opts.Backend.Promote(s.ctx, string(args[2])))
}

func raftTransfer(s *session, args [][]byte) resp.Value {
	name := ""
	switch {
	case len(args) > 3:
		return errSyntax
	case len(args) == 3:
		name = string(args[2])
	}
	return done(s.srv.opts.Backend.Transfer(s.ctx, name))
}

// role answers ROLE: the leader is Redis's master, all others are its replicas.
func role(s *session, _ [][]byte) resp.Value {
	status := s.srv.opts.Backend.Status()
	offset := int64(status.Applied)
	if !s.srv.opts.Backend.Leads() {
		host, port := splitAddr(status.LeaderRedis)
		link := "connected"
		if status.LeaderID == "" {
			link = "connecting"
		}
		return resp.List(resp.Str("slave"), resp.Str(host), resp.Int(port), resp.Str(link), resp.Int(offset))
	}
	replicas := resp.List()
	for _, m := range s.members() {
		if m.ID == status.ID || m.Redis == "" {
			continue
		}
		host, _ := splitAddr(m.Redis)
		replicas.Elems = append(replicas.Elems, resp.Strs(host, portOf(m.Redis), strconv.FormatUint(m.Applied, 10)))
	}
	return resp.List(resp.Str("master"), resp.Int(offset), replicas)
}

// splitAddr returns the parts of host:port, "" and 0 where it is none.
func splitAddr(addr string) (host string, port int64) {
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0
	}
	port, _ = strconv.ParseInt(text, 10, 32)
	return host, port
}

func portOf(addr string) string {
	_, port := splitAddr(addr)
	return strconv.FormatInt(port, 10)
}
