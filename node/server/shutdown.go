package server

import (
	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/resp"
)

var shutdownCommands = []local{
	{spec("SHUTDOWN", -1, fsm.Local|fsm.Admin|fsm.NoScript|fsm.Loading|fsm.Stale|fsm.NoMulti|fsm.AllowBusy, "server", "Stop this node in order, after it has handed over the leadership.", "1.0.0"), "[NOSAVE|SAVE] [NOW] [FORCE] [ABORT]", nil, shutdown},
	{spec("FAILOVER", -1, fsm.Local|fsm.Admin|fsm.NoScript|fsm.Stale, "server", "Hand the leadership over, to the member at an address or to the most current one.", "6.2.0"), "[TO host port [FORCE]] [ABORT] [TIMEOUT milliseconds]", nil, failover},
}

// shutdown stops the node as SIGTERM does; all it acknowledged is on disk, so only
// SAVE, which takes a snapshot first, makes a difference. What was begun cannot be
// taken back.
func shutdown(s *session, args [][]byte) resp.Value {
	var save, noSave, abort, force, now bool
	for _, arg := range args[1:] {
		switch {
		case is(arg, "SAVE"):
			save = true
		case is(arg, "NOSAVE"):
			noSave = true
		case is(arg, "NOW"):
			now = true
		case is(arg, "FORCE"):
			force = true
		case is(arg, "ABORT"):
			abort = true
		default:
			return errSyntax
		}
	}
	switch {
	case save && noSave, abort && (save || noSave || now || force):
		return errSyntax
	case abort:
		return errNoShutdown
	}
	if save {
		if err := s.srv.saves.run(s.ctx, s.srv.opts.Backend); err != nil && !force {
			s.srv.opts.Log.Error("SHUTDOWN SAVE", "err", err)
			return errShutdown
		}
	}
	s.srv.opts.Log.Info("a client asks this node to stop", "client", s.conn.RemoteAddr())
	s.srv.opts.Backend.Stop()
	s.quit = true
	return noReply
}

var (
	errNoShutdown  = resp.Err("ERR No shutdown in progress.")
	errShutdown    = resp.Err("ERR Errors trying to SHUTDOWN. Check logs.")
	errNoFailover  = resp.Err("ERR No failover in progress.")
	errFailForce   = resp.Err("ERR FAILOVER with force option requires both a timeout and target HOST and IP.")
	errFailTimeout = resp.Err("ERR FAILOVER timeout must be greater than 0")
	errFailReplica = resp.Err("ERR FAILOVER is not valid when server is a replica.")
	errFailNobody  = resp.Err("ERR FAILOVER requires connected replicas.")
	errFailTarget  = resp.Err("ERR FAILOVER target HOST and PORT is not a replica.")
)

// failoverOptions are what FAILOVER asks for.
type failoverOptions struct {
	host                string
	port, timeout       int64
	to, limited, forced bool
}

func parseFailover(args [][]byte) (o failoverOptions, fail resp.Value) {
	for i := 1; i < len(args); i++ {
		left, ok := len(args)-i-1, false
		switch {
		case is(args[i], "TIMEOUT") && left >= 1 && !o.limited:
			if o.timeout, ok = parseInt(args[i+1]); !ok {
				return o, errNotInteger
			}
			if o.timeout <= 0 {
				return o, errFailTimeout
			}
			o.limited = true
			i++
		case is(args[i], "TO") && left >= 2 && !o.to:
			if o.port, ok = parseInt(args[i+2]); !ok {
				return o, errNotInteger
			}
			o.host, o.to = string(args[i+1]), true
			i += 2
		case is(args[i], "FORCE") && !o.forced:
			o.forced = true
		default:
			return o, errSyntax
		}
	}
	return o, resp.Nil
}

// failover answers once another node leads, where Redis answers at once. There is
// no way to force a node that lags: it could not be elected.
func failover(s *session, args [][]byte) resp.Value {
	if len(args) == 2 && is(args[1], "ABORT") {
		return errNoFailover
	}
	o, fail := parseFailover(args)
	switch {
	case fail.IsError():
		return fail
	case !s.srv.opts.Backend.Leads():
		return errFailReplica
	case s.srv.opts.Backend.Status().Peers == 0:
		return errFailNobody
	case o.forced && !(o.limited && o.to):
		return errFailForce
	}
	name := ""
	if o.to {
		for _, m := range s.members() {
			if host, port := splitAddr(m.Redis); host == o.host && port == o.port {
				name = m.ID
			}
		}
		if name == "" || name == s.srv.opts.Backend.Status().ID {
			return errFailTarget
		}
	}
	return done(s.srv.opts.Backend.Transfer(s.ctx, name))
}
