package server

import (
	"container/list"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/fsm/acl"
)

// Options are what a Server needs. The zero value of a field means its default.
type Options struct {
	Backend      Backend               // the node; required
	Password     string                // of the default user; "" asks for none; see people
	MaxClients   int                   // connections to all listeners together, where no setting says otherwise; default 10,000
	Redirect     bool                  // a follower answers MOVED to what it cannot serve; else it forwards
	Linearizable bool                  // reads of new connections are linearizable; else local
	WriteTimeout time.Duration         // how long a client may leave its replies unread; default 30 s
	GuestTime    time.Duration         // how long a client may take to say who it is, and anything at all; default 60 s
	ClientMemory int64                 // bytes that clients may make the node hold together, where no setting says otherwise; default: no limit
	Unprotected  bool                  // without a password, serve clients from other machines too, where no setting says otherwise
	Version      string                // of trivet, for INFO
	RunID        string                // of this process, 40 hexadecimal digits
	RedisAddr    string                // host:port that this node listens on for Redis clients, for INFO
	ClassicAddr  string                // the same for the article's clients
	TLS          bool                  // the listeners speak TLS, as clients of Redis Cluster are told
	Log          *slog.Logger          // default: none
	Registerer   prometheus.Registerer // where metrics go; default: nowhere
}

const (
	defaultMaxClients   = 10_000
	defaultWriteTimeout = 30 * time.Second
	defaultGuestTime    = 60 * time.Second
)

// A Server serves clients on any number of listeners.
type Server struct {
	opts     Options
	table    *table
	counts   counters
	series   *series
	started  time.Time
	ctx      context.Context // ends when connections must be given up
	cancel   context.CancelFunc
	lastID   atomic.Int64
	conns    conns
	held     held
	reads    slots
	garbage  garbage
	hub      hub
	people   people
	denials  denials
	lua      luaRuns
	limits   thresholds
	slow     slowLog
	latency  latencies
	monitors monitors
	pause    pause
	saves    saves
	rates    rates
	chores   sync.Once // starts what runs beside the sessions

	settings atomic.Pointer[fsm.Settings] // never nil
}

// conns are a server's listeners and sessions.
type conns struct {
	mu        sync.Mutex
	stopping  atomic.Bool // set under the lock
	listeners map[net.Listener]bool
	sessions  map[int64]*session
	newcomers list.List      // of *session, the oldest first; see newcomers.go
	operators int            // sessions that count for no limit
	running   sync.WaitGroup // sessions, and refusals under way
}

// New returns a server. It serves nothing before Serve is called.
func New(opts Options) *Server {
	if opts.MaxClients <= 0 {
		opts.MaxClients = defaultMaxClients
	}
	if opts.WriteTimeout <= 0 {
		opts.WriteTimeout = defaultWriteTimeout
	}
	if opts.GuestTime <= 0 {
		opts.GuestTime = defaultGuestTime
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{
		opts:    opts,
		table:   newTable(),
		started: time.Now(),
		held:    held{over: make(chan struct{}, 1)},
		reads:   newSlots(),
		conns:   conns{listeners: map[net.Listener]bool{}, sessions: map[int64]*session{}},
	}
	if opts.Password != "" {
		s.people.password = acl.Hash([]byte(opts.Password))
	}
	s.SetUsers(acl.NewUsers(), nil)
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.Configure(&fsm.Settings{})
	s.series = newSeries(s, opts.Registerer)
	return s
}

// Serve accepts connections from l, of Redis clients or of classic ones, until
// Shutdown, and returns nil then. It closes l.
func (s *Server) Serve(l net.Listener, classic bool) error {
	defer l.Close()
	if !s.conns.listen(l) {
		return nil
	}
	defer s.conns.unlisten(l)
	s.chores.Do(func() {
		go s.sample()
		go s.reap()
		go s.keepShedding()
	})
	delay := time.Duration(0)
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			delay = 0
			s.accept(conn, classic)
		case s.conns.stopping.Load():
			return nil
		case errors.Is(err, net.ErrClosed):
			return err
		default:
			// Out of descriptors, most likely: wait for some to be closed.
			delay = min(max(2*delay, 5*time.Millisecond), time.Second)
			s.opts.Log.Warn("accept a client", "err", err, "again", delay)
			select {
			case <-time.After(delay):
			case <-s.ctx.Done():
			}
		}
	}
}

