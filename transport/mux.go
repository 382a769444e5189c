package transport

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Options tune a [Mux]. The zero value works.
type Options struct {
	// Cluster gives the identity, of up to 255 bytes, that we show at each
	// dial. Default: empty.
	Cluster func() string
	// Admit decides on a peer that dialed us, by the kind of connection
	// ([KindRaft] or [KindCall]), the identity that it showed, and the one of
	// the node that it looks for, empty for any. The text of its error is sent
	// to the peer. Default: all are admitted.
	Admit func(kind byte, cluster, node string) error
	// TLS secures all connections, both ways. Default: none.
	TLS *Certificates
	// Secrets are what peers must know, and prove before anything else. There must be
	// one at least. Default: nil, nobody proves anything.
	Secrets *Secrets
	// Unproved also admits peers that prove nothing, and dials those that cannot:
	// for an upgrade from a version without proofs. One that proves a wrong secret is
	// refused.
	Unproved bool
	// Self reports whether this node is the one that is meant by an address that a
	// peer dialed. Default: it is.
	Self func(addr string) bool
	// Logger hears of connections that were turned away. Default: nobody.
	Logger *slog.Logger

	HelloTimeout time.Duration // for an accepted connection to prove and introduce itself; default 3 s
	DialTimeout  time.Duration // for a dial with its hello; default 2 s
	PingEvery    time.Duration // between two signs of life on a call connection; default 1 s
	DeadAfter    time.Duration // without a byte from the peer: the connection is broken; default 3 s
	MaxHandlers  int           // calls in work per connection, then reading pauses; default 4096
	MaxStrangers int           // accepted connections that are not admitted yet; default 64
}

func (o *Options) setDefaults() error {
	if o.Cluster == nil {
		o.Cluster = func() string { return "" }
	}
	if o.Admit == nil {
		o.Admit = func(_ byte, _, _ string) error { return nil }
	}
	if o.Self == nil {
		o.Self = func(string) bool { return true }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	for _, d := range []struct {
		value *time.Duration
		def   time.Duration
	}{
		{&o.HelloTimeout, 3 * time.Second},
		{&o.DialTimeout, 2 * time.Second},
		{&o.PingEvery, time.Second},
		{&o.DeadAfter, 3 * time.Second},
	} {
		if *d.value == 0 {
			*d.value = d.def
		}
		if *d.value < 0 {
			return errors.New("negative duration")
		}
	}
	if o.DeadAfter <= o.PingEvery {
		return fmt.Errorf("DeadAfter %v must exceed PingEvery %v", o.DeadAfter, o.PingEvery)
	}
	o.MaxHandlers = cmp.Or(o.MaxHandlers, 4096)
	o.MaxStrangers = cmp.Or(o.MaxStrangers, 64)
	if o.MaxHandlers < 0 || o.MaxStrangers < 0 {
		return errors.New("negative MaxHandlers or MaxStrangers")
	}
	return nil
}

// A Mux owns a node's peer port and all of its call connections. All methods
// may be called concurrently.
type Mux struct {
	network  Network
	opts     Options
	listener net.Listener
	raft     *raftListener
	ctx      context.Context // ends with Close
	cancel   context.CancelFunc
	tasks    sync.WaitGroup // all goroutines of the mux

	strangers *Strangers
	lines     throttle      // of complaints in the log
	unproved  atomic.Uint64 // connections that were admitted without a proof, though there are secrets
	refused   atomic.Uint64 // connections that were turned away

	serving sync.Once
	served  chan struct{} // closed once handler is set
	handler Handler

	mu     sync.Mutex // guards what follows
	closed bool
	links  map[string]*Link
}

// Listen opens addr on a network and starts to accept. Call connections wait
// for [Mux.Serve], raft's for an Accept on [Mux.Raft].
func Listen(network Network, addr string, opts Options) (*Mux, error) {
	if err := opts.setDefaults(); err != nil {
		return nil, fmt.Errorf("transport options: %w", err)
	}
	ln, err := network.Listen(addr)
	if err != nil {
		return nil, fmt.Errorf("listen for peers: %w", err)
	}
	m := &Mux{
		network:  network,
		opts:     opts,
		listener: ln,
		raft:     newRaftListener(ln.Addr()),
		served:   make(chan struct{}),
		links:    make(map[string]*Link),

		strangers: NewStrangers(opts.MaxStrangers),
	}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	m.spawn(m.accept)
	return m, nil
}

// Addr is the address that the mux listens on.
func (m *Mux) Addr() net.Addr { return m.listener.Addr() }

// Unproved is how many connections were admitted without a proof, though this node
// has a secret; see [Options].
func (m *Mux) Unproved() uint64 { return m.unproved.Load() }

// Refused is how many connections were turned away.
func (m *Mux) Refused() uint64 { return m.refused.Load() }

// Raft is the listener of raft's connections. To close it turns raft's
// connections away and leaves calls alone.
func (m *Mux) Raft() net.Listener { return m.raft }

// Serve sets the handler of all calls. Only the first call of Serve counts;
// until then callers wait, up to the hello timeout.
func (m *Mux) Serve(h Handler) {
	m.serving.Do(func() {
		m.handler = h
		close(m.served)
	})
}

// DialRaft connects to the raft listener of the mux at addr, which is asked to be
// the node with the identity; empty stands for any. The connection
// is the caller's and outlives the mux; nothing is buffered on it. Being
// turned away shows as a [*RefusedError].
func (m *Mux) DialRaft(ctx context.Context, addr, node string) (net.Conn, error) {
	return m.dial(ctx, KindRaft, addr, node)
}

// Link returns the one link to addr. It does not dial yet.
func (m *Mux) Link(addr string) *Link {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.links[addr]
	if l == nil {
		l = &Link{mux: m, addr: addr}
		m.links[addr] = l
	}
	return l
}

// Close stops listening, breaks all call connections and waits until all
// handlers have returned; a handler must not call it. Raft's connections are
// raft's to close.
func (m *Mux) Close() error {
	m.mu.Lock()
	first := !m.closed
	m.closed = true
	m.mu.Unlock()
	if !first {
		m.tasks.Wait()
		return nil
	}
	m.cancel()
	m.raft.Close()
	err := m.listener.Close()
	m.tasks.Wait()
	return err
}

// spawn runs f in a goroutine that Close waits for. It reports false, and
// does not run f, once Close was called.
func (m *Mux) spawn(f func()) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false
	}
	m.tasks.Go(f)
	return true
}

