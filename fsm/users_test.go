package fsm

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/trivetdb/trivet/fsm/acl"
	"github.com/trivetdb/trivet/resp"
)

func init() {
	as := func(user, script string, keys ...string) []string {
		return append([]string{user, "EVAL", script, itoa(int64(len(keys)))}, keys...)
	}
	tails["TX|AS"] = [][]string{
		as("joe", "return redis.call('SET', KEYS[1], ARGV[1] or 'x')", "key:1"),
		as("ann", "local e = redis.pcall('LPUSH', KEYS[1], 'a') redis.call('SET', KEYS[2], tostring(e)) return e", "list:1", "key:2"),
		as("default", "return redis.call('GET', KEYS[1])", "key:1"),
		as("nobody", "return redis.acl_check_cmd('get', 'x')"),
	}
	tails["ACL|SETUSER"] = [][]string{
		{"SETUSER", "joe", "on", ">a", "~key:*", "+@all"}, {"SETUSER", "joe", "resetkeys", "%R~key:*", "-@write"},
		{"SETUSER", "joe", "reset", "+eval", "(+set ~key:1)", "(+@read %R~*)"}, {"SETUSER", "ann", "+@all", "~list:*", "~key:2", "-lpush"},
		{"SETUSER", "ann", "nopass", "allkeys", "allcommands", "allchannels"}, {"SETUSER", "default", "=", "+@all"},
		{"SETUSER", "default", "=" + acl.Hash([]byte("x")), ">b"}, {"SETUSER", "ann", "<none"},
	}
	tails["ACL|DELUSER"] = [][]string{{"DELUSER", "joe"}, {"DELUSER", "ann", "nobody"}}
}

// setUser gives a user rules.
func (m *machine) setUser(name string, rules ...string) {
	m.t.Helper()
	words := append([]string{"ACL", "SETUSER", name}, rules...)
	if v := m.write(0, 0, Lookup("ACL|SETUSER"), bulks(words...), nil); v.IsError() {
		m.t.Fatalf("%q: %s", words, v.Str)
	}
}

// as runs a script as a user.
func (m *machine) as(user, script string, keys ...string) resp.Value {
	m.t.Helper()
	words := append([]string{"EVAL", script, itoa(int64(len(keys)))}, keys...)
	c, args := As(user, Lookup("EVAL"), bulks(words...))
	return m.write(0, 0, c, args, nil)
}

func TestScriptsOfUsers(t *testing.T) {
	m := newMachine(t)
	m.setUser("joe", "on", "nopass", "~k*", "%R~r*", "&c*", "+@all", "-@dangerous", "+eval")
	const (
		command = "ERR The user executing the script can't run this command or subcommand"
		key     = "ERR The user executing the script can't access at least one of the keys mentioned in the command arguments"
		channel = "ERR The user executing the script can't publish to the channel mentioned in the command"
	)
	for _, tt := range []struct{ script, want string }{
		{"return redis.call('SET', 'k', 'v')", "OK"},
		{"return redis.call('GET', 'r')", ""},
		{"return redis.call('COPY', 'r', 'k1')", ""},
		{"return redis.pcall('COPY', 'k', 'r')", key},
		{"return redis.pcall('SET', 'r', 'v')", key},
		{"return redis.pcall('GET', 'x')", key},
		{"return redis.pcall('MSET', 'k', 1, 'x', 2)", key},
		{"return redis.pcall('SET', 'x', 'v')", key},
		{"return redis.pcall('KEYS', '*')", command},
		{"return redis.pcall('FLUSH')", command},
		{"return redis.pcall('PUBLISH', 'd', 'm')", channel},
		{"return redis.pcall('PUBLISH', 'c', 'm')", ""},
		{"return redis.pcall('PING')", "PONG"},
		{"return redis.pcall('CONFIG', 'GET', 'x')", errInScript.Str},
		{"return tostring(redis.acl_check_cmd('GET', 'k'))", "true"},
		{"return tostring(redis.acl_check_cmd('GET', 'x'))", "false"},
		{"return tostring(redis.acl_check_cmd('KEYS', '*'))", "false"},
		{"return tostring(redis.acl_check_cmd('CONFIG', 'GET', '*'))", "false"},
	} {
		if v := m.as("joe", tt.script); v.Str != tt.want {
			t.Errorf("%s: %+v, want %q", tt.script, v, tt.want)
		}
	}
	var refused []string
	for _, r := range m.st.TakeRefusals() {
		refused = append(refused, r.User+" "+r.Reason.String()+" "+r.Object)
		if r.Origin != testOrigin.ID {
			t.Errorf("%+v is not of the origin", r)
		}
	}
	want := []string{"joe key r", "joe key r", "joe key x", "joe key x", "joe key x", "joe command keys", "joe command flushdb", "joe channel d"}
	if !slices.Equal(refused, want) {
		t.Errorf("refused %q", refused)
	}
	if v := m.as("nobody", "return redis.call('PING')"); !strings.HasPrefix(v.Str, command) {
		t.Errorf("a user who is not there: %+v", v)
	}
	if v := m.as("default", "return redis.call('KEYS', '*')"); v.IsError() {
		t.Errorf("the default user: %+v", v)
	}
	r := Request{Command: Lookup("EVAL_RO"), Args: bulks("EVAL_RO", "return redis.pcall('GET', 'x')", "0"), User: "joe"}
	if v := m.st.Read(r); v.Str != key {
		t.Errorf("EVAL_RO: %+v", v)
	}
}

// The users outlive a snapshot, and are a part of the state's bytes.
func TestUsersInSnapshots(t *testing.T) {
	m := newMachine(t)
	plain := encoded(t, m.st)
	frozen := m.st.Freeze()
	m.setUser("joe", "on", ">one", ">two", "~a", "%R~b", "&c", "+@all", "-get", "+select|a b", "(+get ~x %W~y allchannels)", "()")
	m.setUser("ann", "skip-sanitize-payload", "allkeys", "allchannels", "+@read", "-@write", "+config|get")
	m.setUser("", "reset", "nopass")
	m.setUser("default", "-@dangerous")
	if !m.st.Users().Get("default").Configured {
		t.Error("the password of the default user is not the configured one any more")
	}
	back := restored(t, m.st)
	for _, name := range m.st.Users().Names() {
		if got, want := back.Users().Get(name).Line(), m.st.Users().Get(name).Line(); got != want {
			t.Errorf("%q, after a restore %q", want, got)
		}
	}
	var b bytes.Buffer
	if err := frozen.Encode(&b); err != nil || !bytes.Equal(b.Bytes()[:len(plain)-4], plain[:len(plain)-4]) {
		t.Errorf("the view changed: %v", err)
	}
	m.setUser("default", "="+acl.Hash([]byte("flag")), ">own")
	if u := m.st.Users().Get("default"); u.Configured || !u.Admits(acl.Hash([]byte("flag"))) || !u.Admits(acl.Hash([]byte("own"))) || u.Admits("") {
		t.Errorf("the default user is %s", u.Line())
	}
	restored(t, m.st)
}

func TestRestoredUsersAreAsWritten(t *testing.T) {
	m := newMachine(t)
	m.setUser("joe", "+get")
	good := string(encoded(t, m.st))
	for _, change := range [][2]string{{"+get", "+GET"}, {"+get", "nope"}, {"joe", "j e"}, {"default", "defaulu"}} {
		bad := sealed([]byte(strings.Replace(good, change[0], change[1], 1)))
		if _, err := Decode(bytes.NewReader(bad)); err == nil {
			t.Errorf("%q for %q is read", change[1], change[0])
		}
	}
}
