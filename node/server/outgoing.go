package server

import (
	"errors"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/fsm/acl"
	"github.com/trivetdb/trivet/resp"
)

var setUser, delUser = fsm.Lookup("ACL|SETUSER"), fsm.Lookup("ACL|DELUSER")

// changesUsers reports whether a row's command does.
func changesUsers(c *fsm.Command) bool { return c != nil && (c == setUser || c == delUser) }

// outgoing returns a command as it goes into the log, where that is not as it
// came: a script goes with its user, and changes of users are checked. Users are
// those that the command will find.
func (s *session) outgoing(r *row, args [][]byte, users **acl.Users) (*fsm.Command, [][]byte, resp.Value) {
	switch {
	case changesUsers(r.command):
		args, fail := s.srv.checkUsers(r, args, users)
		return r.command, args, fail
	case s.grants.user != nil || s.who.user != acl.Default:
		c, args := fsm.As(s.who.user, r.command, args)
		return c, args, resp.Nil
	}
	return r.command, args, resp.Nil
}

// currentUsers returns the users as the cluster has them, after all that the
// client has asked for so far.
func (s *session) currentUsers() (*acl.Users, resp.Value, error) {
	if err := s.submit(); err != nil {
		return nil, resp.Nil, err
	}
	req := fsm.Request{Command: txRevision, Args: [][]byte{nil, nil}}
	if _, err := s.srv.opts.Backend.Read(s.ctx, req, s.seen, true); err != nil {
		if !errors.Is(err, ErrNoLeader) {
			return nil, resp.Nil, err
		}
		return nil, errLoading, nil
	}
	return s.srv.people.get(), resp.Nil, nil
}

// refuseLate answers a command that was found wrong when it was to go into the
// log.
func (s *session) refuseLate(r *row, fail resp.Value) error {
	if !fail.IsError() {
		return nil
	}
	if err := s.submit(); err != nil {
		return err
	}
	s.srv.observe(r, 0, fail)
	return s.reply(fail)
}

// prepare is outgoing for a command outside of a transaction. The error ends the
// session.
func (s *session) prepare(r *row, args [][]byte) (c *fsm.Command, out [][]byte, fail resp.Value, err error) {
	var users *acl.Users
	if changesUsers(r.command) {
		if users, fail, err = s.currentUsers(); err != nil || fail.IsError() {
			return nil, nil, fail, err
		}
	}
	c, out, fail = s.outgoing(r, args, &users)
	return c, out, fail, nil
}
