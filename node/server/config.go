package server

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/resp"
)

var configCommands = []local{
	{spec("CONFIG", -2, fsm.Local|fsm.Container, "server", "Commands about the configuration.", "2.0.0"), "", nil, nil},
	{spec("CONFIG|GET", -3, ofClient|fsm.Admin, "server", "Get the parameters that match patterns.", "2.0.0"), "pattern [pattern ...]", nil, configGet},
	{spec("CONFIG|HELP", 2, forHelp, "server", "Show the subcommands.", "5.0.0"), "", nil, helpOf("CONFIG")},
	{spec("CONFIG|RESETSTAT", 2, ofClient|fsm.Admin, "server", "Set what INFO counts on this node to zero.", "2.0.0"), "", nil, configResetStat},
	{spec("CONFIG|REWRITE", 2, ofClient|fsm.Admin, "server", "Answer OK: what CONFIG SET sets is kept anyway.", "2.8.0"), "", nil, configRewrite},
	{spec("CONFIG|SET", -4, ofClient|fsm.Admin, "server", "Set parameters on all nodes, for good.", "2.0.0"), "parameter value [parameter value ...]", nil, configSet},
}

// A parameter is what CONFIG knows of one. Where package fsm can read a value of
// it, it is a setting of the cluster: CONFIG SET sends it through the log, and
// what is set counts on all nodes, after restarts too, and more than a node's own
// flags, until CONFIG SET gives it the value "default". The others are what
// Redis's tools ask for and is true of this node too.
type parameter struct {
	value  func(*Server) string // what counts where nothing is set
	always bool                 // Redis does not let it be changed either
}

var parameters = map[string]parameter{
	"acllog-max-len":             {constant(strconv.Itoa(defaultDenied)), false},
	"appendfsync":                {constant("always"), false},
	"appendonly":                 {constant("yes"), false},
	"client-output-buffer-limit": {constant(fsm.BufferLimits(maxReplies, maxUnsent)), false},
	"databases":                  {constant(strconv.Itoa(fsm.Databases)), true},
	"latency-monitor-threshold":  {constant("0"), false},
	"maxclients":                 {func(s *Server) string { return strconv.Itoa(s.opts.MaxClients) }, false},
	"maxmemory":                  {func(s *Server) string { return strconv.FormatUint(s.settings.Load().MaxMemory(), 10) }, false},
	"maxmemory-clients":          {func(s *Server) string { return strconv.FormatInt(s.opts.ClientMemory, 10) }, false},
	"maxmemory-policy":           {constant("noeviction"), false},
	"notify-keyspace-events":     {constant(""), false},
	"port":                       {func(s *Server) string { return portOf(s.opts.RedisAddr) }, false},
	"proto-max-bulk-len":         {constant(strconv.Itoa(resp.DefaultLimits.Bulk)), false},
	"protected-mode":             {func(s *Server) string { return yesOrNo(s.protectedMode()) }, false},
	"save":                       {constant(""), false},
	"slowlog-log-slower-than":    {constant("10000"), false},
	"slowlog-max-len":            {constant("128"), false},
	"timeout":                    {constant("0"), false},
}

func constant(value string) func(*Server) string { return func(*Server) string { return value } }

// parameter returns a parameter's present value.
func (s *Server) parameter(name string) string {
	if value, ok := s.settings.Load().Get(name); ok {
		return value
	}
	return parameters[name].value(s)
}

func configGet(s *session, args [][]byte) resp.Value {
	found := map[string]string{} // as shown -> the parameter
	for _, arg := range args[2:] {
		pattern := strings.ToLower(string(arg))
		if parameters[pattern].value != nil {
			found[string(arg)] = pattern // Redis repeats a plain name as it came
			continue
		}
		for name := range parameters {
			if fsm.Match(pattern, name) {
				found[name] = name
			}
		}
	}
	d := resp.Dict()
	for _, name := range slices.Sorted(maps.Keys(found)) {
		d.Elems = append(d.Elems, resp.Str(name), resp.Str(s.srv.parameter(found[name])))
	}
	return d
}

func configResetStat(s *session, _ [][]byte) resp.Value {
	s.srv.counts.reset()
	for _, r := range s.srv.table.all {
		r.stats.reset()
	}
	s.srv.table.unknown.stats.reset()
	return resp.OK
}

func configRewrite(*session, [][]byte) resp.Value { return resp.OK }

// configSet sets all parameters or none. Any node takes it, also one that
// redirects other writes: it is about all of them.
func configSet(s *session, args [][]byte) resp.Value {
	pairs := args[2:]
	if len(pairs)%2 == 1 {
		return errSyntax
	}
	if fail := settable(pairs); fail.IsError() {
		return fail
	}
	changes := [][]byte{nil}
	for i := 0; i < len(pairs); i += 2 {
		name, text := strings.ToLower(string(pairs[i])), string(pairs[i+1])
		if name == "client-output-buffer-limit" && text != fsm.Unset && len(strings.Fields(text)) > 0 {
			text = s.srv.parameter(name) + " " + text // classes that are not named keep their limits
		}
		value, err := fsm.ParseSetting(name, text)
		switch {
		case err == nil:
			changes = append(changes, []byte(name), []byte(value))
		case !errors.Is(err, fsm.ErrUnknownSetting):
			return errConfigSet(pairs[i], err.Error())
		case string(pairs[i+1]) != s.srv.parameter(name):
			return errConfigSet(pairs[i], "trivet does not let it be changed")
		}
	}
	if len(changes) > 1 {
		s.fault = s.applySettings(changes)
	}
	return resp.OK
}

// settable finds a name that cannot be set at all.
func settable(pairs [][]byte) resp.Value {
	seen := map[string]bool{}
	for i := 0; i < len(pairs); i += 2 {
		name := strings.ToLower(string(pairs[i]))
		p := parameters[name]
		switch {
		case name == "requirepass":
			return errConfigSet(pairs[i], "passwords are not part of the configuration: give each node the flag --password")
		case p.value == nil:
			return errConfigUnknown(pairs[i])
		case p.always:
			return errConfigSet(pairs[i], "can't set immutable config")
		case seen[name]:
			return errConfigSet(pairs[i], "duplicate parameter")
		}
		seen[name] = true
	}
	return resp.Nil
}

// The rows of package fsm that settings need.
var (
	setSettings = fsm.Lookup("SETTINGS|SET")
	memoryFull  = fsm.Lookup("SETTINGS|FULL")
)

// applySettings sends settings through the log, and waits until this node goes
// by them.
func (s *session) applySettings(args [][]byte) error {
	var group fsm.Group
	group.Add(setSettings, args, nil)
	_, index, err := s.srv.opts.Backend.Write(s.ctx, s.who.db, &group)
	switch {
	case errors.Is(err, ErrNoLeader):
		return err
	case err != nil:
		return errors.Join(ErrUnknown, err)
	}
	s.seen = max(s.seen, index)
	s.full() // is answered once this node has applied as much
	return nil
}

// full reports whether the data has outgrown maxmemory, as far as this node
// knows. Whether a command is refused is decided where it is applied.
func (s *session) full() bool {
	v, err := s.srv.opts.Backend.Read(s.ctx, fsm.Request{Command: memoryFull, Args: [][]byte{nil}}, s.seen, false)
	return err == nil && v.Int == 1
}

// limited reports whether there is a limit of memory.
func (s *Server) limited() bool { return s.settings.Load().MaxMemory() > 0 }
