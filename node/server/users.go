package server

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/fsm/acl"
	"github.com/trivetdb/trivet/resp"
)

// people are the users as this node knows them.
//
// The password of the configuration is that of the default user for as long as
// no ACL SETUSER has spoken of that user's passwords. The first that does so
// finds it there, as in a Redis with requirepass: another password may be added,
// or this one taken away. From then on the replicated passwords count, on all
// nodes, and the configuration's does not any more.
type people struct {
	password string // hash of the configuration's; "" for none
	now      atomic.Pointer[acl.Users]
	// settled says that this node has held, since its start, all that the leader
	// had. Before that, its users may be those of long ago, or of no cluster yet.
	settled atomic.Bool
}

func (p *people) get() *acl.Users { return p.now.Load() }

// SetUsers tells the server of the users. The node calls it whenever they have
// changed, before anybody may be told so. Connections are closed of users who
// were deleted, though others may have their names by now, and of those who
// listen to what they may not any more.
func (s *Server) SetUsers(users *acl.Users, deleted []string) {
	if s.people.password != "" {
		users = users.WithPassword(s.people.password)
	}
	old := s.people.now.Swap(users)
	if old == nil {
		return
	}
	settled := s.people.settled.Load()
	for _, se := range s.conns.list() {
		if slices.Contains(deleted, se.userName()) {
			se.retire()
			continue
		}
		se.reconsider(old, users, settled)
	}
	s.hub.reconsider(users)
}

// Settle waits until this node knows the users as all others do.
func (s *Server) Settle(ctx context.Context) error {
	if s.people.settled.Load() {
		return nil
	}
	if err := s.opts.Backend.Settle(ctx); err != nil {
		return err
	}
	s.people.settled.Store(true)
	return nil
}

// Refused takes down what scripts of this node's clients were denied.
func (s *Server) Refused(refused []acl.Refusal) {
	for _, r := range refused {
		s.denials.add(r, "lua", "", s.limits.denied.Load())
	}
}

// reconsider closes the connection of a user who is gone. As long as this node
// catches up, it also closes those that came in by passwords of long ago.
func (s *session) reconsider(old, users *acl.Users, settled bool) {
	s.who.mu.Lock()
	name, authed := s.who.user, s.who.authed
	s.who.mu.Unlock()
	was, is := old.Get(name), users.Get(name)
	switch {
	case was == is:
	case is == nil, !settled && authed && !is.SameCredentials(was):
		s.retire()
	}
}

// reconsider closes the connections that listen to what their users may not.
func (h *hub) reconsider(users *acl.Users) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for t := range h.names {
		for name, listeners := range h.names[t] {
			for se := range listeners {
				if u := users.Get(se.userName()); u != nil && !u.HasChannel(name, topic(t) == ofPattern) {
					se.retire()
				}
			}
		}
	}
}

// retire ends the session, once it is answered where it has asked for the change
// itself.
func (s *session) retire() {
	if s.changing.Load() {
		s.retired.Store(true)
		return
	}
	s.cancel()
	go s.conn.Close() // which nobody who applies entries should wait for
}

// admit lets a client in that has not said who it is, where that is allowed.
func (s *session) admit() bool {
	if u := s.srv.people.get().Get(acl.Default); u == nil || !u.Open() || s.srv.protects(s.conn.RemoteAddr()) {
		return false
	}
	s.trust(true)
	return true
}

// authenticate reports whether the user may come in. How is the command that
// asks.
func (s *session) authenticate(how, name, password []byte) bool {
	u := s.srv.people.get().Get(string(name))
	if u == nil || !u.Admits(acl.Hash(password)) {
		s.deny(acl.Refusal{User: string(name), Reason: acl.DeniedAuth, Object: string(how)})
		return false
	}
	s.become(u.Name)
	s.trust(true)
	return true
}

// userName returns the user's name. Any goroutine may call it.
func (s *session) userName() string {
	s.who.mu.Lock()
	defer s.who.mu.Unlock()
	return s.who.user
}

// become makes the client a user.
func (s *session) become(name string) {
	s.set(func(who *identity) { who.user = name })
	s.grants = grants{}
}

// unsettledPause is longer than the commands of a pipeline take to be refused.
const unsettledPause = 50 * time.Millisecond

// grants are what a session knows of its user's permissions.
type grants struct {
	of   *acl.Users // the users that this is of; nil for not known
	user *acl.User  // nil for one who may do everything
	// failed is when this node was found to know the users not well enough.
	failed time.Time
}

// permit returns the error for a command that the user may not run.
func (s *session) permit(r *row, args [][]byte) resp.Value {
	why, fail := s.judge(r, args)
	if why == acl.Allowed || fail.IsError() {
		return fail
	}
	return errDenied(why, s.grants.user.Name, r)
}

// judge returns whether the user may run a command. For one who may do
// everything, that is nearly nothing to do.
func (s *session) judge(r *row, args [][]byte) (acl.Reason, resp.Value) {
	if s.grants.of != s.srv.people.get() {
		if fail := s.lookup(r); fail.IsError() {
			return acl.DeniedCommand, fail
		}
	}
	if s.grants.user == nil {
		return acl.Allowed, resp.Nil
	}
	call := r.CallOf(args, r.cats)
	why, at := s.grants.user.Check(call)
	if why != acl.Allowed {
		s.deny(s.grants.user.Refuse(call, why, at))
	}
	return why, resp.Nil
}

// lookup learns the user's permissions. A command that changes something, or
// shows data, waits until this node knows them for sure.
func (s *session) lookup(r *row) resp.Value {
	if (r.command != nil || r.decides) && !s.srv.people.settled.Load() {
		// What came with a command that has waited in vain need not wait, too.
		if time.Since(s.grants.failed) < unsettledPause {
			return errLoading
		}
		if s.srv.Settle(s.ctx) != nil || s.ctx.Err() != nil {
			s.grants.failed = time.Now()
			return errLoading
		}
		if !s.who.authed && !s.admit() {
			return errNoAuth
		}
	}
	settled, users := s.srv.people.settled.Load(), s.srv.people.get()
	u := users.Get(s.who.user)
	switch {
	case u == nil:
		u = acl.Nobody(s.who.user)
	case u.Everything():
		u = nil
	}
	s.grants = grants{user: u}
	if settled {
		s.grants.of = users
	}
	return resp.Nil
}

// deny takes down what the client was denied.
func (s *session) deny(r acl.Refusal) {
	context := "toplevel"
	if s.tx.open || s.inExec {
		context = "multi"
	}
	s.srv.denials.add(r, context, s.describe(), s.srv.limits.denied.Load())
}

// awaitUsers waits until this node has applied what the client was told of, so
// that no check here that follows the answer goes by older users.
func (s *session) awaitUsers() {
	s.srv.opts.Backend.Read(s.ctx, fsm.Request{Command: txRevision, Args: [][]byte{nil, nil}}, s.seen, false)
}
