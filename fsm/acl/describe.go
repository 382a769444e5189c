package acl

import "strings"

// Flags returns what ACL GETUSER calls the flags.
func (u *User) Flags() []string {
	flags := []string{"off"}
	if u.Enabled {
		flags[0] = "on"
	}
	if u.NoPass {
		flags = append(flags, "nopass")
	}
	switch u.Payload {
	case PayloadSanitized:
		flags = append(flags, "sanitize-payload")
	case PayloadTrusted:
		flags = append(flags, "skip-sanitize-payload")
	}
	return flags
}

// CommandRules returns the rules about commands, as ACL GETUSER shows them.
func (s *Selector) CommandRules() string { return strings.Join(s.commandRules(), " ") }

// commandRules keeps the rules apart: a first argument may hold spaces.
func (s *Selector) commandRules() []string {
	rules := []string{"-@all"}
	if s.AllCommands {
		rules[0] = "+@all"
	}
	for _, r := range s.Commands {
		sign := "-"
		if r.Allow {
			sign = "+"
		}
		rules = append(rules, sign+r.Name)
	}
	return rules
}

// KeyRules returns the rules about keys, as ACL GETUSER shows them.
func (s *Selector) KeyRules() string {
	if s.AllKeys {
		return "~*"
	}
	var rules []string
	for _, k := range s.Keys {
		prefix := map[Access]string{Read: "%R~", Write: "%W~", Read | Write: "~"}[k.Access]
		rules = append(rules, prefix+k.Pattern)
	}
	return strings.Join(rules, " ")
}

// ChannelRules returns the rules about channels, as ACL GETUSER shows them.
func (s *Selector) ChannelRules() string {
	if s.AllChannels {
		return "&*"
	}
	var rules []string
	for _, pattern := range s.Channels {
		rules = append(rules, "&"+pattern)
	}
	return strings.Join(rules, " ")
}

// line returns the selector as it stands in a line of ACL LIST.
func (s *Selector) line() string {
	var rules []string
	if keys := s.KeyRules(); keys != "" {
		rules = append(rules, keys)
	}
	if !s.AllChannels {
		rules = append(rules, "resetchannels")
	}
	if channels := s.ChannelRules(); channels != "" {
		rules = append(rules, channels)
	}
	return strings.Join(append(rules, s.CommandRules()), " ")
}

// Line returns the user as ACL LIST shows it.
func (u *User) Line() string {
	line := append([]string{"user", u.Name}, u.Flags()...)
	for _, hash := range u.Passwords {
		line = append(line, "#"+hash)
	}
	for i := range u.Selectors {
		if rules := u.Selectors[i].line(); i == 0 {
			line = append(line, rules)
		} else {
			line = append(line, "("+rules+")")
		}
	}
	return strings.Join(line, " ")
}

// Rules returns rules that make a user like u of one who is new. Equal users
// have equal rules.
func (u *User) Rules() []string {
	rules := u.Flags()
	if u.Configured {
		rules = append(rules, Configured)
	}
	for _, hash := range u.Passwords {
		rules = append(rules, "#"+hash)
	}
	for i := range u.Selectors {
		own := u.Selectors[i].rules()
		if i > 0 {
			own = []string{"(" + strings.Join(own, " ") + ")"}
		}
		rules = append(rules, own...)
	}
	return rules
}

func (s *Selector) rules() []string {
	var rules []string
	for _, line := range []string{s.KeyRules(), s.ChannelRules()} {
		rules = append(rules, words(line)...)
	}
	return append(rules, s.commandRules()...)
}
