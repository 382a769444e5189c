package server

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/trivetdb/trivet/fsm/acl"
)

// A UserLine is what a file says of a user.
type UserLine struct {
	Name  string
	Rules []string // of ACL SETUSER, from an empty user on
}

// ParseUsers reads users, one a line as ACL LIST shows them: "user joe on >secret
// ~* +@read". Empty lines and lines that begin with # say nothing. The error lists
// all faults, and no password.
func ParseUsers(text string) (users []UserLine, err error) {
	var faults []error
	names := vocabulary{newTable()}
	number := 0
	for line := range strings.Lines(text) {
		number++
		words := strings.Fields(line)
		if len(words) == 0 || words[0][0] == '#' {
			continue
		}
		if len(words) < 2 || words[0] != "user" {
			faults = append(faults, fmt.Errorf("line %d does not start with: user name", number))
			continue
		}
		u := UserLine{words[1], words[2:]}
		_, fault := acl.NewUsers().Edit(u.Name, u.anew(), names)
		switch {
		case fault != "":
			faults = append(faults, fmt.Errorf("line %d, user %s: %s", number, u.Name, u.hide(fault)))
		case slices.ContainsFunc(users, func(v UserLine) bool { return v.Name == u.Name }):
			faults = append(faults, fmt.Errorf("line %d: user %s is there twice", number, u.Name))
		}
		users = append(users, u)
	}
	return users, errors.Join(faults...)
}

// anew returns the rules that make the user what the line says and nothing else.
func (u UserLine) anew() []string { return append([]string{"reset"}, u.Rules...) }

// hide takes passwords out of a text for people.
func (u UserLine) hide(text string) string {
	for _, rule := range u.Rules {
		if len(rule) > 1 && strings.ContainsRune("<>#!", rune(rule[0])) {
			text = strings.ReplaceAll(text, "'"+rule+"'", "'"+rule[:1]+"...'")
		}
	}
	return text
}

// UserChange returns the arguments of an ACL SETUSER that makes a user what the
// line says, or nil where that is so already.
func (s *Server) UserChange(users *acl.Users, u UserLine) (args [][]byte, err error) {
	rules := u.anew()
	changed, fault := users.Edit(u.Name, rules, vocabulary{s.table})
	if fault != "" {
		return nil, fmt.Errorf("user %s: %s", u.Name, u.hide(fault))
	}
	if old := users.Get(u.Name); old != nil && slices.Equal(old.Rules(), changed.Get(u.Name).Rules()) {
		return nil, nil
	}
	args = [][]byte{nil, []byte("SETUSER"), []byte(u.Name)}
	for _, rule := range acl.Sealed(rules) {
		args = append(args, []byte(rule))
	}
	return args, nil
}
