package server

import "github.com/trivetdb/trivet/fsm"

// A route says where a command runs.
type route uint8

const (
	toNode  route = iota // answered by the session or the node
	toState              // read from this node's state
	toLog                // goes through the log
	toOther              // the client is sent to the leader
	toQueue              // as one of the two before, when there is something; waits until then
)

// routeOf decides where a command with these flags runs. Away says that this
// node is a follower and sends clients to the leader instead of forwarding. What
// only goes through the log to reach all nodes is forwarded even so: Redis's
// replicas take PUBLISH and SCRIPT LOAD, and Cluster clients send the latter to
// every node.
func routeOf(f fsm.Flag, away bool) route {
	switch {
	case f&fsm.Local != 0:
		return toNode
	case f&fsm.Read != 0:
		return toState
	case away && f&(fsm.Logged|fsm.MovableKeys) != fsm.Logged:
		return toOther
	}
	return toLog
}

// away reports whether writes are to be answered with the leader's address.
func (s *Server) away() bool { return s.opts.Redirect && !s.opts.Backend.Leads() }

// leader returns the leader's address for clients of this session's kind, or ""
// where there is nowhere to send them.
func (s *session) leader() (string, error) {
	m, err := s.srv.opts.Backend.Leader(s.ctx)
	switch {
	case err != nil:
		return "", err
	case !s.srv.away(): // this node has been elected meanwhile
		return "", nil
	case s.classic:
		return m.Classic, nil
	}
	return m.Redis, nil
}
