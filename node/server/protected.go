package server

import (
	"net"

	"github.com/trivetdb/trivet/fsm/acl"
	"github.com/trivetdb/trivet/resp"
)

// errProtected is Redis's, word for word.
var errProtected = resp.Err("DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the default user. " +
	"In this mode connections are only accepted from the loopback interface. " +
	"If you want to connect from external computers to Redis you may adopt one of the following solutions: " +
	"1) Just disable protected mode sending the command 'CONFIG SET protected-mode no' from the loopback interface by connecting to Redis from the same host the server is running, " +
	"however MAKE SURE Redis is not publicly accessible from internet if you do so. Use CONFIG REWRITE to make this change permanent. " +
	"2) Alternatively you can just disable the protected mode by editing the Redis configuration file, and setting the protected mode option to 'no', and then restarting the server. " +
	"3) If you started the server manually just for testing, restart it with the '--protected-mode no' option. " +
	"4) Set up an authentication password for the default user. " +
	"NOTE: You only need to do one of the above things in order for the server to start accepting connections from the outside.")

// protectedMode reports whether clients from other machines are refused as long as
// the default user needs no password.
func (s *Server) protectedMode() bool {
	if value, ok := s.settings.Load().Get("protected-mode"); ok {
		return value == "yes"
	}
	return !s.opts.Unprotected
}

// fromAfar reports whether an address is on another machine, as far as it tells.
func fromAfar(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && !tcp.IP.IsLoopback()
}

// protects reports whether protected mode keeps clients out that come from addr.
func (s *Server) protects(addr net.Addr) bool {
	if !fromAfar(addr) || !s.protectedMode() {
		return false
	}
	u := s.people.get().Get(acl.Default)
	return u != nil && u.Open()
}

// protection returns the error for a client that protected mode keeps out. A node
// that has just started may not know of a password that was set since its last
// snapshot, so it first learns what the others know.
func (s *session) protection() resp.Value {
	addr := s.conn.RemoteAddr()
	if !s.srv.protects(addr) {
		return resp.Nil
	}
	if s.srv.Settle(s.ctx) != nil {
		return errLoading
	}
	if s.srv.protects(addr) {
		return errProtected
	}
	return resp.Nil
}

func yesOrNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}
