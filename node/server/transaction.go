package server

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/fsm/acl"
	"github.com/trivetdb/trivet/resp"
)

const ofTransaction = fsm.Local | fsm.NoScript | fsm.Loading | fsm.Stale | fsm.Fast | fsm.AllowBusy

var transactionCommands = []local{
	{spec("MULTI", 1, ofTransaction|fsm.Unqueued, "transactions", "Begin a transaction: queue what follows.", "1.2.0"), "", nil, multi},
	{spec("DISCARD", 1, ofTransaction|fsm.Unqueued, "transactions", "Drop the transaction.", "2.0.0"), "", nil, discard},
	{spec("EXEC", 1, fsm.Local|fsm.NoScript|fsm.Loading|fsm.Stale|fsm.SkipSlowlog|fsm.Unqueued, "transactions", "Carry out the transaction, with nothing in between.", "1.2.0"), "", nil, execTransaction},
	{watchSpec, "key [key ...]", nil, watch},
	{spec("UNWATCH", 1, ofTransaction, "transactions", "Forget the keys that are watched.", "2.2.0"), "", nil, unwatch},
}

var watchSpec = fsm.Spec{
	Name: "WATCH", Arity: -2, Flags: ofTransaction | fsm.Unqueued, Keys: fsm.Keys{First: 1, Last: -1, Step: 1},
	Group: "transactions", Summary: "Let the next transaction fail if one of the keys changes before it.", Since: "2.2.0",
}

// The rows of package fsm that transactions are made of.
var (
	txAdmit    = fsm.Lookup("TX|ADMIT")
	txWatch    = fsm.Lookup("TX|WATCH")
	txSelect   = fsm.Lookup("TX|SELECT")
	txRevision = fsm.Lookup("TX|REVISION")
)

// A transaction is what a session has queued and watches.
type transaction struct {
	open    bool
	failed  bool // a command was refused: EXEC refuses all
	queue   []queued
	watched []watched
	known   map[watchedKey]bool // those in watched
	bytes   int                 // about what queue and watched take
}

type queued struct {
	row   *row
	args  [][]byte
	typed []bool
}

// wordBytes is about what an argument or a name takes besides its bytes.
const wordBytes = 64

// watched is a key and the revision that it had at WATCH.
type watched struct {
	watchedKey
	revision int64
}

type watchedKey struct {
	db  int
	key string
}

func multi(s *session, _ [][]byte) resp.Value {
	if s.tx.open {
		return errNestedMulti
	}
	s.tx.open = true
	return resp.OK
}

func discard(s *session, _ [][]byte) resp.Value {
	if !s.tx.open {
		return errNoDiscard
	}
	s.tx = transaction{}
	return resp.OK
}

func unwatch(s *session, _ [][]byte) resp.Value {
	for _, w := range s.tx.watched {
		s.tx.bytes -= len(w.key) + wordBytes
	}
	s.tx.watched, s.tx.known = nil, nil
	return resp.OK
}

// watch notes the keys' revisions as this node knows them. Where it is behind,
// the transaction fails and the client tries again, as it must anyway.
func watch(s *session, args [][]byte) resp.Value {
	if s.tx.open {
		return errWatchInMulti
	}
	for _, key := range args[1:] {
		w := watched{watchedKey: watchedKey{s.who.db, string(key)}}
		if s.tx.known[w.watchedKey] {
			continue
		}
		if s.tx.known == nil {
			s.tx.known = map[watchedKey]bool{}
		}
		req := fsm.Request{Command: txRevision, Args: [][]byte{nil, key}, DB: w.db}
		v, err := s.ask(req)
		if err != nil {
			return errLoading
		}
		w.revision = v.Int
		s.tx.known[w.watchedKey] = true
		s.tx.watched = append(s.tx.watched, w)
		s.tx.bytes += len(w.key) + wordBytes
	}
	return resp.OK
}

// enqueue puts a command into the open transaction.
func (s *session) enqueue(r *row, args [][]byte, typed []bool) error {
	v := resp.Status("QUEUED")
	switch {
	case r.Flags&fsm.NoMulti != 0, r.Flags&fsm.PubSub != 0 && r.run != nil: // several replies have no place in EXEC's
		v = errNotInMulti
	case s.srv.limited() && s.full(): // whatever the command: a queue takes memory too
		v = errOOM
	case routeOf(r.Flags, s.srv.away()) == toOther:
		addr, err := s.leader()
		switch {
		case err != nil:
			v = errLoading
		case addr != "":
			v = errMoved(addr)
		}
	}
	if v.IsError() {
		s.tx.failed = true
		return s.reply(v)
	}
	kept := make([][]byte, len(args))
	for i, arg := range args {
		kept[i] = bytes.Clone(arg)
		s.tx.bytes += len(arg) + wordBytes
	}
	s.tx.queue = append(s.tx.queue, queued{r, kept, slices.Clone(typed)})
	return s.reply(v)
}

