package server

import (
	"bytes"
	"strconv"
	"time"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/fsm/acl"
	"github.com/trivetdb/trivet/resp"
)

// redisVersion is the version whose behaviour clients may rely on.
const redisVersion = "7.2.4"

const atTheDoor = fsm.Local | fsm.NoScript | fsm.Loading | fsm.Stale | fsm.Fast | fsm.NoAuth | fsm.AllowBusy

var connectionCommands = []local{
	{spec("PING", -1, fsm.Local|fsm.Fast|fsm.Subscriber, "connection", "Answer PONG, or the message.", "1.0.0"), "[message]", nil, ping},
	{spec("ECHO", 2, fsm.Local|fsm.Loading|fsm.Stale|fsm.Fast, "connection", "Answer the message.", "1.0.0"), "message", nil, echo},
	{spec("HELLO", -1, atTheDoor, "connection", "Choose the protocol and learn about the server.", "6.0.0"), "[protover [AUTH username password] [SETNAME clientname]]", nil, hello},
	{spec("AUTH", -2, atTheDoor, "connection", "Authenticate the connection.", "1.0.0"), "[username] password", nil, auth},
	{spec("SELECT", 2, fsm.Local|fsm.Loading|fsm.Stale|fsm.Fast, "connection", "Change the database of the connection.", "1.0.0"), "index", nil, selectDB},
	{spec("QUIT", -1, atTheDoor|fsm.Unqueued|fsm.Subscriber, "connection", "Close the connection.", "1.0.0"), "", nil, quit},
	{spec("RESET", 1, atTheDoor|fsm.Unqueued|fsm.Subscriber, "connection", "Put the connection into the state of a new one.", "6.2.0"), "", nil, reset},
	{spec("TIME", 1, fsm.Local|fsm.Loading|fsm.Stale|fsm.Fast, "server", "Get this node's time in seconds and microseconds.", "2.6.0"), "", nil, timeNow},
}

func ping(s *session, args [][]byte) resp.Value {
	switch {
	case s.listens() && len(args) < 3: // a reply that looks like a message
		return resp.Strs("pong", string(bytes.Join(args[1:], nil)))
	}
	switch len(args) {
	case 1:
		return resp.Status("PONG")
	case 2:
		return resp.Str(string(args[1]))
	}
	return resp.Err("ERR wrong number of arguments for 'ping' command")
}

func echo(_ *session, args [][]byte) resp.Value { return resp.Str(string(args[1])) }

func quit(s *session, _ [][]byte) resp.Value {
	s.quit = true
	return resp.OK
}

func timeNow(*session, [][]byte) resp.Value {
	now := time.Now().UnixMicro()
	return resp.Strs(strconv.FormatInt(now/1e6, 10), strconv.FormatInt(now%1e6, 10))
}

func selectDB(s *session, args [][]byte) resp.Value {
	db, ok := parseInt(args[1])
	switch {
	case !ok || db != int64(int32(db)):
		return errNotInteger
	case db < 0 || db >= fsm.Databases:
		return errDBIndex
	}
	s.set(func(who *identity) { who.db = int(db) })
	return resp.OK
}

func reset(s *session, _ [][]byte) resp.Value {
	s.set(func(who *identity) {
		who.db, who.name = 0, ""
		who.linearizable = s.srv.opts.Linearizable
		if !s.classic {
			who.dialect = resp.RESP2
		}
	})
	s.tx = transaction{}
	s.leaveChannels()
	s.leaveMonitors()
	s.hush = hushNone
	s.shape.noTouch.Store(false)
	s.become(acl.Default)
	s.trust(false)
	s.admit()
	return resp.Status("RESET")
}

// trust says whether the client has shown who it is. A guest may only send
// what is small.
func (s *session) trust(authed bool) {
	s.set(func(who *identity) { who.authed = authed })
	limits := resp.GuestLimits
	if authed {
		limits = resp.DefaultLimits
	}
	s.reader.SetLimits(limits)
}

func auth(s *session, args [][]byte) resp.Value {
	user := []byte(acl.Default)
	switch {
	case len(args) > 3:
		return errSyntax
	case len(args) == 3:
		user = args[1]
	case s.srv.people.get().Get(acl.Default).NoPass:
		return errNoPassword
	}
	if !s.authenticate(args[0], user, args[len(args)-1]) {
		return errWrongPass
	}
	return resp.OK
}

// helloOptions are what HELLO asks for; nil is what it does not mention.
type helloOptions struct{ user, password, name []byte }

func parseHello(args [][]byte) (o helloOptions, fail resp.Value) {
	for i := 0; i < len(args); i++ {
		left := len(args) - i - 1
		switch {
		case is(args[i], "AUTH") && left >= 2:
			o.user, o.password = args[i+1], args[i+2]
			i += 2
		case is(args[i], "SETNAME") && left >= 1:
			o.name = args[i+1]
			i++
		default:
			return o, errHelloOption(args[i])
		}
	}
	return o, resp.Nil
}

func hello(s *session, args [][]byte) resp.Value {
	var o helloOptions
	dialect := s.who.dialect
	if len(args) > 1 {
		version, ok := parseInt(args[1])
		switch {
		case !ok:
			return errProtoInteger
		case s.classic: // has one way to speak
			return errNoProto
		case version == 2:
			dialect = resp.RESP2
		case version == 3:
			dialect = resp.RESP3
		default:
			return errNoProto
		}
		var fail resp.Value
		if o, fail = parseHello(args[2:]); fail.IsError() {
			return fail
		}
	}
	switch {
	case o.user != nil && !s.authenticate(args[0], o.user, o.password):
		return errWrongPass
	case !s.who.authed && !s.admit():
		return errHelloNoAuth
	}
	if fail := badName(o.name); fail.IsError() {
		return fail
	}
	s.set(func(who *identity) {
		who.dialect = dialect
		if o.name != nil {
			who.name = string(o.name)
		}
	})
	return s.greeting()
}

// greeting is what HELLO answers.
func (s *session) greeting() resp.Value {
	proto, role := int64(2), "replica"
	if s.who.dialect == resp.RESP3 {
		proto = 3
	}
	if s.srv.opts.Backend.Leads() {
		role = "master"
	}
	return resp.Dict(
		resp.Str("server"), resp.Str("redis"),
		resp.Str("version"), resp.Str(redisVersion),
		resp.Str("proto"), resp.Int(proto),
		resp.Str("id"), resp.Int(s.id),
		resp.Str("mode"), resp.Str("standalone"),
		resp.Str("role"), resp.Str(role),
		resp.Str("modules"), resp.List(),
	)
}

// maxClientName bounds a client's name and those of its library. Redis has no such
// bound; what is kept of a client must be small, as anybody may be one.
const maxClientName = 512

// badName returns the error for a name that a client cannot have.
func badName(name []byte) resp.Value {
	switch {
	case len(name) > maxClientName:
		return errLongName("client name")
	case !validName(name):
		return errClientName
	}
	return resp.Nil
}

// validName reports whether name is one that CLIENT LIST can show.
func validName(name []byte) bool {
	for _, c := range name {
		if c < '!' || c > '~' {
			return false
		}
	}
	return true
}

// parseInt reads a decimal integer as strictly as Redis: one number, one form.
func parseInt(b []byte) (int64, bool) {
	n, err := strconv.ParseInt(string(b), 10, 64)
	return n, err == nil && strconv.FormatInt(n, 10) == string(b)
}
