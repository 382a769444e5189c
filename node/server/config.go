package server

import (
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
	{spec("CONFIG|RESETSTAT", 2, ofClient|fsm.Admin, "server", "Set what INFO counts to zero.", "2.0.0"), "", nil, configResetStat},
}

// parameters are what Redis's tools ask for, and is true of this node too.
var parameters = map[string]func(*Server) string{
	"appendfsync":        constant("always"),
	"appendonly":         constant("yes"),
	"databases":          constant(strconv.Itoa(fsm.Databases)),
	"maxclients":         func(s *Server) string { return strconv.Itoa(s.opts.MaxClients) },
	"maxmemory":          constant("0"),
	"maxmemory-policy":   constant("noeviction"),
	"port":               func(s *Server) string { return portOf(s.opts.RedisAddr) },
	"proto-max-bulk-len": constant(strconv.Itoa(resp.DefaultLimits.Bulk)),
	"save":               constant(""),
	"timeout":            constant("0"),
}

func constant(value string) func(*Server) string { return func(*Server) string { return value } }

func configGet(s *session, args [][]byte) resp.Value {
	found := map[string]string{} // as shown -> the parameter
	for _, arg := range args[2:] {
		pattern := strings.ToLower(string(arg))
		if parameters[pattern] != nil {
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
		d.Elems = append(d.Elems, resp.Str(name), resp.Str(parameters[found[name]](s.srv)))
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
