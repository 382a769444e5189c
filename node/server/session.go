package server

import (
	"bytes"
	"container/list"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/fsm/acl"
	"github.com/trivetdb/trivet/resp"
)

const (
	maxGroupBytes    = 256 << 10 // a group of writes that has grown so far is submitted
	maxGroupCommands = 10_000
	flushAt          = 64 << 10 // replies that have grown so far are sent
	keepBuffer       = 2 * flushAt
	keepRows         = 1024
)

var (
	// errQuit ends a session whose client asked for it.
	errQuit = errors.New("quit")
	// errHTTP ends a session whose client is a browser, perhaps at the bidding of a
	// page from elsewhere.
	errHTTP = errors.New("the client speaks HTTP")
)

// A session serves one connection. All but kill and describe are for its own
// goroutine.
type session struct {
	srv      *Server
	conn     net.Conn
	classic  bool
	id       int64
	ctx      context.Context
	cancel   context.CancelFunc
	reader   *resp.Reader
	out      outbox // replies that were not sent yet
	ahead    ahead  // requests that came while replies waited
	held     footprint
	operator bool          // came by the socket in the data directory: no limit of clients is for it
	newcomer *list.Element // its place among those that have not come in yet, nil for none; guarded by conns
	reading  bool          // has one of the slots for reads
	knocking bool          // is one of those, as far as the session knows
	subs     subscriptions
	writes   writes
	seen     uint64 // index of the last write that the client was told of
	fresh    bool   // the state holds all that was acknowledged before the client sent what is at hand
	who      identity
	quit     bool
	tx       transaction
	fault    error               // of a Local row that has no reply: ErrNoLeader or ErrUnknown
	active   atomic.Int64        // when the client last sent something, Unix milliseconds
	last     atomic.Pointer[row] // the last command
	limp     bool                // the connection must linger before it is closed
	blocked  atomic.Pointer[blocked]
	operated
	idle atomic.Int64 // since when the session waits for its client to ask something, Unix milliseconds; 0 where it does not

	grants   grants
	incoming *incoming   // a backup that the client sends; nil for none
	changing atomic.Bool // has asked for a change of users
	retired  atomic.Bool // must end once that is answered
}

// writes are commands that were read and not submitted yet.
type writes struct {
	group *fsm.Group
	rows  []*row // one a command
	began time.Time
	lua   bool // there is a script among them
	// receivers are the answers to PUBLISH, by place: the subscribers on this
	// node when it was read. Nil where there is none.
	receivers map[int]int64
	users     bool // some command changes users
}

// An identity is what a client has set of its connection. The session alone
// changes it, under the lock; others read it under the lock.
type identity struct {
	mu           sync.Mutex
	dialect      resp.Dialect
	db           int
	user         string
	authed       bool
	linearizable bool
	name         string
	libName      string
	libVer       string
	born         time.Time
}

// Buffers lie in pools while a connection is idle: thousands of idle
// connections must be cheap.
var (
	buffers = sync.Pool{New: func() any { b := make([]byte, 0, 4<<10); return &b }}
	groups  = sync.Pool{New: func() any { return new(fsm.Group) }}
)

func newSession(srv *Server, conn net.Conn, classic bool) *session {
	s := &session{srv: srv, conn: conn, classic: classic, id: srv.lastID.Add(1)}
	s.held.all = &srv.held
	s.out = outbox{
		conn: conn, try: tryWriter(conn), timeout: srv.opts.WriteTimeout, sent: &srv.counts.out, held: &s.held,
		abort: s.kill, silent: &srv.counts.silent, moved: make(chan struct{}, 1),
	}
	_, s.operator = conn.RemoteAddr().(*net.UnixAddr)
	s.knocking = true
	s.ctx, s.cancel = context.WithCancel(srv.ctx)
	s.reader = resp.NewReader(source{s}, resp.DefaultLimits)
	s.who.born = time.Now()
	s.who.user = acl.Default
	s.trust(false)
	s.who.linearizable = srv.opts.Linearizable
	if classic {
		s.who.dialect = resp.Classic
	}
	s.active.Store(s.who.born.UnixMilli())
	return s
}

