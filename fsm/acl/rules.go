package acl

import (
	"slices"
	"strings"

	"github.com/trivetdb/trivet/fsm/cost"
)

// Names are the commands that rules may speak of, in lower case.
type Names interface {
	Has(name string) bool       // "get", "config|get"
	Container(name string) bool // has subcommands
}

// A fault is why a rule is refused, in Redis's words.
type fault string

const (
	faultNone     fault = ""
	faultSyntax   fault = "Syntax error"
	faultUnknown  fault = "Unknown command or category name in ACL"
	faultFirstArg fault = "Allowing first-arg of a subcommand is not supported"
	faultHash     fault = "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters"
	faultNoPass   fault = "The password you are trying to remove from the user does not exist"
	faultKeys     fault = "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. Try 'resetkeys' to start with an empty list of patterns"
	faultChannels fault = "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. Try 'resetchannels' to start with an empty list of channels"
)

// Configured is the rule, for the log and snapshots alone, that gives back the
// password that a node was started with. With a hash behind it, the rule says
// which that is, in case one that follows changes the passwords.
const Configured = "="

// Edit returns the users with rules applied to the user of a name, who need not
// exist. Names checks what the rules speak of; nil is for rules from the log. The
// error is Redis's text.
func (s *Users) Edit(name string, rules []string, names Names) (changed *Users, err string) {
	if hasSpace(name) {
		return nil, "Usernames can't contain spaces or null characters"
	}
	rules, err = merge(rules)
	if err != "" {
		return nil, err
	}
	u := newUser(name)
	if old := s.Get(name); old != nil {
		u = old.clone()
	}
	e := editor{User: u, names: names}
	for _, rule := range rules {
		if f := e.apply(rule); f != faultNone {
			return nil, "Error in ACL SETUSER modifier '" + rule + "': " + string(f)
		}
	}
	return s.With(u), ""
}

// merge puts together the rules of a selector that came as several words.
func merge(rules []string) (merged []string, err string) {
	for i := 0; i < len(rules); i++ {
		if !strings.HasPrefix(rules[i], "(") {
			merged = append(merged, rules[i])
			continue
		}
		end := i
		for end < len(rules) && !strings.HasSuffix(rules[end], ")") {
			end++
		}
		if end == len(rules) {
			return nil, "Unmatched parenthesis in acl selector starting at '" + rules[i] + "'."
		}
		merged = append(merged, strings.Join(rules[i:end+1], " "))
		i = end
	}
	return merged, ""
}

// EditWork returns the steps of Edit, see package cost: each rule is compared with
// those that the user has and will have.
func (s *Users) EditWork(name string, rules [][]byte) int {
	size, parts, have := 0, 0, 0
	for _, rule := range rules {
		size += len(rule)
		for _, c := range rule {
			if c == ' ' || c == '(' {
				parts++
			}
		}
	}
	parts += len(rules)
	if u := s.Get(name); u != nil {
		have = len(u.Passwords)
		for i := range u.Selectors {
			have += 1 + len(u.Selectors[i].Keys) + len(u.Selectors[i].Channels) + len(u.Selectors[i].Commands)
		}
	}
	work := cost.Times(parts, cost.Lookup+(parts+have)/2) + cost.Times(have, cost.Element)
	return work + cost.Made(4*size) + cost.Times(len(s.names), cost.Push)
}

// An editor applies rules to a user.
type editor struct {
	*User
	names Names
	base  string // hash of the password that the node was started with
}

func (e *editor) apply(rule string) fault {
	if rule == "" {
		return faultNone
	}
	switch rule[0] {
	case '>', '<', '#', '!':
		return e.password(rule[0], rule[1:])
	case '=':
		return e.configured(rule[1:])
	case '(':
		if rule[len(rule)-1] != ')' {
			return faultSyntax
		}
		s := Selector{}
		for _, part := range words(rule[1 : len(rule)-1]) {
			if f := s.apply(part, e.names); f != faultNone {
				return f
			}
		}
		e.Selectors = append(e.Selectors, s)
		return faultNone
	}
	switch strings.ToLower(rule) {
	case "on", "off":
		e.Enabled = len(rule) == 2
	case "nopass":
		e.Configured, e.NoPass, e.Passwords = false, true, nil
	case "resetpass":
		e.Configured, e.NoPass, e.Passwords = false, false, nil
	case "sanitize-payload":
		e.Payload = PayloadSanitized
	case "skip-sanitize-payload":
		e.Payload = PayloadTrusted
	case "clearselectors":
		e.Selectors = e.Selectors[:1]
	case "reset":
		*e.User = *newUser(e.Name)
		e.Payload = PayloadSanitized
	default:
		return e.Selectors[0].apply(rule, e.names)
	}
	return faultNone
}

// configured takes the rule of that name, which clients cannot give.
func (e *editor) configured(hash string) fault {
	switch {
	case e.names != nil || hash != "" && !validHash(hash):
		return faultSyntax
	case hash == "":
		e.Configured, e.NoPass, e.Passwords = true, true, nil
	default:
		e.base = hash
	}
	return faultNone
}

func (e *editor) password(kind byte, text string) fault {
	hash := text
	switch {
	case kind == '>' || kind == '<':
		hash = Hash([]byte(text))
	case !validHash(hash):
		return faultHash
	}
	if e.Configured { // what was configured is from now on the user's own
		e.Configured = false
		if e.base != "" {
			e.NoPass, e.Passwords = false, []string{e.base}
		}
	}
	at := slices.Index(e.Passwords, hash)
	switch {
	case kind == '>' || kind == '#':
		e.NoPass = false
		if at < 0 {
			e.Passwords = append(e.Passwords, hash)
		}
	case at < 0:
		return faultNoPass
	default:
		e.Passwords = slices.Delete(e.Passwords, at, at+1)
	}
	return faultNone
}

func validHash(hash string) bool {
	return len(hash) == 64 && strings.Trim(hash, "0123456789abcdef") == ""
}

// Sealed returns rules in which passwords are replaced by their hashes, for the
// log, where no password should lie.
func Sealed(rules []string) []string {
	sealed := slices.Clone(rules)
	for i, rule := range sealed {
		switch {
		case strings.HasPrefix(rule, ">"):
			sealed[i] = "#" + Hash([]byte(rule[1:]))
		case strings.HasPrefix(rule, "<"):
			sealed[i] = "!" + Hash([]byte(rule[1:]))
		}
	}
	return sealed
}
