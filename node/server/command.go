package server

import (
	"slices"
	"strings"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/resp"
)

var aboutConnection = []string{"@connection"}

var commandCommands = []local{
	{spec("COMMAND", -1, forHelp|fsm.Container, "server", "Describe all commands.", "2.8.13"), "", aboutConnection, commandAll},
	{spec("COMMAND|COUNT", 2, forHelp, "server", "Count the commands.", "2.8.13"), "", aboutConnection, commandCount},
	{spec("COMMAND|DOCS", -2, forHelp, "server", "Get the documentation of commands.", "7.0.0"), "[name ...]", aboutConnection, commandDocs},
	{spec("COMMAND|GETKEYS", -4, forHelp, "server", "Find the keys in a whole command.", "2.8.13"), "command [arg ...]", aboutConnection, commandGetKeys},
	{spec("COMMAND|GETKEYSANDFLAGS", -4, forHelp, "server", "Find the keys in a whole command, and what it does to them.", "7.0.0"), "command [arg ...]", aboutConnection, commandGetKeysAndFlags},
	{spec("COMMAND|HELP", 2, forHelp, "server", "Show the subcommands.", "5.0.0"), "", aboutConnection, helpOf("COMMAND")},
	{spec("COMMAND|INFO", -2, forHelp, "server", "Describe commands.", "2.8.13"), "[name ...]", aboutConnection, commandInfo},
	{spec("COMMAND|LIST", -2, forHelp, "server", "List the names of commands.", "7.0.0"), "[FILTERBY MODULE name | ACLCAT category | PATTERN pattern]", aboutConnection, commandList},
}

// categories returns the ACL categories, sorted.
func (r *row) categories() []string {
	if r.Flags&fsm.Container != 0 && r.run == nil {
		return []string{"@slow"}
	}
	c := append(r.Categories(), r.acl...)
	slices.Sort(c)
	return slices.Compact(c)
}

func statuses(names []string) resp.Value {
	v := resp.Value{Kind: resp.Set}
	for _, name := range names {
		v.Elems = append(v.Elems, resp.Status(name))
	}
	return v
}

// describe returns what COMMAND INFO says of a row.
func (r *row) describe() resp.Value {
	subs := resp.List()
	for _, sub := range r.order {
		subs.Elems = append(subs.Elems, sub.describe())
	}
	last := r.Keys.Last
	return resp.List(
		resp.Str(r.full),
		resp.Int(int64(r.Arity)),
		statuses(r.Flags.Names()),
		resp.Int(int64(r.Keys.First)), resp.Int(int64(last)), resp.Int(int64(r.Keys.Step)),
		statuses(r.categories()),
		resp.Value{Kind: resp.Set}, // tips for proxies: none
		r.keySpecs(),
		subs,
	)
}

// keySpecs returns the positions of the keys in the form that Redis 7 brought.
func (r *row) keySpecs() resp.Value {
	specs := resp.Value{Kind: resp.Set}
	if r.Keys.First == 0 {
		return specs
	}
	last := r.Keys.Last
	if last > 0 {
		last -= r.Keys.First
	}
	specs.Elems = append(specs.Elems, resp.Dict(
		resp.Str("flags"), statuses(r.access()),
		resp.Str("begin_search"), resp.Dict(
			resp.Str("type"), resp.Str("index"),
			resp.Str("spec"), resp.Dict(resp.Str("index"), resp.Int(int64(r.Keys.First))),
		),
		resp.Str("find_keys"), resp.Dict(
			resp.Str("type"), resp.Str("range"),
			resp.Str("spec"), resp.Dict(
				resp.Str("lastkey"), resp.Int(int64(last)),
				resp.Str("keystep"), resp.Int(int64(r.Keys.Step)),
				resp.Str("limit"), resp.Int(0),
			),
		),
	))
	return specs
}

func commandAll(s *session, _ [][]byte) resp.Value {
	list := resp.List()
	for _, r := range s.srv.table.sorted {
		list.Elems = append(list.Elems, r.describe())
	}
	return list
}

func commandCount(s *session, _ [][]byte) resp.Value {
	return resp.Int(int64(len(s.srv.table.sorted)))
}

func commandInfo(s *session, args [][]byte) resp.Value {
	if len(args) == 2 {
		return commandAll(s, args)
	}
	list := resp.List()
	for _, name := range args[2:] {
		if r := s.srv.table.findPath(name); r != nil {
			list.Elems = append(list.Elems, r.describe())
		} else {
			list.Elems = append(list.Elems, resp.Nil)
		}
	}
	return list
}

// docs returns what COMMAND DOCS says of a row.
func (r *row) docs() resp.Value {
	d := resp.Dict(
		resp.Str("summary"), resp.Str(r.Summary),
		resp.Str("since"), resp.Str(r.Since),
		resp.Str("group"), resp.Str(r.Group),
	)
	if len(r.order) > 0 {
		subs := resp.Dict()
		for _, sub := range r.order {
			subs.Elems = append(subs.Elems, resp.Str(sub.full), sub.docs())
		}
		d.Elems = append(d.Elems, resp.Str("subcommands"), subs)
	}
	return d
}

func commandDocs(s *session, args [][]byte) resp.Value {
	rows := s.srv.table.sorted
	if len(args) > 2 {
		rows = nil
		for _, name := range args[2:] {
			if r := s.srv.table.findPath(name); r != nil && !slices.Contains(rows, r) {
				rows = append(rows, r)
			}
		}
	}
	d := resp.Dict()
	for _, r := range rows {
		d.Elems = append(d.Elems, resp.Str(r.full), r.docs())
	}
	return d
}

func commandGetKeys(s *session, args [][]byte) resp.Value {
	args = args[2:]
	r := s.srv.table.find(args[0], false)
	if r != nil && r.Flags&fsm.Container != 0 {
		r = r.sub(args[1])
	}
	switch {
	case r == nil:
		return errKeysCommand
	case r.Keys.First == 0 && r.Flags&fsm.MovableKeys == 0:
		return errKeysNone
	case !r.ArityOK(len(args)):
		return errKeysCount
	}
	keys := resp.List()
	for _, i := range r.KeysOf(args) {
		keys.Elems = append(keys.Elems, resp.Str(string(args[i])))
	}
	return keys
}

func commandList(s *session, args [][]byte) resp.Value {
	want := func(*row) bool { return true }
	switch {
	case len(args) == 2:
	case len(args) != 5 || !is(args[2], "FILTERBY"):
		return errSyntax
	case is(args[3], "MODULE"):
		want = func(*row) bool { return false }
	case is(args[3], "ACLCAT"):
		category := "@" + strings.ToLower(string(args[4]))
		want = func(r *row) bool { return slices.Contains(r.categories(), category) }
	case is(args[3], "PATTERN"):
		pattern := strings.ToLower(string(args[4]))
		want = func(r *row) bool { return fsm.Match(pattern, r.full) }
	default:
		return errSyntax
	}
	list := resp.List()
	for _, r := range s.srv.table.all {
		if r.Flags&fsm.ClassicOnly == 0 && want(r) {
			list.Elems = append(list.Elems, resp.Str(r.full))
		}
	}
	return list
}
