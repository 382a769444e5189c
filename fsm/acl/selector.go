package acl

import (
	"slices"
	"strings"
)

// apply applies a rule about commands, keys or channels.
func (s *Selector) apply(rule string, names Names) fault {
	switch strings.ToLower(rule) {
	case "allcommands", "+@all":
		s.AllCommands, s.Commands = true, nil
		return faultNone
	case "nocommands", "-@all":
		s.AllCommands, s.Commands = false, nil
		return faultNone
	case "allkeys", "~*":
		s.AllKeys, s.Keys = true, nil
		return faultNone
	case "resetkeys":
		s.AllKeys, s.Keys = false, nil
		return faultNone
	case "allchannels", "&*":
		s.AllChannels, s.Channels = true, nil
		return faultNone
	case "resetchannels":
		s.AllChannels, s.Channels = false, nil
		return faultNone
	}
	switch rule[0] {
	case '~', '%':
		return s.addKeys(rule)
	case '&':
		return s.addChannels(rule[1:])
	case '+', '-':
		return s.addCommands(rule[0] == '+', strings.ToLower(rule[1:]), names)
	}
	return faultSyntax
}

// addKeys takes ~pattern, %R~pattern, %W~pattern and %RW~pattern.
func (s *Selector) addKeys(rule string) fault {
	access, pattern := Read|Write, rule[1:]
	if s.AllKeys {
		return faultKeys
	}
	if rule[0] == '%' {
		if access, pattern = parseAccess(pattern); access == 0 {
			return faultSyntax
		}
	}
	if hasSpace(pattern) {
		return faultSyntax
	}
	at := slices.IndexFunc(s.Keys, func(k KeyPattern) bool { return k.Pattern == pattern })
	if at < 0 {
		s.Keys = append(s.Keys, KeyPattern{pattern, access})
		return faultNone
	}
	s.Keys[at].Access |= access
	return faultNone
}

// parseAccess splits what stands behind a % sign. Redis takes a missing ~ for
// the end of an empty pattern.
func parseAccess(text string) (access Access, pattern string) {
	for i := range len(text) {
		one := Access(0)
		switch text[i] {
		case 'R', 'r':
			one = Read
		case 'W', 'w':
			one = Write
		case '~':
			return access, text[i+1:]
		}
		if one == 0 || access&one != 0 {
			return 0, ""
		}
		access |= one
	}
	return access, ""
}

func (s *Selector) addChannels(pattern string) fault {
	switch {
	case s.AllChannels:
		return faultChannels
	case hasSpace(pattern):
		return faultSyntax
	case !slices.Contains(s.Channels, pattern):
		s.Channels = append(s.Channels, pattern)
	}
	return faultNone
}

// spaces are what Redis takes for such, and what ends its strings.
const spaces = " \t\n\v\f\r\x00"

func hasSpace(s string) bool { return strings.ContainsAny(s, spaces) }

// words splits a line at spaces.
func words(line string) []string {
	return strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(spaces, r) })
}

// addCommands adds a rule, which makes those void that said something of the
// same.
func (s *Selector) addCommands(allow bool, name string, names Names) fault {
	if f := checkName(allow, name, names); f != faultNone {
		return f
	}
	s.Commands = slices.DeleteFunc(s.Commands, func(r Rule) bool {
		rest, ok := strings.CutPrefix(r.Name, name)
		return ok && (rest == "" || rest[0] == '|')
	})
	s.Commands = append(s.Commands, Rule{allow, name})
	return faultNone
}

func checkName(allow bool, name string, names Names) fault {
	if category, ok := strings.CutPrefix(name, "@"); ok {
		if !slices.Contains(Categories, category) {
			return faultUnknown
		}
		return faultNone
	}
	last := strings.LastIndexByte(name, '|')
	switch {
	case name == "" || last == 0:
		return faultUnknown
	case names == nil && last == len(name)-1:
		return faultSyntax
	case names == nil || names.Has(name):
		return faultNone
	case last < 0 || !allow || !names.Has(name[:last]):
		return faultUnknown
	case strings.Contains(name[:last], "|"):
		return faultFirstArg
	case last == len(name)-1:
		return faultSyntax
	case names.Container(name[:last]):
		return faultUnknown
	}
	return faultNone // a command with a first argument
}

// Categories are those that commands may be in, in Redis's order.
var Categories = []string{
	"keyspace", "read", "write", "set", "sortedset", "list", "hash", "string", "bitmap", "hyperloglog", "geo", "stream",
	"pubsub", "admin", "fast", "slow", "blocking", "dangerous", "connection", "transaction", "scripting",
}