// kill ends the session from outside, without the word of goodbye that TLS would
// wait for a client to take.
func (s *session) kill() {
	s.cancel()
	conn := s.conn
	if secure, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = secure.NetConn()
	}
	conn.Close()
}

// set changes the identity so that others may look at it meanwhile.
func (s *session) set(change func(*identity)) {
	s.who.mu.Lock()
	defer s.who.mu.Unlock()
	change(&s.who)
}

// run serves the connection until it ends.
func (s *session) run() {
	defer s.conn.Close()
	defer s.cancel()
	defer s.held.end()
	defer s.leaveReads()
	defer s.leaveChannels()
	defer s.leaveMonitors()
	defer s.leaveRestore()
	if s.handshake() != nil {
		return
	}
	if fail := s.protection(); fail.IsError() {
		s.srv.counts.rejected.Add(1)
		s.out.append(fail, s.who.dialect)
		if s.out.flush() == nil && s.out.drain() == nil {
			linger(s.conn)
		}
		return
	}
	s.admit() // now that changes of users reach the session
	defer func() {
		if p := recover(); p != nil {
			s.srv.opts.Log.Error("a command panicked", "panic", p, "stack", string(debug.Stack()))
		}
	}()
	next := s.nextCommand
	if s.classic {
		next = s.nextClassic
	}
	var err error
	for err == nil {
		if err = next(); err == nil {
			err = s.passed()
		}
	}
	var broken resp.ProtocolError
	if errors.As(err, &broken) {
		if err = s.refuse(s.srv.table.unknown, resp.Err(broken.Text)); err == nil {
			err = errQuit
		}
	}
	if errors.Is(err, errQuit) || errors.Is(err, ErrUnknown) {
		s.limp = true
	}
	// What was answered is sent, whatever comes after it.
	if s.out.flush() == nil && s.out.drain() == nil && s.limp {
		linger(s.conn)
	}
}

// nextCommand reads and handles one command of a Redis client.
func (s *session) nextCommand() error {
	args, err := s.reader.ReadCommand()
	if err != nil {
		return err
	}
	r, fail := s.resolve(args)
	switch {
	case r == s.srv.table.unknown && isHTTP(args[0]):
		s.srv.opts.Log.Warn("closed a connection that speaks HTTP", "client", s.conn.RemoteAddr())
		return errHTTP
	case fail.IsError():
		return s.refuse(r, fail)
	}
	return s.dispatch(r, args, nil)
}

// isHTTP tells the words at which Redis, too, ends a connection: each request of a
// browser that could bring commands in its body has one of them in its head.
func isHTTP(name []byte) bool {
	return bytes.EqualFold(name, []byte("POST")) || bytes.EqualFold(name, []byte("Host:"))
}

// A source is where a session's reader reads from.
type source struct{ s *session }

// Read waits for the client to send more. The reader has no whole request left
// when it calls, so all that was read is answered first.
func (src source) Read(p []byte) (int, error) {
	s := src.s
	if s.ahead.holds() {
		return s.ahead.read(p)
	}
	if err := s.submit(); err != nil {
		return 0, err
	}
	parting := s.parting()
	if parting {
		cork(s.conn)
	}
	if err := s.flush(); err != nil {
		return 0, err
	}
	if parting {
		s.limp = true
		return 0, io.EOF
	}
	if s.ahead.holds() { // came while the replies were sent
		return s.ahead.read(p)
	}
	s.rest()
	s.held.set(heldRequests, s.reader.Buffered())
	busy := s.srv.conns.stopping.Load()
	if s.blocked.Load() == nil && !s.subs.any() {
		s.idle.Store(time.Now().UnixMilli())
	}
	n, err := s.conn.Read(p)
	if errors.Is(err, os.ErrDeadlineExceeded) && s.blocked.Load() == nil && s.reader.Buffered() > 0 {
		// The connection is to end, but not in the middle of a request, which may be
		// one of many that the client has sent at once.
		s.conn.SetReadDeadline(time.Now().Add(quietTime))
		n, err = s.conn.Read(p)
	}
	s.fresh = false
	s.idle.Store(0)
	if err != nil && busy {
		s.limp = true // the client may have sent what we shall never read
	}
	s.active.Store(time.Now().UnixMilli())
	s.srv.counts.in.Add(uint64(n))
	s.out.heard(n > 0)
	s.held.set(heldRequests, s.reader.Buffered()+n)
	return n, err
}

