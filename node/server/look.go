package server

import (
	"cmp"
	"net"

	"github.com/trivetdb/trivet/fsm/acl"
)

// A Sight is what somebody who asks by HTTP may see.
type Sight uint8

// What Look returns.
const (
	Seen      Sight = iota
	Unknown         // another user and password are needed
	Forbidden       // the user may not, or protected mode is in the way
)

// Look reports whether somebody may see what RAFT STATUS shows: a user who may run
// that. Given says that there are a user and a password; without them it is the
// default user, as long as that one needs no password.
func (s *Server) Look(from net.Addr, user, password string, given bool) Sight {
	name := acl.Default
	if given {
		name = cmp.Or(user, acl.Default)
	}
	u := s.people.get().Get(name)
	switch {
	case given && (u == nil || !u.Admits(acl.Hash([]byte(password)))):
		s.denials.add(acl.Refusal{User: name, Reason: acl.DeniedAuth, Object: "/status"}, "toplevel", "addr="+from.String(), s.limits.denied.Load())
		return Unknown
	case !given && (u == nil || !u.Open()):
		return Unknown
	case name == acl.Default && (s.protects(from) || !given && fromAfar(from) && !s.people.settled.Load()):
		return Forbidden // a node that has just started may not know of the password yet
	case u.Everything():
		return Seen
	}
	r := s.table.findPath([]byte("RAFT|STATUS"))
	if why, _ := u.Check(r.CallOf([][]byte{[]byte("RAFT"), []byte("STATUS")}, r.cats)); why != acl.Allowed {
		return Forbidden
	}
	return Seen
}
