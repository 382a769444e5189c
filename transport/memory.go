package transport

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// memoryDialTimeout bounds a dial across a partition.
const memoryDialTimeout = 2 * time.Second

// memoryBacklog is how many connections may wait for an Accept.
const memoryBacklog = 128

// Memory is a network inside one process, for tests: it can be partitioned
// and slowed, and its hosts killed. Hosts have names, addresses look like
// "a:1". It waits only on channels, conditions and timers, so it works within
// testing/synctest. All methods may be called concurrently.
type Memory struct {
	delay atomic.Int64 // one way, a time.Duration

	mu        sync.Mutex // guards what follows; taken before a pipe's lock
	listeners map[string]*memoryListener
	conns     map[*memoryConn]bool
	cut       map[[2]string]bool
	healed    chan struct{} // closed and renewed by each heal
	lastPort  int
}

// NewMemory returns a network without hosts, partitions or delay.
func NewMemory() *Memory {
	return &Memory{
		listeners: make(map[string]*memoryListener),
		conns:     make(map[*memoryConn]bool),
		cut:       make(map[[2]string]bool),
		healed:    make(chan struct{}),
		lastPort:  40000, // above those that tests choose by hand
	}
}

// Host is the network as the host of that name sees it: it listens on its
// own addresses only and dials from there.
func (m *Memory) Host(name string) Network { return memoryHost{m, name} }

// Delay sets the one-way latency of what is sent from now on.
func (m *Memory) Delay(d time.Duration) { m.delay.Store(int64(d)) }

// Partition cuts two hosts off from each other, both ways. Bytes between them
// stay where they are, without an error, and dials find nobody.
func (m *Memory) Partition(a, b string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cut[between(a, b)] = true
	m.applyCuts()
}

// Heal undoes the partition of two hosts; what was stalled moves on.
func (m *Memory) Heal(a, b string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.cut, between(a, b))
	m.applyCuts()
}

// HealAll undoes all partitions.
func (m *Memory) HealAll() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.cut)
	m.applyCuts()
}

// Kill closes all listeners and connections of a host, as the end of its
// process would. The host may listen again.
func (m *Memory) Kill(host string) {
	m.mu.Lock()
	var dead []interface{ Close() error }
	for _, l := range m.listeners {
		if l.addr.host() == host {
			dead = append(dead, l)
		}
	}
	for c := range m.conns {
		if c.local.host() == host {
			dead = append(dead, c)
		}
	}
	m.mu.Unlock()
	for _, d := range dead {
		d.Close()
	}
}

// applyCuts brings all connections in line with the cuts. m.mu is held.
func (m *Memory) applyCuts() {
	for c := range m.conns {
		cut := m.cut[between(c.local.host(), c.remote.host())]
		c.in.setCut(cut)
		c.out.setCut(cut)
	}
	close(m.healed)
	m.healed = make(chan struct{})
}

// between names a pair of hosts, the same either way round.
func between(a, b string) [2]string { return [2]string{min(a, b), max(a, b)} }

// memoryAddr is "host:port".
type memoryAddr string

func (memoryAddr) Network() string  { return "memory" }
func (a memoryAddr) String() string { return string(a) }

func (a memoryAddr) host() string {
	host, _, _ := net.SplitHostPort(string(a))
	return host
}

// memoryHost is one host's view of a Memory.
type memoryHost struct {
	memory *Memory
	name   string
}

// Listen takes "name:port" or ":port"; port 0 chooses a free one.
func (h memoryHost) Listen(addr string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if host != "" && host != h.name {
		return nil, fmt.Errorf("host %s cannot listen on %s: %w", h.name, addr, syscall.EADDRNOTAVAIL)
	}
	m := h.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	if port == "0" {
		port = m.freePort()
	}
	full := memoryAddr(net.JoinHostPort(h.name, port))
	if m.listeners[string(full)] != nil {
		return nil, fmt.Errorf("listen on %s: %w", full, syscall.EADDRINUSE)
	}
	l := &memoryListener{memory: m, addr: full, conns: make(chan net.Conn, memoryBacklog), done: make(chan struct{})}
	m.listeners[string(full)] = l
	return l, nil
}

func (m *Memory) freePort() string {
	m.lastPort++
	return strconv.Itoa(m.lastPort)
}

func (h memoryHost) Dial(ctx context.Context, addr string) (net.Conn, error) {
	fail := func(err error) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "memory", Addr: memoryAddr(addr), Err: err}
	}
	timer := time.NewTimer(memoryDialTimeout)
	defer timer.Stop()
	pair := between(h.name, memoryAddr(addr).host())
	trip := time.After(2 * time.Duration(h.memory.delay.Load()))
	select {
	case <-trip:
	case <-ctx.Done():
		return fail(ctx.Err())
	}
	for {
		conn, healed, err := h.memory.connect(h.name, addr, pair)
		if healed == nil {
			if err != nil {
				return fail(err)
			}
			return conn, nil
		}
		select {
		case <-healed:
		case <-ctx.Done():
			return fail(ctx.Err())
		case <-timer.C:
			return fail(os.ErrDeadlineExceeded)
		}
	}
}

// connect returns what to wait for if the pair is cut.
func (m *Memory) connect(from, addr string, pair [2]string) (net.Conn, <-chan struct{}, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cut[pair] {
		return nil, m.healed, nil
	}
	l := m.listeners[addr]
	if l == nil || len(l.conns) == cap(l.conns) {
		return nil, nil, syscall.ECONNREFUSED
	}
	there, back := newPipe(&m.delay), newPipe(&m.delay)
	local := memoryAddr(net.JoinHostPort(from, m.freePort()))
	near := &memoryConn{memory: m, in: back, out: there, local: local, remote: l.addr}
	far := &memoryConn{memory: m, in: there, out: back, local: l.addr, remote: local}
	m.conns[near], m.conns[far] = true, true
	l.conns <- far // has room: only we send, under the lock
	return near, nil, nil
}

// A memoryListener is in its Memory's table until closed.
type memoryListener struct {
	memory *Memory
	addr   memoryAddr
	conns  chan net.Conn
	done   chan struct{}
}

func (l *memoryListener) Addr() net.Addr { return l.addr }

func (l *memoryListener) Accept() (net.Conn, error) {
	select {
	case <-l.done:
		return nil, net.ErrClosed
	default:
	}
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *memoryListener) Close() error {
	l.memory.mu.Lock()
	if l.memory.listeners[string(l.addr)] != l {
		l.memory.mu.Unlock()
		return net.ErrClosed
	}
	delete(l.memory.listeners, string(l.addr))
	close(l.done)
	l.memory.mu.Unlock()
	for { // nobody can join the queue any more
		select {
		case conn := <-l.conns:
			conn.Close()
		default:
			return nil
		}
	}
}