// resolve finds the row of a command and makes all checks that need no more than
// the row. Where it refuses, r tells which row to count that for.
func (s *session) resolve(args [][]byte) (r *row, fail resp.Value) {
	t := s.srv.table
	r = t.find(args[0], s.classic)
	switch {
	case r == nil && s.classic:
		return t.unknown, errUnknownClassic(args[0])
	case r == nil:
		return t.unknown, errUnknownCommand(args)
	case r.Flags&fsm.Container != 0 && len(args) > 1:
		sub := r.sub(args[1])
		if sub == nil {
			return t.unknown, errUnknownSubcommand(r.Spec, args[1])
		}
		r = sub
	}
	switch {
	case !r.ArityOK(len(args)):
		return r, errArity(r.Spec)
	case !s.who.authed && r.Flags&fsm.NoAuth == 0 && !s.admit():
		return r, errNoAuth
	}
	if fail := s.permit(r, args); fail.IsError() {
		return r, fail
	}
	switch {
	case s.listens() && r.Flags&fsm.Subscriber == 0:
		return r, errSubscriber(r.Spec)
	case s.watches && r.Flags&(fsm.Read|fsm.Write|fsm.Logged) != 0:
		return r, errWatcherReads
	}
	return r, resp.Nil
}

// refuse answers a request that is not carried out.
func (s *session) refuse(r *row, fail resp.Value) error {
	if s.tx.failed = s.tx.open; r == s.srv.table.exec {
		s.tx = transaction{}
		s.noteShape()
		fail = errExecBecause(fail)
	}
	if err := s.submit(); err != nil {
		return err
	}
	r.stats.rejected.Add(1)
	return s.reply(fail)
}

// dispatch carries out a command that resolve has let pass.
func (s *session) dispatch(r *row, args [][]byte, typed []bool) error {
	s.last.Store(r)
	s.comeIn()
	s.kept, s.waited = nil, 0
	args, err := s.holdBack(r, args)
	if err != nil {
		return err
	}
	if s.tx.open && r.Flags&fsm.Unqueued == 0 {
		defer s.noteShape()
		return s.enqueue(r, args, typed)
	}
	to := routeOf(r.Flags, s.srv.away())
	switch {
	case (to == toLog || to == toState) && fsm.Waits(r.command, args):
		to = toQueue
	case to == toLog:
		return s.write(r, args, typed)
	}
	if err := s.submit(); err != nil {
		return err
	}
	start := time.Now()
	var v resp.Value
	switch to {
	case toNode:
		v = s.runLocal(r, args)
		err, s.fault = s.fault, nil
	case toState:
		v, err = s.read(r, args)
	case toQueue:
		v, start, err = s.block(r, args, typed)
	case toOther:
		addr := ""
		switch addr, err = s.leader(); {
		case err != nil || addr != "":
			v = errMoved(addr)
		case fsm.Waits(r.command, args):
			v, start, err = s.block(r, args, typed)
		default:
			return s.write(r, args, typed)
		}
	}
	switch {
	case errors.Is(err, ErrNoLeader):
		v = errLoading
	case err != nil:
		return err
	}
	return s.finish(r, args, time.Since(start)-s.waited, v)
}

// finish counts a command that was carried out, and answers it.
func (s *session) finish(r *row, args [][]byte, took time.Duration, v resp.Value) error {
	if s.kept != nil { // args lie where the session has read on
		args = s.kept
	}
	s.srv.observe(r, took, v)
	s.timed(r, took, args)
	if v.Kind != noReply.Kind {
		if err := s.reply(v); err != nil {
			return err
		}
	}
	if s.quit {
		return errQuit
	}
	return nil
}
