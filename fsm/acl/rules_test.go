package acl

import (
	"slices"
	"strings"
	"testing"
)

// names are some commands: those with a bar are subcommands.
type names []string

func (n names) Has(name string) bool { return slices.Contains(n, name) }
func (n names) Container(name string) bool {
	return slices.ContainsFunc(n, func(other string) bool { return strings.HasPrefix(other, name+"|") })
}

var some = names{"get", "set", "select", "config", "config|get", "config|set"}

// edit applies rules, in words, to the user joe.
func edit(t *testing.T, users *Users, rules ...string) *Users {
	t.Helper()
	changed, err := users.Edit("joe", rules, some)
	if err != "" {
		t.Fatalf("%q: %s", rules, err)
	}
	return changed
}

func TestRules(t *testing.T) {
	a, b := Hash([]byte("a")), Hash([]byte("b"))
	for _, tt := range []struct{ rules, want string }{
		{"", "off resetchannels -@all"},
		{"on", "on resetchannels -@all"},
		{"ON nopass", "on nopass resetchannels -@all"},
		{"nopass >a", "off #" + a + " resetchannels -@all"},
		{">a >b >a", "off #" + a + " #" + b + " resetchannels -@all"},
		{">a >b <a", "off #" + b + " resetchannels -@all"},
		{"#" + a + " !" + a, "off resetchannels -@all"},
		{">a nopass", "off nopass resetchannels -@all"},
		{">a resetpass", "off resetchannels -@all"},
		{"~a ~a %R~b %W~c %rw~d %R~e %W~e", "off ~a %R~b %W~c ~d ~e resetchannels -@all"},
		{"~a allkeys", "off ~* resetchannels -@all"},
		{"~a ~* resetkeys ~b", "off ~b resetchannels -@all"},
		{"%R", "off %R~ resetchannels -@all"},
		{"&a &b &a", "off resetchannels &a &b -@all"},
		{"&a &*", "off &* -@all"},
		{"&* resetchannels", "off resetchannels -@all"},
		{"+get -set", "off resetchannels -@all +get -set"},
		{"+get -get +GET", "off resetchannels -@all +get"},
		{"+config|get -config|set +get -config", "off resetchannels -@all +get -config"},
		{"+@read -get +@READ", "off resetchannels -@all -get +@read"},
		{"+get +@all -set", "off resetchannels +@all -set"},
		{"-set nocommands", "off resetchannels -@all"},
		{"+select|0 +Select|1", "off resetchannels -@all +select|0 +select|1"},
		{"+select|0 -select", "off resetchannels -@all -select"},
		{"(+get ~a &b) ( +set allkeys ) ()", "off resetchannels -@all (~a resetchannels &b -@all +get) (~* resetchannels -@all +set) (resetchannels -@all)"},
		{"(+get) clearselectors", "off resetchannels -@all"},
		{"on >a ~a &a +get (+get) reset", "off sanitize-payload resetchannels -@all"},
		{"sanitize-payload skip-sanitize-payload", "off skip-sanitize-payload resetchannels -@all"},
	} {
		users := edit(t, NewUsers(), strings.Fields(tt.rules)...)
		u := users.Get("joe")
		if got := u.Line(); got != "user joe "+tt.want {
			t.Errorf("%s:\n%s, want\nuser joe %s", tt.rules, got, tt.want)
		}
		again, err := NewUsers().Edit("joe", u.Rules(), nil)
		if err != "" || again.Get("joe").Line() != u.Line() {
			t.Errorf("%s: its rules %q make another: %s", tt.rules, u.Rules(), err)
		}
	}
}

