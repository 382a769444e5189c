package acl

import (
	"strings"
	"testing"
)

func call(name, categories string, words ...string) *Call {
	c := &Call{Name: name, Categories: strings.Fields(categories)}
	for _, w := range words {
		c.Args = append(c.Args, []byte(w))
	}
	return c
}

func (c *Call) keys(keys ...Key) *Call {
	c.Keys = keys
	return c
}

func (c *Call) channels(patterns bool, at ...int) *Call {
	c.Channels, c.Patterns = at, patterns
	return c
}

func TestCheck(t *testing.T) {
	get := call("get", "@read @string", "GET", "k").keys(Key{1, Read})
	set := call("set", "@write @string", "SET", "k", "v").keys(Key{1, Write})
	both := call("getset", "@write @string", "GETSET", "k", "v").keys(Key{1, Read | Write})
	exists := call("exists", "@read", "EXISTS", "k").keys(Key{1, 0})
	two := call("copy", "@write", "COPY", "a", "k").keys(Key{1, Read}, Key{2, Write})
	configGet := call("config|get", "@admin", "CONFIG", "GET", "x")
	select0 := call("select", "@connection", "SELECT", "0")
	publish := call("publish", "@pubsub", "PUBLISH", "k", "m").channels(false, 1)
	subscribe := call("subscribe", "@pubsub", "SUBSCRIBE", "k", "l").channels(false, 1, 2)
	psubscribe := call("psubscribe", "@pubsub", "PSUBSCRIBE", "k*").channels(true, 1)
	auth := call("auth", "@connection", "AUTH", "x")
	auth.Free = true
	sort := call("sort", "@write", "SORT", "k", "GET", "x*").keys(Key{1, Read})
	sort.Pattern = 3
	for _, tt := range []struct {
		rules string
		call  *Call
		want  Reason
		at    int
	}{
		{"+@all ~*", get, Allowed, 0},
		{"~*", get, DeniedCommand, 0},
		{"~*", auth, Allowed, 0},
		{"+@all", get, DeniedKey, 1},
		{"+@all ~k", get, Allowed, 0},
		{"+@all %R~k", get, Allowed, 0},
		{"+@all %W~k", get, DeniedKey, 1},
		{"+@all %R~k", set, DeniedKey, 1},
		{"+@all %W~k", set, Allowed, 0},
		{"+@all %R~k %W~k", both, Allowed, 0},
		{"+@all %R~k %W~?", both, DeniedKey, 1},
		{"+@all %W~k", exists, Allowed, 0},
		{"+@all ~x", exists, DeniedKey, 1},
		{"+@all %R~a %W~k", two, Allowed, 0},
		{"+@all ~*", sort, Allowed, 0},
		{"+@all %R~*", sort, Allowed, 0},
		{"+@all ~k ~?", sort, DeniedKey, 3},
		{"+@all ~k %W~*", sort, DeniedKey, 3},
		{"+@all %W~a %W~k", two, DeniedKey, 1},
		{"+@all %R~a %R~k", two, DeniedKey, 2},
		{"allkeys +@read", get, Allowed, 0},
		{"allkeys +@read", set, DeniedCommand, 0},
		{"allkeys +@read -get", get, DeniedCommand, 0},
		{"allkeys -get +@read", get, Allowed, 0},
		{"allkeys +@all -@string +get", get, Allowed, 0},
		{"allkeys +@all -@string +get", set, DeniedCommand, 0},
		{"+config", configGet, Allowed, 0},
		{"+config|get", configGet, Allowed, 0},
		{"+config|set", configGet, DeniedCommand, 0},
		{"+config -config|get", configGet, DeniedCommand, 0},
		{"-config +config|get", configGet, Allowed, 0},
		{"+config|get -@admin", configGet, DeniedCommand, 0},
		{"+select|0", select0, Allowed, 0},
		{"+select|1", select0, DeniedCommand, 0},
		{"+select|1 +select|0", select0, Allowed, 0},
		{"+@all &k", publish, Allowed, 0},
		{"+@all &?", publish, Allowed, 0},
		{"+@all &l", publish, DeniedChannel, 1},
		{"+@all &k &l", subscribe, Allowed, 0},
		{"+@all &k", subscribe, DeniedChannel, 2},
		{"+@all &*", psubscribe, Allowed, 0},
		{"+@all &k*", psubscribe, Allowed, 0},
		{"+@all &?*", psubscribe, DeniedChannel, 1},
		{"(+get ~k) (+set %W~*)", get, Allowed, 0},
		{"(+get ~k) (+set %W~*)", set, Allowed, 0},
		{"(+get ~k) (+set %W~*)", both, DeniedCommand, 0},
		{"+get (~k)", get, DeniedKey, 1}, // one selector must allow all of it
		{"+@all (+copy ~a)", two, DeniedKey, 2},
	} {
		users := NewUsers()
		users, err := users.Edit("joe", strings.Split(tt.rules, " "), nil)
		if err != "" {
			t.Fatalf("%s: %s", tt.rules, err)
		}
		if why, at := users.Get("joe").Check(tt.call); why != tt.want || at != tt.at {
			t.Errorf("%s: %s: %s of %d, want %s of %d", tt.rules, tt.call.Name, why, at, tt.want, tt.at)
		}
	}
}

func TestEverything(t *testing.T) {
	if !NewUsers().Get(Default).Everything() {
		t.Error("the default user may not do everything")
	}
	for _, rule := range []string{"-get", "resetkeys", "resetchannels", "nocommands", "reset"} {
		users, _ := NewUsers().Edit(Default, []string{rule}, nil)
		if users.Get(Default).Everything() {
			t.Errorf("%s: may still do everything", rule)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	users, _ := NewUsers().Edit("joe", strings.Fields("+@all -@dangerous -@admin +config|get ~user:* ~session:* %R~shared:*"), nil)
	u, c := users.Get("joe"), call("get", "@read @string", "GET", "session:1234").keys(Key{1, Read})
	for b.Loop() {
		if why, _ := u.Check(c); why != Allowed {
			b.Fatal(why)
		}
	}
}
