package server

import (
	"crypto/rand"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/fsm/acl"
	"github.com/trivetdb/trivet/resp"
)

// aclCommands are the rows of ACL that change no users; the others lie in package
// fsm.
var aclCommands = []local{
	{spec("ACL|CAT", -2, ofClient, "server", "List the categories, or the commands of one.", "6.0.0"), "[category]", nil, aclCat},
	{spec("ACL|DRYRUN", -4, ofClient|fsm.Admin, "server", "Ask whether a user may run a command.", "7.0.0"), "username command [arg ...]", nil, aclDryRun},
	{spec("ACL|GENPASS", -2, ofClient, "server", "Draw a password.", "6.0.0"), "[bits]", nil, aclGenPass},
	{spec("ACL|GETUSER", 3, ofClient|fsm.Admin, "server", "Describe a user.", "6.0.0"), "username", nil, aclGetUser},
	{spec("ACL|HELP", 2, forHelp, "server", "Show the subcommands.", "6.0.0"), "", nil, helpOf("ACL")},
	{spec("ACL|LIST", 2, ofClient|fsm.Admin, "server", "Describe all users, a line each.", "6.0.0"), "", nil, aclList},
	{spec("ACL|LOAD", 2, ofClient|fsm.Admin, "server", "Refused: the users lie in the log, not in a file.", "6.0.0"), "", nil, aclFile},
	{spec("ACL|LOG", -2, ofClient|fsm.Admin, "server", "List what this node's clients were denied, or forget it.", "6.0.0"), "[count | RESET]", nil, aclLog},
	{spec("ACL|SAVE", 2, ofClient|fsm.Admin, "server", "Refused: the users lie in the log, not in a file.", "6.0.0"), "", nil, aclFile},
	{spec("ACL|USERS", 2, ofClient|fsm.Admin, "server", "List the names of all users.", "6.0.0"), "", nil, aclUsers},
	{spec("ACL|WHOAMI", 2, ofClient, "server", "Get the user of the connection.", "6.0.0"), "", nil, aclWhoAmI},
}

var errACLFile = resp.Err("ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store users in the Redis configuration.")

func aclFile(*session, [][]byte) resp.Value { return errACLFile }

func aclWhoAmI(s *session, _ [][]byte) resp.Value { return resp.Str(s.who.user) }

func aclUsers(s *session, _ [][]byte) resp.Value {
	return resp.Strs(s.srv.people.get().Names()...)
}

func aclList(s *session, _ [][]byte) resp.Value {
	users := s.srv.people.get()
	lines := resp.List()
	for _, name := range users.Names() {
		lines.Elems = append(lines.Elems, resp.Str(users.Get(name).Line()))
	}
	return lines
}

func aclGetUser(s *session, args [][]byte) resp.Value {
	u := s.srv.people.get().Get(string(args[2]))
	if u == nil {
		return resp.Nil
	}
	flags := resp.Value{Kind: resp.Set}
	for _, flag := range u.Flags() {
		flags.Elems = append(flags.Elems, resp.Str(flag))
	}
	d := resp.Dict(resp.Str("flags"), flags, resp.Str("passwords"), resp.Strs(u.Passwords...))
	d.Elems = append(d.Elems, describeSelector(&u.Selectors[0])...)
	others := resp.List()
	for i := range u.Selectors[1:] {
		others.Elems = append(others.Elems, resp.Dict(describeSelector(&u.Selectors[i+1])...))
	}
	d.Elems = append(d.Elems, resp.Str("selectors"), others)
	return d
}

func describeSelector(s *acl.Selector) []resp.Value {
	return []resp.Value{
		resp.Str("commands"), resp.Str(s.CommandRules()),
		resp.Str("keys"), resp.Str(s.KeyRules()),
		resp.Str("channels"), resp.Str(s.ChannelRules()),
	}
}

