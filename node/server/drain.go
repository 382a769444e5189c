package server

import "time"

// quietTime is how long a connection must have been quiet before a server that
// stops closes it between two commands.
const quietTime = 500 * time.Millisecond

// parting reports whether the connection ends with the replies that are about
// to be sent: the server stops, the client was answered and is in the middle of
// nothing. A client that has only just connected is let ask something first.
func (s *session) parting() bool {
	if !s.srv.conns.stopping.Load() || s.blocked.Load() != nil || s.reader.Buffered() > 0 || s.ahead.holds() || !s.out.waits() {
		return false
	}
	last := s.last.Load()
	return last != nil && last.Group != "connection" && !s.tx.open && len(s.tx.watched) == 0
}