func (m *Mux) accept() {
	for {
		conn, err := m.listener.Accept()
		if err == nil {
			if !m.spawn(func() { m.receive(conn) }) {
				conn.Close()
			}
			continue
		}
		if m.ctx.Err() != nil {
			return
		}
		// Mostly too many open files: it passes, and a busy loop would not help.
		m.opts.Logger.Warn("accept peer connection", "err", err)
		select {
		case <-m.ctx.Done():
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// receive takes an accepted connection to where it belongs.
func (m *Mux) receive(raw net.Conn) {
	stop := context.AfterFunc(m.ctx, func() { raw.Close() })
	defer stop()
	raw.SetDeadline(time.Now().Add(m.opts.HelloTimeout))
	m.strangers.Enter(raw)
	conn, kind, err := m.welcome(raw)
	m.strangers.Leave(raw)
	if err != nil {
		raw.Close()
		if !errors.Is(err, errSilent) && m.ctx.Err() == nil {
			m.refused.Add(1)
			m.complain("turned peer connection away", raw.RemoteAddr().String(), err)
		}
		return
	}
	raw.SetDeadline(time.Time{})
	timer := time.NewTimer(m.opts.HelloTimeout)
	defer timer.Stop()
	if kind == KindRaft {
		if !stop() || !m.raft.deliver(conn, timer.C) {
			raw.Close()
		}
		return
	}
	select {
	case <-m.served:
		m.serveCalls(conn, m.handler)
	case <-timer.C:
	case <-m.ctx.Done():
	}
	raw.Close()
}

// complain logs what a peer did, but not as often as one might do it.
func (m *Mux) complain(what, peer string, err error) {
	if ok, left := m.lines.pass(time.Now()); ok {
		m.opts.Logger.Warn(what, "peer", peer, "err", err, "left_out", left)
	}
}

// A raftListener hands over connections that have said their hello.
type raftListener struct {
	addr  net.Addr
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newRaftListener(addr net.Addr) *raftListener {
	return &raftListener{addr: addr, conns: make(chan net.Conn), done: make(chan struct{})}
}

// deliver waits for an Accept, and reports whether it came before give.
func (l *raftListener) deliver(conn net.Conn, give <-chan time.Time) bool {
	select {
	case l.conns <- conn:
		return true
	case <-l.done:
	case <-give:
	}
	return false
}

func (l *raftListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *raftListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *raftListener) Addr() net.Addr { return l.addr }
