package acl

import (
	"math"
	"slices"
	"strings"

	"github.com/trivetdb/trivet/fsm/glob"
)

// A Call is a command that somebody means to run.
type Call struct {
	Name       string // lower case; a subcommand is "container|subcommand"
	Free       bool   // anybody may run it: it is for those who are yet to come in
	Categories []string
	Args       [][]byte // the name is argument 0
	Keys       []Key
	Pattern    int   // the argument that makes it read keys that no argument names; 0 for none
	Channels   []int // which arguments are channels
	Patterns   bool  // the channels are patterns, which rules must give literally
}

// A Key says which argument is a key, and what for.
type Key struct {
	At     int
	Access Access
}

// A Reason is why something is denied. Of several, the greatest is told.
type Reason uint8

// The reasons.
const (
	Allowed Reason = iota
	DeniedCommand
	DeniedKey
	DeniedAuth
	DeniedChannel
)

// String returns the reason as ACL LOG shows it.
func (r Reason) String() string {
	return [...]string{"", "command", "key", "auth", "channel"}[r]
}

// Check returns whether the user may run a command, or else why not, and the
// argument that is to blame.
func (u *User) Check(c *Call) (why Reason, at int) {
	why, at, _ = u.CheckWithin(c, math.MaxInt)
	return why, at
}

// CheckWithin is Check, and tells how many steps of work it was, see package cost.
// It gives up, and denies, once these are more than the limit.
func (u *User) CheckWithin(c *Call, limit int) (why Reason, at, steps int) {
	why = DeniedCommand
	m := matcher{limit: limit}
	for i := range u.Selectors {
		reason, arg := u.Selectors[i].check(c, &m)
		if reason == Allowed {
			return Allowed, 0, m.steps
		}
		if reason > why || reason == why && arg > at {
			why, at = reason, arg
		}
		if m.steps > m.limit {
			break
		}
	}
	return why, at, m.steps
}

// A matcher counts the steps of comparing.
type matcher struct{ steps, limit int }

func (m *matcher) match(pattern, s string) bool {
	if m.steps > m.limit {
		return false
	}
	ok, steps := glob.Count(pattern, s, m.limit-m.steps)
	m.steps += 1 + steps
	return ok
}

func (s *Selector) check(c *Call, m *matcher) (Reason, int) {
	m.steps += 1 + len(s.Commands)
	if !c.Free && !s.allows(c) {
		return DeniedCommand, 0
	}
	for _, k := range c.Keys {
		if !s.AllKeys && !s.hasKey(string(c.Args[k.At]), k.Access, m) {
			return DeniedKey, k.At
		}
	}
	if c.Pattern > 0 && !s.AllKeys && !s.readsAll() {
		return DeniedKey, c.Pattern
	}
	for _, at := range c.Channels {
		if !s.hasChannel(string(c.Args[at]), c.Patterns, m) {
			return DeniedChannel, at
		}
	}
	return Allowed, 0
}

// allows reports whether the rules let the command itself pass.
func (s *Selector) allows(c *Call) bool {
	for i := len(s.Commands) - 1; i >= 0; i-- {
		if s.Commands[i].matches(c) {
			return s.Commands[i].Allow
		}
	}
	return s.AllCommands
}

func (r *Rule) matches(c *Call) bool {
	if strings.HasPrefix(r.Name, "@") {
		return slices.Contains(c.Categories, r.Name)
	}
	if r.Name == c.Name {
		return true
	}
	if rest, ok := strings.CutPrefix(c.Name, r.Name); ok && rest[0] == '|' {
		return true // a rule for the container
	}
	first, ok := strings.CutPrefix(r.Name, c.Name+"|")
	return ok && len(c.Args) > 1 && strings.EqualFold(string(c.Args[1]), first)
}

func (s *Selector) hasKey(key string, access Access, m *matcher) bool {
	return slices.ContainsFunc(s.Keys, func(k KeyPattern) bool {
		return k.Access&access == access && m.match(k.Pattern, key)
	})
}

// readsAll reports whether a pattern lets all keys be read.
func (s *Selector) readsAll() bool {
	return slices.ContainsFunc(s.Keys, func(k KeyPattern) bool { return k.Access&Read != 0 && k.Pattern == "*" })
}

// HasChannel reports whether a channel, or a pattern of channels, is allowed.
func (s *Selector) HasChannel(name string, pattern bool) bool {
	return s.hasChannel(name, pattern, &matcher{limit: math.MaxInt})
}

func (s *Selector) hasChannel(name string, pattern bool, m *matcher) bool {
	return s.AllChannels || slices.ContainsFunc(s.Channels, func(p string) bool {
		return p == name || !pattern && m.match(p, name)
	})
}

// HasChannel reports whether any selector allows a channel, or a pattern of
// channels.
func (u *User) HasChannel(name string, pattern bool) bool {
	return slices.ContainsFunc(u.Selectors, func(s Selector) bool { return s.HasChannel(name, pattern) })
}

// A Refusal is something that a user was denied.
type Refusal struct {
	User   string
	Reason Reason
	Object string // a command, key or channel
}

// Refuse returns what Check has denied.
func (u *User) Refuse(c *Call, why Reason, at int) Refusal {
	object := c.Name
	if why != DeniedCommand {
		object = string(c.Args[at])
	}
	return Refusal{u.Name, why, object}
}