// accept starts a session, or refuses the connection where there are too many.
func (s *Server) accept(conn net.Conn, classic bool) {
	se := newSession(s, conn, classic)
	full, stopping, oldest := s.conns.add(se, s.maxClients())
	if oldest != nil {
		oldest.end(endedAsNewcomer)
	}
	switch {
	case stopping:
		se.kill()
	case full:
		se.cancel()
		s.counts.rejected.Add(1)
		go func() {
			defer s.conns.running.Done()
			conn.SetDeadline(time.Now().Add(time.Second)) // TLS reads before it writes
			conn.Write(errMaxClients.Append(nil, 0))
			linger(conn)
			conn.Close()
		}()
	default:
		s.counts.accepted.Add(1)
		go func() {
			defer s.conns.running.Done()
			defer s.conns.remove(se)
			se.run()
		}()
	}
}

// Shutdown stops accepting and closes each connection once all that it sent and
// that was read is answered. A connection on which nothing was asked for a while
// is closed; one in use is closed together with its next reply, so that a client
// that looks before it sends never loses a command. When ctx ends first, the rest
// is cut off and its error returned.
func (s *Server) Shutdown(ctx context.Context) error {
	s.conns.stop()
	done := make(chan struct{})
	go func() {
		s.conns.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		s.cancel()
		return nil
	case <-ctx.Done():
	}
	s.cancel()
	for _, se := range s.conns.list() {
		se.kill()
	}
	return ctx.Err()
}

func (c *conns) listen(l net.Listener) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopping.Load() {
		return false
	}
	c.listeners[l] = true
	return true
}

func (c *conns) unlisten(l net.Listener) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.listeners, l)
}

// add takes se in unless there are too many. Oldest is one that had to make place
// for it, and is to be ended. A refusal counts as running too, so that Shutdown
// waits for it.
func (c *conns) add(se *session, most int) (full, stopping bool, oldest *session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopping.Load() {
		return false, true, nil
	}
	c.running.Add(1)
	if se.operator {
		if full = c.operators >= maxOperators; !full {
			c.operators++
			c.sessions[se.id] = se
		}
		return full, false, nil
	}
	full = len(c.sessions)-c.operators >= most
	if full || c.newcomers.Len() >= max(1, most/2) {
		if oldest = c.oldestNewcomer(newcomerGrace); oldest != nil {
			c.drop(oldest)
			full = false
		}
	}
	if !full {
		c.sessions[se.id] = se
		se.newcomer = c.newcomers.PushBack(se)
	}
	return full, false, oldest
}

func (c *conns) remove(se *session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(se)
}

// drop forgets a session, which may be forgotten already. The caller holds the lock.
func (c *conns) drop(se *session) {
	if c.sessions[se.id] == nil {
		return
	}
	delete(c.sessions, se.id)
	if se.operator {
		c.operators--
	}
	c.welcome(se)
}

// stop ends the listeners, and each session's wait for more requests once its
// client is quiet.
func (c *conns) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopping.Store(true)
	for l := range c.listeners {
		l.Close()
	}
	c.endAll(quietTime)
}

// end ends each session's wait for more requests.
func (c *conns) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endAll(0)
}

// endAll ends each session's wait for more requests that has lasted for a time,
// or will have. The caller holds the lock.
func (c *conns) endAll(quiet time.Duration) {
	now := time.Now()
	for _, se := range c.sessions {
		since := now
		if idle := se.idle.Load(); idle != 0 {
			since = time.UnixMilli(idle)
		}
		se.conn.SetReadDeadline(since.Add(quiet))
		if b := se.blocked.Load(); b != nil {
			b.notify(nothing)
		}
	}
}

// find returns the session with a number, or nil.
func (c *conns) find(id int64) *session {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sessions[id]
}

// list returns the sessions, the oldest first.
func (c *conns) list() []*session {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := make([]*session, 0, len(c.sessions))
	for _, se := range c.sessions {
		list = append(list, se)
	}
	slices.SortFunc(list, func(a, b *session) int { return int(a.id - b.id) })
	return list
}

// count returns the number of sessions on the classic port or on the other.
func (c *conns) count(classic bool) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, se := range c.sessions {
		if se.classic == classic {
			n++
		}
	}
	return n
}

func (c *conns) total() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.sessions)
}

// The bounds of linger.
const (
	lingerTime  = 200 * time.Millisecond
	lingerBytes = 1 << 20
)

// linger sends the end of the stream and reads on for a moment. Were the
// connection closed with bytes unread, TCP would reset it, and the client might
// never see the last replies.
func linger(conn net.Conn) {
	half, ok := conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	conn.SetReadDeadline(time.Now().Add(lingerTime))
	io.CopyN(io.Discard, conn, lingerBytes)
}