// execTransaction carries the transaction out as one group. Commands that need only the
// connection are run first: nobody can tell.
func execTransaction(s *session, _ [][]byte) resp.Value {
	tx := s.tx
	s.tx = transaction{}
	s.inExec = true
	defer func() { s.inExec = false }()
	switch {
	case !tx.open:
		return errNoExec
	case tx.failed:
		return errExecAbort
	}
	was := s.who.db
	group := fsm.Group{Atomic: s.srv.opts.Backend.Level() >= fsm.LevelBounds}
	admit := s.srv.limited() && tx.grows()
	if admit {
		group.Add(txAdmit, [][]byte{nil}, nil)
	}
	if len(tx.watched) > 0 {
		group.Add(txWatch, tx.watchArgs(), nil)
	}
	replies := make([]resp.Value, len(tx.queue))
	at, fail := tx.build(s, &group, was, replies)
	if fail.IsError() {
		return fail
	}
	if group.Len() == 0 {
		return resp.List(replies...)
	}
	s.changing.Store(slices.ContainsFunc(tx.queue, func(q queued) bool { return changesUsers(q.row.command) }))
	defer s.changing.Store(false)
	began := time.Now()
	got, index, err := s.propose(was, &group, slices.ContainsFunc(tx.queue, func(q queued) bool { return runsLua(q.row) }))
	if err == nil && strings.HasPrefix(got[0].Str, fsm.ExecAbort) {
		s.set(func(who *identity) { who.db = was })
		s.seen = max(s.seen, index)
		return got[0]
	}
	if err == nil && admit && got[0].IsError() {
		s.set(func(who *identity) { who.db = was })
		s.seen = max(s.seen, index)
		return errExecOOM
	}
	if err != nil || got[watchAt(admit)].Kind == resp.NullArray && len(tx.watched) > 0 {
		s.set(func(who *identity) { who.db = was })
		if err != nil && !errors.Is(err, ErrNoLeader) {
			err = errors.Join(ErrUnknown, err)
		}
		s.fault = err
		return resp.Value{Kind: resp.NullArray}
	}
	s.seen = max(s.seen, index)
	if s.changing.Load() {
		s.awaitUsers()
		s.quit = s.quit || s.retired.Load()
	}
	tx.answer(s, got, at, replies, time.Since(began))
	return resp.List(replies...)
}

// answer puts the replies of the group where they belong, and counts the commands.
func (tx *transaction) answer(s *session, got []resp.Value, at []int, replies []resp.Value, took time.Duration) {
	for i, n := range at {
		if n >= 0 {
			replies[i] = got[n]
			if q := tx.queue[i]; q.row.Flags&fsm.PubSub != 0 {
				replies[i] = resp.Int(s.receivers(q.row, q.args))
			}
			s.srv.observe(tx.queue[i].row, took, got[n])
		}
	}
	tx.timed(s, took)
}

// watchAt returns the place in the group of the row that compares what is
// watched, where there is one.
func watchAt(admit bool) int {
	if admit {
		return 1
	}
	return 0
}

// grows reports whether a command that is queued may grow the data.
func (tx *transaction) grows() bool {
	return slices.ContainsFunc(tx.queue, func(q queued) bool { return q.row.Flags&fsm.DenyOOM != 0 })
}

// build runs the queued commands that are local, and puts the others into the
// group. It returns for each command the place of its reply in the group's,
// -1 for those that are in replies already. Nothing is to be done where it fails.
func (tx *transaction) build(s *session, group *fsm.Group, db int, replies []resp.Value) (at []int, fail resp.Value) {
	var users *acl.Users // as the commands will find them
	at = make([]int, len(tx.queue))
	for i, q := range tx.queue {
		at[i] = -1
		why, fail := s.judge(q.row, q.args)
		switch {
		case fail.IsError():
			return nil, fail
		case why != acl.Allowed:
			replies[i] = errDeniedNow(why)
			continue
		}
		s.show(q.row, q.args)
		if q.row.command == nil {
			replies[i] = q.row.run(s, q.args)
			continue
		}
		if s.who.db != db {
			db = s.who.db
			group.Add(txSelect, [][]byte{nil, strconv.AppendInt(nil, int64(db), 10)}, nil)
		}
		c, args, typed := q.row.command, q.args, q.typed
		if q.row.special {
			if users == nil && changesUsers(c) {
				users = s.srv.people.get()
			}
			if c, args, replies[i] = s.outgoing(q.row, args, &users); replies[i].IsError() {
				continue
			}
			typed = nil
		}
		at[i] = group.Len()
		group.Add(c, args, typed)
	}
	return at, resp.Nil
}

func (tx *transaction) watchArgs() [][]byte {
	args := [][]byte{nil}
	for _, w := range tx.watched {
		args = append(args, strconv.AppendInt(nil, int64(w.db), 10), []byte(w.key), strconv.AppendInt(nil, w.revision, 10))
	}
	return args
}
