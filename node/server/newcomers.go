package server

import "time"

// A newcomer is a connection on which nothing was asked for yet, or whose client
// has not said who it is. Anybody can open any number of them. So they have a time
// to come in; they may take half of the places for clients, and where all places
// are taken, the oldest of them makes room for the next.

const (
	// newcomerGrace is how long a newcomer has its place for sure.
	newcomerGrace = time.Second
	// maxOperators is how many connections the socket in the data directory takes.
	// They have places of their own, so that an operator gets in when clients have
	// taken all others.
	maxOperators = 32
)

// comeIn is called when the client has asked for something.
func (s *session) comeIn() {
	if s.knocking && s.who.authed {
		s.knocking = false
		s.srv.conns.mu.Lock()
		defer s.srv.conns.mu.Unlock()
		s.srv.conns.welcome(s)
	}
}

// welcome makes se a newcomer no more. The caller holds the lock.
func (c *conns) welcome(se *session) {
	if se.newcomer != nil {
		c.newcomers.Remove(se.newcomer)
		se.newcomer = nil
	}
}

// oldestNewcomer returns the one that was the first to come, if it did so a time
// ago. The caller holds the lock.
func (c *conns) oldestNewcomer(ago time.Duration) *session {
	first := c.newcomers.Front()
	if first == nil {
		return nil
	}
	se := first.Value.(*session)
	if time.Since(se.who.born) < ago { // born never changes
		return nil
	}
	return se
}

// late takes out a newcomer that has not come in for a time, and returns it.
func (c *conns) late(after time.Duration) *session {
	c.mu.Lock()
	defer c.mu.Unlock()
	se := c.oldestNewcomer(after)
	if se != nil {
		c.drop(se)
	}
	return se
}
