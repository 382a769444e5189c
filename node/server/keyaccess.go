package server

import (
	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/resp"
)

// access is what a command does to its keys, as far as its flags tell.
func (r *row) access() []string {
	if r.Flags&fsm.Read != 0 {
		return []string{"RO", "access"}
	}
	return []string{"RW", "access", "update"}
}

func commandGetKeysAndFlags(s *session, args [][]byte) resp.Value {
	keys := commandGetKeys(s, args)
	if keys.IsError() {
		return keys
	}
	r := s.srv.table.find(args[2], false)
	if r.Flags&fsm.Container != 0 {
		r = r.sub(args[3])
	}
	for i, key := range keys.Elems {
		keys.Elems[i] = resp.List(key, statuses(r.access()))
	}
	return keys
}
