package transport

import (
	"net"
	"sync"
	"time"
)

// Strangers are connections that were accepted and are not admitted yet. There
// are so many of them at most: for one more, the oldest is closed of the host that
// has the most. So a host that opens many drives out its own. All methods may be
// called concurrently.
type Strangers struct {
	limit int

	mu    sync.Mutex
	hosts map[string][]net.Conn // the oldest first
	count int
}

// NewStrangers returns Strangers of up to limit connections, of which there are none
// yet.
func NewStrangers(limit int) *Strangers {
	return &Strangers{limit: limit, hosts: make(map[string][]net.Conn)}
}

func hostOf(conn net.Conn) string {
	host, _, err := net.SplitHostPort(conn.RemoteAddr().String())
	if err != nil {
		return conn.RemoteAddr().String()
	}
	return host
}

// Enter takes a connection in, and closes another one where there are too many.
func (s *Strangers) Enter(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.count >= s.limit {
		most := ""
		for host, conns := range s.hosts {
			if len(conns) > len(s.hosts[most]) {
				most = host
			}
		}
		s.hosts[most][0].Close()
		s.drop(most, 0)
	}
	host := hostOf(conn)
	s.hosts[host] = append(s.hosts[host], conn)
	s.count++
}

// Leave forgets a connection, which may have been closed to make room.
func (s *Strangers) Leave(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	host := hostOf(conn)
	for i, c := range s.hosts[host] {
		if c == conn {
			s.drop(host, i)
			return
		}
	}
}

// drop takes the i-th of a host out. s.mu is held.
func (s *Strangers) drop(host string, i int) {
	conns := s.hosts[host]
	copy(conns[i:], conns[i+1:])
	conns[len(conns)-1] = nil
	s.hosts[host] = conns[:len(conns)-1]
	if len(s.hosts[host]) == 0 {
		delete(s.hosts, host)
	}
	s.count--
}

// A throttle lets a few log lines a second through: strangers must not fill the
// disk.
type throttle struct {
	mu   sync.Mutex
	last time.Time
	room float64 // lines that may pass
	left int     // lines that did not pass since the last that did
}

// linesAtOnce and linesASecond are how many lines pass.
const (
	linesAtOnce  = 10
	linesASecond = 1
)

// pass reports whether a line may pass now, and how many did not before it.
func (t *throttle) pass(now time.Time) (ok bool, left int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last.IsZero() {
		t.room = linesAtOnce
	} else {
		t.room = min(linesAtOnce, t.room+linesASecond*now.Sub(t.last).Seconds())
	}
	t.last = now
	if t.room < 1 {
		t.left++
		return false, 0
	}
	t.room--
	left, t.left = t.left, 0
	return true, left
}
