package server

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/trivetdb/trivet/fsm/acl"
)

func TestParseUsers(t *testing.T) {
	users, err := ParseUsers("# people\n\nuser joe on >pw ~* +@read (+set ~x)\n  user ann off\n")
	want := []UserLine{{"joe", []string{"on", ">pw", "~*", "+@read", "(+set", "~x)"}}, {"ann", []string{"off"}}}
	if err != nil || !reflect.DeepEqual(users, want) {
		t.Errorf("got %v, %v", users, err)
	}
	_, err = ParseUsers("user joe on +nosuch\nhunter2\nuser ann <hunter2\nuser\nuser bob #hunter2\nuser joe off\nuser eve on >hunter2 oops\n")
	if err == nil {
		t.Fatal("no error")
	}
	lines := strings.Split(err.Error(), "\n")
	for i, want := range []string{
		"line 1, user joe: Error in ACL SETUSER modifier '+nosuch': Unknown command",
		"line 2 does not start with: user name",
		"line 3, user ann: Error in ACL SETUSER modifier '<...': The password",
		"line 4 does not start with: user name",
		"line 5, user bob: Error in ACL SETUSER modifier '#...': The password hash",
		"line 6: user joe is there twice",
		"line 7, user eve: Error in ACL SETUSER modifier 'oops': Syntax error",
	} {
		if i >= len(lines) || !strings.HasPrefix(lines[i], want) {
			t.Errorf("no %q at %d in:\n%v", want, i, err)
		}
	}
	if len(lines) != 7 || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got:\n%v", err)
	}
}

func TestUserChange(t *testing.T) {
	f := start(t, Options{})
	users := acl.NewUsers()
	args, err := f.UserChange(users, UserLine{"joe", []string{"on", ">pw", "+get", "(+set ~x)"}})
	want := "SETUSER joe reset on #" + acl.Hash([]byte("pw")) + " +get (+set ~x)"
	if got := string(bytes.Join(args, []byte(" "))); got != " "+want || err != nil {
		t.Fatalf("%q, %v", got, err)
	}
	users, _ = users.Edit("joe", strings.Fields(want)[2:], nil)
	if args, err := f.UserChange(users, UserLine{"joe", []string{"on", "+get", ">pw", "(", "+set", "~x", ")"}}); args != nil || err != nil {
		t.Errorf("no change: %q, %v", args, err)
	}
	if args, err := f.UserChange(users, UserLine{"joe", []string{"off", "+get", ">pw", "(+set ~x)"}}); args == nil || err != nil {
		t.Errorf("a change: %q, %v", args, err)
	}
	if _, err := f.UserChange(users, UserLine{"joe", []string{"+nosuch"}}); err == nil {
		t.Error("a rule about no command")
	}
}
