package server

import "github.com/trivetdb/trivet/resp"

// reply takes down a reply, and sends what is there when that is much.
func (s *session) reply(v resp.Value) error {
	n := s.out.append(func(b []byte) []byte { return v.Append(b, s.who.dialect) })
	if v.IsError() {
		s.srv.counts.failed(v.Str)
	}
	if n >= flushAt {
		return s.flush()
	}
	return nil
}

// flush sends all replies. A client that does not take them in time is given up.
func (s *session) flush() error {
	if err := s.out.flush(); err != nil {
		s.limp = false
		return err
	}
	return nil
}

// rest gives back what an idle connection has no use for.
func (s *session) rest() {
	if cap(s.writes.rows) > keepRows {
		s.writes.rows = nil
	}
}
