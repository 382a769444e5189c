package fsm

import (
	"slices"
	"strings"

	"github.com/trivetdb/trivet/fsm/acl"
	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

const forUsers = Logged | Admin | NoScript | Loading | Stale

// The rows that change the users. Those that show them lie with the node, which
// also knows the password that it was started with.
var userCommands = []Command{
	{Spec{"ACL", -2, Local | Container, Keys{}, "server", "Commands about users and what they may do.", "6.0.0"}, noSubcommand},
	{Spec{"ACL|DELUSER", -3, forUsers, Keys{}, "server", "Delete users, on all nodes, and close their connections.", "6.0.0"}, delUser},
	{Spec{"ACL|SETUSER", -3, forUsers, Keys{}, "server", "Make or change a user, on all nodes.", "6.0.0"}, setUser},
	{Spec{"TX|AS", -3, Write | Internal | Alias, Keys{}, "transactions", "Run a script as a user, who may be denied what it calls.", "6.0.0"}, txAs},
}

// Users returns the users. They never change: another value means that there
// was a change.
func (s *State) Users() *acl.Users { return s.users }

// setUser takes any command or category for known: the node that was asked has
// checked them, and a newer one may know more.
func setUser(tx *Tx, args [][]byte) resp.Value {
	tx.charge(tx.st.users.EditWork(string(args[2]), args[3:]))
	rules := make([]string, 0, len(args)-3)
	for _, arg := range args[3:] {
		rules = append(rules, string(arg))
	}
	users, fault := tx.st.users.Edit(string(args[2]), rules, nil)
	if fault != "" {
		return resp.Err("ERR " + fault)
	}
	if tx.write {
		tx.st.users = users
	}
	return resp.OK
}

func delUser(tx *Tx, args [][]byte) resp.Value {
	if slices.ContainsFunc(args[2:], func(arg []byte) bool { return string(arg) == acl.Default }) {
		return errDefaultUser
	}
	users := tx.st.users
	tx.charge(cost.Times(len(args)-2, cost.Lookup))
	deleted := int64(0)
	for _, arg := range args[2:] {
		name := string(arg)
		if users.Get(name) != nil {
			tx.charge(cost.Times(len(users.Names()), cost.Push)) // a new list of all others
			users = users.Without(name)
			deleted++
			if tx.write {
				tx.st.deleted = append(tx.st.deleted, name)
			}
		}
	}
	if tx.write {
		tx.st.users = users
	}
	return resp.Int(deleted)
}

// TakeDeleted returns the users that were deleted since the last call; others of
// the same names may be there by now.
func (s *State) TakeDeleted() []string {
	deleted := s.deleted
	s.deleted = nil
	return deleted
}

var errDefaultUser = resp.Err("ERR The 'default' user cannot be removed")

// RunsScript reports whether a row's command runs a script. Only these need to
// know the user when they are applied: the commands that a script will call are
// not known before.
func RunsScript(c *Command) bool {
	return c != nil && c.Group == "scripting" && c.countAt() > 0
}

// As returns the command, and its arguments, that run a script for a user.
func As(user string, c *Command, args [][]byte) (*Command, [][]byte) {
	return findRow("TX|AS"), append([][]byte{nil, []byte(user), []byte(c.Name)}, args[1:]...)
}

// txAs runs a script as a user. One who was deleted meanwhile may do nothing.
func txAs(tx *Tx, args [][]byte) resp.Value {
	c := findRow(string(args[2]))
	if !RunsScript(c) || !c.ArityOK(len(args)-2) {
		return errSyntax
	}
	tx.become(string(args[1]))
	defer func() { tx.user = nil }()
	return c.Run(tx, args[2:])
}

// become makes what follows subject to the rules of a user.
func (tx *Tx) become(name string) {
	switch tx.user = tx.st.users.Get(name); {
	case tx.user == nil:
		tx.user = acl.Nobody(name)
	case tx.user.Everything():
		tx.user = nil
	}
}

// permit returns the error for a script that calls what its user may not.
func (tx *Tx) permit(c *Command, args [][]byte) resp.Value {
	if tx.user == nil {
		return resp.Nil
	}
	tx.charge(cost.Times(len(args), cost.Element))
	call := c.CallOf(args, scriptCategories[c.Name])
	why, at, steps := tx.user.CheckWithin(call, tx.meter.Left())
	tx.charge(steps)
	if why == acl.Allowed {
		return resp.Nil
	}
	tx.refuse(tx.user.Refuse(call, why, at))
	return errScriptDenied[why]
}

// scriptCategories are those of the rows that only scripts see here.
var scriptCategories = map[string][]string{
	"PING": {"@fast", "@connection"}, "ECHO": {"@fast", "@connection"},
	"SELECT": {"@fast", "@connection"}, "TIME": {"@fast"},
}

var errScriptDenied = map[acl.Reason]resp.Value{
	acl.DeniedCommand: resp.Err("ERR The user executing the script can't run this command or subcommand"),
	acl.DeniedKey:     resp.Err("ERR The user executing the script can't access at least one of the keys mentioned in the command arguments"),
	acl.DeniedChannel: resp.Err("ERR The user executing the script can't publish to the channel mentioned in the command"),
}

// maxRefusals bounds what is noted in one entry.
const maxRefusals = 128

// A Refused tells what a script was denied. It is no part of the state.
type Refused struct {
	acl.Refusal
	Origin uint64 // the node whose client ran the script
}

// TakeRefusals returns what scripts were denied since the last call.
func (s *State) TakeRefusals() []Refused {
	refused := s.refused
	s.refused = nil
	return refused
}

// refuse notes what a script was denied. Reads, which run together, note nothing.
func (tx *Tx) refuse(r acl.Refusal) {
	if tx.write && len(tx.st.refused) < maxRefusals {
		tx.st.refused = append(tx.st.refused, Refused{r, tx.origin})
	}
}

// users writes the users by name, each as the rules that make it, behind a byte
// that no database has. Where nothing was ever changed there is nothing to write.
func (e *encoder) users(users *acl.Users) {
	if unchanged(users) {
		return
	}
	e.byte(usersMark)
	e.uvarint(uint64(len(users.Names())))
	for _, name := range users.Names() {
		rules := users.Get(name).Rules()
		e.string(name)
		e.uvarint(uint64(len(rules)))
		for _, rule := range rules {
			e.string(rule)
		}
	}
}

func unchanged(users *acl.Users) bool {
	return len(users.Names()) == 1 && sameRules(users, acl.NewUsers(), acl.Default)
}

func sameRules(a, b *acl.Users, name string) bool {
	return strings.Join(a.Get(name).Rules(), "\x00") == strings.Join(b.Get(name).Rules(), "\x00")
}

func (d *stateReader) users(s *State) {
	users := &acl.Users{}
	last := ""
	for n, i := d.uvarint(), uint64(0); i < n && d.err == nil; i++ {
		name := d.string()
		var rules []string
		for n := d.uvarint(); n > 0 && d.err == nil; n-- {
			rules = append(rules, d.string())
		}
		if d.err != nil {
			return
		}
		var fault string
		if users, fault = users.Edit(name, rules, nil); fault != "" || i > 0 && name <= last {
			d.fail("user that is wrong")
			return
		}
		if strings.Join(users.Get(name).Rules(), "\x00") != strings.Join(rules, "\x00") {
			d.fail("user that is not as it was written")
		}
		last = name
	}
	if d.err == nil && (users.Get(acl.Default) == nil || unchanged(users)) {
		d.fail("list of users that is wrong")
		return
	}
	s.users = users
}
