package server

import (
	"context"
	"math"
	"time"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/resp"
)

// Each write is answered once a majority of the nodes has it on disk. So WAIT
// knows at once of as many followers as that takes, besides the leader; for more
// it asks the followers until they have applied the client's last write, or the
// timeout is over. What a follower has applied it has on disk, so WAITAOF counts
// the same.
var waitCommands = []local{
	{spec("WAIT", 3, fsm.Local|fsm.NoScript, "connection", "Wait until followers hold the connection's writes, and count those that do.", "3.0.0"), "numreplicas timeout", nil, wait},
	{spec("WAITAOF", 4, fsm.Local|fsm.NoScript, "connection", "Wait until this node and followers have the connection's writes on disk, and count them.", "7.2.0"), "numlocal numreplicas timeout", nil, waitAOF},
}

func wait(s *session, args [][]byte) resp.Value {
	enough, ok := parseInt(args[1])
	if !ok {
		return errNotInteger
	}
	timeout, fail := parseTimeout(args[2])
	if fail.IsError() {
		return fail
	}
	n, fail := s.waitFollowers(args, enough, timeout)
	if fail.IsError() {
		return fail
	}
	return resp.Int(int64(n))
}

// waitFollowers waits until as many followers as are enough hold the client's
// last write, and returns how many are known to.
func (s *session) waitFollowers(args [][]byte, enough, timeout int64) (n int, fail resp.Value) {
	backend, index := s.srv.opts.Backend, s.seen
	most := int(min(max(enough, 0), math.MaxInt32))
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	if n = backend.Followers(ctx, index, most); n >= most || s.inExec {
		return n, resp.Nil
	}
	began := time.Now()
	s.keep(args)
	e, err := s.napFor(after(timeout), func(ctx context.Context) { n = max(n, backend.Followers(ctx, index, most)) })
	s.waited += time.Since(began)
	s.fault = err
	if e == interrupted {
		return n, errUnblocked
	}
	return n, resp.Nil
}

func waitAOF(s *session, args [][]byte) resp.Value {
	numLocal, ok := parseInt(args[1])
	enough, ok2 := parseInt(args[2])
	switch {
	case !ok:
		return errNotInteger
	case numLocal < 0 || numLocal > 1:
		return errWaitLocal
	case !ok2:
		return errNotInteger
	case enough < 0:
		return errWaitReplicas
	}
	timeout, fail := parseTimeout(args[3])
	if fail.IsError() {
		return fail
	}
	n, fail := s.waitFollowers(args, enough, timeout)
	if fail.IsError() {
		return fail
	}
	own := int64(0)
	if backend := s.srv.opts.Backend; backend.Leads() || backend.Status().Applied >= s.seen {
		own = 1
	}
	return resp.List(resp.Int(own), resp.Int(int64(n)))
}

var (
	errWaitLocal    = resp.Err("ERR value is out of range, must be between 0 and 1")
	errWaitReplicas = resp.Err("ERR value is out of range, must be positive")
)
