package server

import (
	"errors"
	"time"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/resp"
)

// read answers a command of a Read row from the node's state.
func (s *session) read(r *row, args [][]byte) (resp.Value, error) {
	s.show(r, args)
	if !r.heavy() {
		if v, err := s.readAs(r, args, flushAt); err != nil || !tooLarge(v) {
			return v, err
		}
	}
	if err := s.enterReads(); err != nil {
		return resp.Nil, err
	}
	return s.readAs(r, args, 0)
}

// readAs answers a read whose reply may have so many bytes; 0 for all that there can
// be.
func (s *session) readAs(r *row, args [][]byte, light int) (resp.Value, error) {
	s.lookups = fsm.Lookups{}
	req := fsm.Request{Command: r.command, Args: args, DB: s.who.db, Lookups: &s.lookups, Scratch: &s.scratch, Light: light}
	if s.grants.user != nil {
		req.User = s.who.user
	}
	var v resp.Value
	var err error
	if runsLua(r) {
		v, err = s.readLua(r, req)
	} else {
		v, err = s.ask(req)
	}
	if err == nil && tooLarge(v) {
		return v, nil
	}
	s.srv.counts.hits.Add(s.lookups.Hits)
	s.srv.counts.misses.Add(s.lookups.Misses)
	if err != nil && !errors.Is(err, ErrNoLeader) && s.ctx.Err() == nil {
		s.srv.opts.Log.Warn("read for a client", "err", err)
	}
	return v, err
}

// tooLarge reports whether a read is to be done again, with a slot.
func tooLarge(v resp.Value) bool { return v.Kind == resp.Error && v.Str == fsm.TooLarge.Str }

// ask answers a read from the node's state, as the client wants its reads. The
// first linearizable one of a pipeline finds all that was acknowledged before the
// client sent any of it.
func (s *session) ask(req fsm.Request) (resp.Value, error) {
	v, err := s.srv.opts.Backend.Read(s.ctx, req, s.seen, s.who.linearizable && !s.fresh)
	s.fresh = s.fresh || s.who.linearizable && err == nil
	return v, err
}

// write puts a command into the group at hand. It has no reply before submit.
func (s *session) write(r *row, args [][]byte, typed []bool) error {
	s.show(r, args)
	c := r.command
	if r.special {
		var fail resp.Value
		var err error
		if c, args, fail, err = s.prepare(r, args); err != nil || fail.IsError() {
			return errors.Join(err, s.refuseLate(r, fail))
		}
		typed = nil
	}
	w := &s.writes
	w.users = w.users || changesUsers(c)
	if w.group == nil {
		w.group = groups.Get().(*fsm.Group)
		w.began = time.Now()
	}
	w.group.Add(c, args, typed)
	if r.Flags&fsm.PubSub != 0 {
		if w.receivers == nil {
			w.receivers = map[int]int64{}
		}
		w.receivers[len(w.rows)] = s.receivers(r, args)
	}
	w.lua = w.lua || runsLua(r)
	w.rows = append(w.rows, r)
	if w.group.Size() >= maxGroupBytes || w.group.Len() >= maxGroupCommands {
		return s.submit()
	}
	return nil
}

// submit has the group at hand applied and takes down the replies.
func (s *session) submit() error {
	w := &s.writes
	group := w.group
	if group == nil {
		return nil
	}
	w.group = nil
	s.changing.Store(w.users)
	defer func() {
		w.rows, w.receivers, w.lua, w.users = w.rows[:0], nil, false, false
		s.changing.Store(false)
	}()
	s.held.set(heldWrites, group.Size())
	replies, index, err := s.propose(s.who.db, group, w.lua)
	s.held.set(heldWrites, 0)
	switch {
	case errors.Is(err, ErrNoLeader):
		replies = nil
	case err != nil:
		return errors.Join(ErrUnknown, err)
	case len(replies) != len(w.rows):
		s.srv.opts.Log.Error("a group's replies do not fit", "commands", len(w.rows), "replies", len(replies))
		return ErrUnknown
	}
	s.seen = max(s.seen, index)
	took := time.Since(w.began)
	s.timedGroup(w.rows, took, group)
	if group.Size() <= keepBuffer {
		group.Reset()
		groups.Put(group)
	}
	if w.users {
		s.awaitUsers()
	}
	for i, r := range w.rows {
		v := errLoading
		if replies != nil {
			v = replies[i]
			if n, ok := w.receivers[i]; ok {
				v = resp.Int(n)
			}
		}
		s.srv.observe(r, took, v)
		if err := s.reply(v); err != nil {
			return err
		}
	}
	if s.retired.Load() {
		return errQuit
	}
	return nil
}

// rest gives back what an idle connection has no use for.
func (s *session) rest() {
	if cap(s.writes.rows) > keepRows {
		s.writes.rows = nil
	}
}
