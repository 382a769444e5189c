package server

import (
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/resp"
)

const (
	ofClient = fsm.Local | fsm.NoScript | fsm.Loading | fsm.Stale
	forHelp  = fsm.Local | fsm.Loading | fsm.Stale
)

var clientCommands = []local{
	{spec("CLIENT", -2, fsm.Local|fsm.Container, "connection", "Commands about connections.", "2.4.0"), "", nil, nil},
	{spec("CLIENT|GETNAME", 2, ofClient, "connection", "Get the name of the connection.", "2.6.9"), "", nil, clientGetName},
	{spec("CLIENT|HELP", 2, forHelp, "connection", "Show the subcommands.", "5.0.0"), "", nil, helpOf("CLIENT")},
	{spec("CLIENT|ID", 2, ofClient, "connection", "Get the number of the connection.", "5.0.0"), "", nil, clientID},
	{spec("CLIENT|INFO", 2, ofClient, "connection", "Describe the connection.", "6.2.0"), "", nil, clientInfo},
	{spec("CLIENT|KILL", -3, ofClient|fsm.Admin, "connection", "Close connections.", "2.4.0"), "ip:port | [ID n] [TYPE normal|master|replica|pubsub] [USER name] [ADDR ip:port] [LADDR ip:port] [SKIPME yes|no] [MAXAGE seconds]", nil, clientKill},
	{spec("CLIENT|LIST", -2, ofClient|fsm.Admin, "connection", "Describe the connections to this node.", "2.4.0"), "[TYPE normal|master|replica|pubsub] [ID n ...]", nil, clientList},
	{spec("CLIENT|NO-EVICT", 3, ofClient|fsm.Admin, "connection", "Keep the connection when clients hold more than maxmemory-clients.", "7.0.0"), "ON|OFF", nil, clientSwitch(func(p *shape) *atomic.Bool { return &p.noEvict })},
	{spec("CLIENT|NO-TOUCH", 3, ofClient, "connection", "Accepted and without effect: reads leave no trace.", "7.2.0"), "ON|OFF", nil, clientSwitch(func(p *shape) *atomic.Bool { return &p.noTouch })},
	{spec("CLIENT|READS", -2, ofClient|fsm.Alias, "connection", "Choose whether this connection's reads are local or linearizable, or get the choice.", "7.2.0"), "[LOCAL|LINEARIZABLE]", nil, clientReads},
	{spec("CLIENT|SETINFO", 4, ofClient, "connection", "Say which library the client uses.", "7.2.0"), "LIB-NAME name | LIB-VER version", nil, clientSetInfo},
	{spec("CLIENT|SETNAME", 3, ofClient, "connection", "Name the connection.", "2.6.9"), "name", nil, clientSetName},
	{spec("CLIENT|UNBLOCK", -3, ofClient|fsm.Admin, "connection", "Let a client wait no longer.", "5.0.0"), "client-id [TIMEOUT|ERROR]", nil, clientUnblock},
}

