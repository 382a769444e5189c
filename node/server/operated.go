package server

import (
	"bytes"
	"strings"
	"sync/atomic"
	"time"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/resp"
)

// operated is the part of a session that the operators' commands are about.
type operated struct {
	hush    hush          // CLIENT REPLY
	watches bool          // MONITOR
	inExec  bool          // a command that runs now is one of EXEC's, and must not wait
	kept    [][]byte      // copies of the command's arguments, made before the session read on
	waited  time.Duration // what the command waited for on purpose
	lookups fsm.Lookups   // of the last read
	scratch fsm.Scratch   // of reads
	shape   shape
}

// keep copies arguments that must outlive the next read from the connection.
func (s *session) keep(args [][]byte) [][]byte {
	s.kept = make([][]byte, len(args))
	for i, arg := range args {
		s.kept[i] = bytes.Clone(arg)
	}
	return s.kept
}

// runLocal carries out a Local row.
func (s *session) runLocal(r *row, args [][]byte) resp.Value {
	v := r.run(s, args)
	if s.kept != nil {
		args = s.kept
	}
	s.show(r, args)
	s.noteShape()
	return v
}

// A shape is what CLIENT LIST shows of a session besides its identity. The
// session sets it, any goroutine may look at it.
type shape struct {
	sub, psub, ssub, multi        atomic.Int64
	watches, noEvict, noTouch, tx atomic.Bool
}

// noteShape takes down what a local command may have changed.
func (s *session) noteShape() {
	p := &s.shape
	p.sub.Store(int64(len(s.subs.names[ofChannel])))
	p.psub.Store(int64(len(s.subs.names[ofPattern])))
	p.ssub.Store(int64(len(s.subs.names[ofShard])))
	p.multi.Store(int64(len(s.tx.queue)))
	p.tx.Store(s.tx.open)
	p.watches.Store(s.watches)
	s.held.set(heldQueue, s.tx.bytes)
	s.held.set(heldChannels, s.subs.bytes)
}

// flags are those of CLIENT LIST, in Redis's letters and order.
func (s *session) flags() string {
	p := &s.shape
	var b strings.Builder
	for _, f := range []struct {
		set    bool
		letter byte
	}{
		{p.watches.Load(), 'O'}, {s.kind() == "pubsub", 'P'}, {p.tx.Load(), 'x'}, {s.blocked.Load() != nil, 'b'},
		{p.noEvict.Load(), 'e'}, {p.noTouch.Load(), 'T'},
	} {
		if f.set {
			b.WriteByte(f.letter)
		}
	}
	if b.Len() == 0 {
		return "N"
	}
	return b.String()
}

// kind is the client's type as CLIENT LIST and CLIENT KILL choose by it. A
// monitor counts as normal, as in Redis.
func (s *session) kind() string {
	p := &s.shape
	if p.sub.Load()+p.psub.Load()+p.ssub.Load() > 0 {
		return "pubsub"
	}
	return "normal"
}

// queued returns how many commands wait for EXEC, -1 outside MULTI.
func (p *shape) queued() int64 {
	if !p.tx.Load() {
		return -1
	}
	return p.multi.Load()
}

// A hush says which replies are not sent.
type hush uint8

const (
	hushNone hush = iota
	hushAll       // CLIENT REPLY OFF
	hushNext      // the next command's
	hushThis      // this command's
)

// hushed reports whether a reply is to be left out. Messages are never.
func (s *session) hushed(v resp.Value) bool {
	return (s.hush == hushAll || s.hush == hushThis) && v.Kind != resp.Push
}

// passed is called after each command; it ends CLIENT REPLY SKIP in time.
func (s *session) passed() error {
	s.comeIn()
	switch s.hush {
	case hushNext:
		s.hush = hushThis
	case hushThis:
		err := s.submit()
		s.hush = hushNone
		return err
	}
	return nil
}

func clientReply(s *session, args [][]byte) resp.Value {
	switch {
	case is(args[2], "ON"):
		s.hush = hushNone
		return resp.OK
	case is(args[2], "OFF"):
		s.hush = hushAll
	case !is(args[2], "SKIP"):
		return errSyntax
	case s.hush != hushAll:
		s.hush = hushNext
	}
	if s.inExec { // EXEC's reply has a place for it
		return resp.OK
	}
	return noReply
}