func aclCat(s *session, args [][]byte) resp.Value {
	if len(args) > 3 {
		return errSubcommandSyntax(args)
	}
	if len(args) == 2 {
		return resp.Strs(acl.Categories...)
	}
	category := strings.ToLower(string(args[2]))
	if !slices.Contains(acl.Categories, category) {
		return errCategory(args[2])
	}
	list := resp.List()
	for _, r := range s.srv.table.all {
		if r.Permission() == r.Spec && slices.Contains(r.cats, "@"+category) && r.Flags&fsm.Container == 0 {
			list.Elems = append(list.Elems, resp.Str(r.full))
		}
	}
	return list
}

// maxGenPass bounds the bits of a drawn password, as in Redis.
const maxGenPass = 4096

func aclGenPass(_ *session, args [][]byte) resp.Value {
	bits := int64(256)
	if len(args) > 3 {
		return errSubcommandSyntax(args)
	}
	if len(args) == 3 {
		var ok bool
		if bits, ok = parseInt(args[2]); !ok {
			return errNotInteger
		}
		if bits <= 0 || bits > maxGenPass {
			return errGenPass
		}
	}
	digits := (bits + 3) / 4
	b := make([]byte, (digits+1)/2)
	rand.Read(b)
	return resp.Str(hex.EncodeToString(b)[:digits])
}

func aclDryRun(s *session, args [][]byte) resp.Value {
	u := s.srv.people.get().Get(string(args[2]))
	if u == nil {
		return errUserNotFound(args[2])
	}
	args = args[3:]
	r := s.srv.table.find(args[0], false)
	if r != nil && r.Flags&fsm.Container != 0 && len(args) > 1 {
		r = r.sub(args[1])
	}
	switch {
	case r == nil:
		return errCommandNotFound(args[0])
	case !r.ArityOK(len(args)):
		return errArity(r.Spec)
	}
	switch why, at := u.Check(r.CallOf(args, r.cats)); why {
	case acl.Allowed:
		return resp.OK
	case acl.DeniedCommand:
		return resp.Str(textDenied(u.Name, r))
	default:
		return resp.Str("User " + u.Name + " has no permissions to access the '" + string(args[at]) + "' " + why.String())
	}
}

// vocabulary are the commands that rules may speak of. Second names of commands
// have no permissions of their own.
type vocabulary struct{ *table }

func (v vocabulary) row(name string) *row {
	r := v.findPath([]byte(name))
	if r == nil || r.Permission() != r.Spec {
		return nil
	}
	return r
}

// Has implements acl.Names.
func (v vocabulary) Has(name string) bool { return v.row(name) != nil }

// Container implements acl.Names.
func (v vocabulary) Container(name string) bool {
	r := v.row(name)
	return r != nil && r.Flags&fsm.Container != 0
}

// checkUsers returns what goes into the log of a command that changes users: no
// password lies there, and no command that this node does not know. Users are
// those that it will find; they are changed in its place.
func (s *Server) checkUsers(r *row, args [][]byte, users **acl.Users) ([][]byte, resp.Value) {
	if r.command != setUser {
		for _, arg := range args[2:] {
			if name := string(arg); name != acl.Default && (*users).Get(name) != nil {
				*users = (*users).Without(name)
			}
		}
		return args, resp.Nil
	}
	name := string(args[2])
	rules := make([]string, 0, len(args)-2)
	for _, arg := range args[3:] {
		rules = append(rules, string(arg))
	}
	changed, fault := (*users).Edit(name, rules, vocabulary{s.table})
	if fault != "" {
		return nil, resp.Err("ERR " + fault)
	}
	*users = changed
	rules = acl.Sealed(rules)
	if name == acl.Default && s.people.password != "" {
		rules = slices.Insert(rules, 0, acl.Configured+s.people.password)
	}
	out := slices.Clone(args[:3])
	for _, rule := range rules {
		out = append(out, []byte(rule))
	}
	return out, resp.Nil
}