// helpOf returns the HELP of a container: its subcommands as the table has them.
func helpOf(container string) func(*session, [][]byte) resp.Value {
	return func(s *session, _ [][]byte) resp.Value {
		lines := []resp.Value{resp.Status(container + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")}
		for _, r := range s.srv.table.redis[container].order {
			_, name, _ := strings.Cut(r.Name, "|")
			lines = append(lines, resp.Status(strings.TrimSpace(name+" "+r.usage)), resp.Status("    "+r.Summary))
		}
		return resp.List(lines...)
	}
}

func clientID(s *session, _ [][]byte) resp.Value { return resp.Int(s.id) }

func clientGetName(s *session, _ [][]byte) resp.Value {
	if s.who.name == "" {
		return resp.Nil
	}
	return resp.Str(s.who.name)
}

func clientSetName(s *session, args [][]byte) resp.Value {
	if fail := badName(args[2]); fail.IsError() {
		return fail
	}
	s.set(func(who *identity) { who.name = string(args[2]) })
	return resp.OK
}

func clientSetInfo(s *session, args [][]byte) resp.Value {
	value := string(args[3])
	switch {
	case len(value) > maxClientName && (is(args[2], "LIB-NAME") || is(args[2], "LIB-VER")):
		return errLongName(strings.ToLower(string(args[2])))
	case is(args[2], "LIB-NAME"):
		if !validName(args[3]) {
			return errSetInfoValue("lib-name")
		}
		s.set(func(who *identity) { who.libName = value })
	case is(args[2], "LIB-VER"):
		if !validName(args[3]) {
			return errSetInfoValue("lib-ver")
		}
		s.set(func(who *identity) { who.libVer = value })
	default:
		return errSetInfo(args[2])
	}
	return resp.OK
}

// clientSwitch returns a command that only sets a flag of CLIENT LIST.
func clientSwitch(flag func(*shape) *atomic.Bool) func(*session, [][]byte) resp.Value {
	return func(s *session, args [][]byte) resp.Value {
		on := is(args[2], "ON")
		if !on && !is(args[2], "OFF") {
			return errSyntax
		}
		flag(&s.shape).Store(on)
		return resp.OK
	}
}

func clientReads(s *session, args [][]byte) resp.Value {
	switch {
	case len(args) == 2 && s.who.linearizable:
		return resp.Str("linearizable")
	case len(args) == 2:
		return resp.Str("local")
	case len(args) > 3 || !is(args[2], "LOCAL") && !is(args[2], "LINEARIZABLE"):
		return errSyntax
	}
	linearizable := is(args[2], "LINEARIZABLE")
	s.set(func(who *identity) { who.linearizable = linearizable })
	return resp.OK
}

// describe returns the line of CLIENT LIST. Any goroutine may call it.
func (s *session) describe() string {
	s.who.mu.Lock()
	defer s.who.mu.Unlock()
	now := time.Now()
	last, proto, unsent, part := "NULL", 2, s.out.len(), &s.held.parts
	if r := s.last.Load(); r != nil {
		last = r.full
	}
	if s.who.dialect == resp.RESP3 {
		proto = 3
	}
	return fmt.Sprintf("id=%d addr=%s laddr=%s fd=-1 name=%s age=%d idle=%d flags=%s db=%d sub=%d psub=%d ssub=%d multi=%d "+
		"qbuf=%d qbuf-free=0 argv-mem=%d multi-mem=%d rbs=0 rbp=0 obl=%d oll=0 omem=%d tot-mem=%d events=r cmd=%s user=%s "+
		"redir=-1 resp=%d lib-name=%s lib-ver=%s\n",
		s.id, s.conn.RemoteAddr(), s.conn.LocalAddr(), s.who.name,
		int64(now.Sub(s.who.born).Seconds()), max(0, now.UnixMilli()-s.active.Load())/1000, s.flags(),
		s.who.db, s.shape.sub.Load(), s.shape.psub.Load(), s.shape.ssub.Load(), s.shape.queued(),
		part[heldRequests].Load(), part[heldWrites].Load(), part[heldQueue].Load(), min(unsent, flushAt), part[heldReplies].Load(), max(int64(unsent), s.held.total.Load()), last, s.who.user, proto, s.who.libName, s.who.libVer)
}

func clientInfo(s *session, _ [][]byte) resp.Value { return resp.Text(s.describe()) }

// A choice says which clients LIST and KILL are about. Zero fields say nothing.
type choice struct {
	ids         map[int64]bool
	kind        string // normal, master, replica or pubsub
	addr, laddr string
	user        string
	byUser      bool  // user counts, as it may be empty
	maxAge      int64 // seconds
	withMe      bool
}

func (c *choice) has(s, me *session) bool {
	switch {
	case c.ids != nil && !c.ids[s.id],
		c.kind != "" && c.kind != s.kind(),
		c.addr != "" && c.addr != s.conn.RemoteAddr().String(),
		c.laddr != "" && c.laddr != s.conn.LocalAddr().String(),
		c.byUser && c.user != s.userName(),
		c.maxAge > 0 && int64(time.Since(s.who.born).Seconds()) < c.maxAge,
		s == me && !c.withMe:
		return false
	}
	return true
}

func (c *choice) setKind(arg []byte) resp.Value {
	for _, kind := range []string{"NORMAL", "MASTER", "REPLICA", "PUBSUB"} {
		if is(arg, kind) {
			c.kind = strings.ToLower(kind)
			return resp.Nil
		}
	}
	if is(arg, "SLAVE") {
		c.kind = "replica"
		return resp.Nil
	}
	return errClientType(arg)
}

func (c *choice) addID(arg []byte, fail resp.Value) resp.Value {
	id, ok := parseInt(arg)
	if !ok || id < 1 {
		return fail
	}
	if c.ids == nil {
		c.ids = map[int64]bool{}
	}
	c.ids[id] = true
	return resp.Nil
}

func clientList(s *session, args [][]byte) resp.Value {
	c := choice{withMe: true}
	switch {
	case len(args) == 2:
	case len(args) == 4 && is(args[2], "TYPE"):
		if fail := c.setKind(args[3]); fail.IsError() {
			return fail
		}
	case len(args) > 3 && is(args[2], "ID"):
		for _, arg := range args[3:] {
			if fail := c.addID(arg, errListID); fail.IsError() {
				return fail
			}
		}
	default:
		return errSyntax
	}
	var text strings.Builder
	for _, other := range s.srv.conns.list() {
		if c.has(other, s) {
			text.WriteString(other.describe())
		}
	}
	return resp.Text(text.String())
}

func clientKill(s *session, args [][]byte) resp.Value {
	old := len(args) == 3
	c, fail := choice{addr: string(args[2]), withMe: true}, resp.Nil
	if !old {
		c, fail = parseKill(args[2:])
	}
	if c.byUser && !fail.IsError() && s.srv.people.get().Get(c.user) == nil {
		fail = errNoSuchUser([]byte(c.user))
	}
	if fail.IsError() {
		return fail
	}
	killed := int64(0)
	for _, other := range s.srv.conns.list() {
		switch {
		case !c.has(other, s):
			continue
		case other == s:
			s.quit = true // once this is answered
		default:
			other.kill()
		}
		killed++
	}
	switch {
	case !old:
		return resp.Int(killed)
	case killed == 0:
		return errNoSuchClient
	}
	return resp.OK
}

func parseKill(args [][]byte) (c choice, fail resp.Value) {
	if len(args)%2 == 1 {
		return c, errSyntax
	}
	for ; len(args) > 0 && !fail.IsError(); args = args[2:] {
		value := args[1]
		switch {
		case is(args[0], "ID"):
			c.ids = nil // the last one counts
			fail = c.addID(value, errKillID)
		case is(args[0], "TYPE"):
			fail = c.setKind(value)
		case is(args[0], "ADDR"):
			c.addr = string(value)
		case is(args[0], "LADDR"):
			c.laddr = string(value)
		case is(args[0], "USER"):
			c.user, c.byUser = string(value), true
		case is(args[0], "SKIPME") && (is(value, "YES") || is(value, "NO")):
			c.withMe = is(value, "NO")
		case is(args[0], "MAXAGE"):
			fail = c.setMaxAge(value)
		default:
			fail = errSyntax
		}
	}
	return c, fail
}

func (c *choice) setMaxAge(arg []byte) resp.Value {
	n, ok := parseInt(arg)
	switch {
	case !ok:
		return errMaxAge
	case n <= 0:
		return errMaxAgeZero
	}
	c.maxAge = n
	return resp.Nil
}