func TestFaults(t *testing.T) {
	modifier := func(rule, why string) string { return "Error in ACL SETUSER modifier '" + rule + "': " + why }
	for _, tt := range []struct {
		rules []string
		want  string
	}{
		{[]string{"x"}, modifier("x", string(faultSyntax))},
		{[]string{"on", "+nosuch"}, modifier("+nosuch", string(faultUnknown))},
		{[]string{"-nosuch"}, modifier("-nosuch", string(faultUnknown))},
		{[]string{"+@nosuch"}, modifier("+@nosuch", string(faultUnknown))},
		{[]string{"+config|nosuch"}, modifier("+config|nosuch", string(faultUnknown))},
		{[]string{"-select|0"}, modifier("-select|0", string(faultUnknown))},
		{[]string{"+config|get|x"}, modifier("+config|get|x", string(faultFirstArg))},
		{[]string{"+get|"}, modifier("+get|", string(faultSyntax))},
		{[]string{"+"}, modifier("+", string(faultUnknown))},
		{[]string{"="}, modifier("=", string(faultSyntax))},
		{[]string{"=" + Hash(nil)}, modifier("="+Hash(nil), string(faultSyntax))},
		{[]string{"#" + strings.ToUpper(Hash(nil))}, modifier("#"+strings.ToUpper(Hash(nil)), string(faultHash))},
		{[]string{"<a"}, modifier("<a", string(faultNoPass))},
		{[]string{"~*", "%R~a"}, modifier("%R~a", string(faultKeys))},
		{[]string{"&*", "&a"}, modifier("&a", string(faultChannels))},
		{[]string{"(+get", "~a"}, "Unmatched parenthesis in acl selector starting at '(+get'."},
		{[]string{"(on)"}, modifier("(on)", string(faultSyntax))},
		{[]string{"(", "+nosuch", ")"}, modifier("( +nosuch )", string(faultUnknown))},
	} {
		if _, err := NewUsers().Edit("joe", tt.rules, some); err != tt.want {
			t.Errorf("%q: %s, want %s", tt.rules, err, tt.want)
		}
	}
	for _, name := range []string{"a b", "a\n", "\x00"} {
		if _, err := NewUsers().Edit(name, nil, some); err == "" {
			t.Errorf("a user may be called %q", name)
		}
	}
}

// A change leaves the users as they were that others look at.
func TestUsersNeverChange(t *testing.T) {
	one := edit(t, NewUsers(), "on", ">a", "~a", "&a", "+get", "(+get ~b)")
	line := one.Get("joe").Line()
	two := edit(t, one, ">b", "~b", "&b", "+get", "+set", "(+set)")
	two.Get("joe").Selectors[1].Keys[0].Pattern = "c"
	if got := one.Get("joe").Line(); got != line {
		t.Errorf("%s became %s", line, got)
	}
	three := two.Without("joe").With(newUser("ann"))
	if got := strings.Join(three.Names(), " "); got != "ann default" || two.Get("joe") == nil || three.Get("joe") != nil {
		t.Errorf("the names are %s", got)
	}
}

// The password of the configuration is the default user's until a rule speaks of
// passwords.
func TestConfiguredPassword(t *testing.T) {
	flag, own := Hash([]byte("flag")), Hash([]byte("own"))
	users := NewUsers()
	if !users.Get(Default).Open() || users.WithPassword(flag).Get(Default).Open() || !users.WithPassword(flag).Get(Default).Admits(flag) {
		t.Error("a new cluster's default user")
	}
	change := func(rules ...string) *User {
		changed, err := users.Edit(Default, append([]string{"=" + flag}, rules...), nil)
		if err != "" {
			t.Fatalf("%q: %s", rules, err)
		}
		return changed.WithPassword(Hash([]byte("another flag"))).Get(Default)
	}
	if u := change("-@dangerous"); !u.Admits(Hash([]byte("another flag"))) || u.Admits(flag) {
		t.Errorf("with other rules: %s", u.Line())
	}
	if u := change(">own"); !u.Admits(own) || !u.Admits(flag) || u.Open() {
		t.Errorf("with a password more: %s", u.Line())
	}
	if u := change("<flag"); u.Admits(flag) || u.Open() {
		t.Errorf("without it: %s", u.Line())
	}
	if u := change("nopass"); !u.Open() {
		t.Errorf("without need of a password: %s", u.Line())
	}
	if u := change("resetpass", ">own"); u.Admits(flag) || !u.Admits(own) {
		t.Errorf("with another password: %s", u.Line())
	}
}

func TestSealed(t *testing.T) {
	got := Sealed([]string{"on", ">a", "<b", "~>c"})
	want := []string{"on", "#" + Hash([]byte("a")), "!" + Hash([]byte("b")), "~>c"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
