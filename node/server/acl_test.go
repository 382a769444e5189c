package server

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/trivetdb/trivet/fsm/acl"
	"github.com/trivetdb/trivet/resp"
)

const (
	noKey     = "-NOPERM No permissions to access a key\r\n"
	noChannel = "-NOPERM No permissions to access a channel\r\n"
	wrongPass = "-WRONGPASS invalid username-password pair or user is disabled.\r\n"
	noAuth    = "-NOAUTH Authentication required.\r\n"
)

func noCommand(user, command string) string {
	return fmt.Sprintf("-NOPERM User %s has no permissions to run the '%s' command\r\n", user, command)
}

// as returns a connection of a user who may come in with the password pw.
func (f *fixture) as(user string) *wire {
	f.t.Helper()
	w := dial(f.t, f.redis)
	w.ask("AUTH "+user+" pw", "+OK\r\n")
	return w
}

func TestPermissions(t *testing.T) {
	f := start(t, Options{})
	root := dial(t, f.redis)
	root.ask("ACL SETUSER joe on >pw ~k* %R~r* &c* +@all -@dangerous", "+OK\r\n")
	joe := dial(t, f.redis)
	joe.ask("AUTH joe bad", wrongPass)
	joe.ask("ACL WHOAMI", "$7\r\ndefault\r\n")
	joe.ask("AUTH joe pw", "+OK\r\n")
	joe.ask("ACL WHOAMI", "$3\r\njoe\r\n")
	joe.ask("SET k 1", "+OK\r\n")
	joe.ask("SET x 1", noKey)
	joe.ask("SET r 1", noKey)
	joe.ask("GET r", "$-1\r\n")
	joe.ask("MGET k x", noKey)
	joe.ask("COPY k r", noKey)
	joe.ask("KEYS *", noCommand("joe", "keys"))
	joe.ask("FLUSH", noCommand("joe", "flush"))
	joe.ask("CONFIG GET x", noCommand("joe", "config|get"))
	joe.ask("WATCH x", noKey)
	joe.ask("PUBLISH d m", noChannel)
	joe.ask("PUBLISH c m", ":0\r\n")
	joe.ask("SSUBSCRIBE c d", noChannel)
	joe.ask("BLPOP x 1", noKey)
	joe.ask("ACL SETUSER joe +@all", noCommand("joe", "acl|setuser"))
	joe.ask("ACL WHOAMI", "$3\r\njoe\r\n")
	joe.ask("GET", "-ERR wrong number of arguments for 'get' command\r\n")

	// The next command goes by the new rules, at any connection.
	root.ask("ACL SETUSER joe ~x -get", "+OK\r\n")
	joe.ask("SET x 1", "+OK\r\n")
	joe.ask("GET x", noCommand("joe", "get"))
	joe.ask("RESET", "+RESET\r\n")
	joe.ask("GET x", "$1\r\n1\r\n")

	classic := dial(t, f.classic)
	classic.ask("+AUTH joe pw", "+OK\r\n")
	classic.ask("+GET x", noCommand("joe", "get"))
	classic.ask("+DELETE y", noKey)
	classic.ask("+FLUSH", noCommand("joe", "flush"))
	classic.ask("+DELETE x", ":1\r\n")
}

func TestPermissionsInTransactions(t *testing.T) {
	f := start(t, Options{})
	root := dial(t, f.redis)
	root.ask("ACL SETUSER joe on >pw ~k* +@all", "+OK\r\n")
	joe := f.as("joe")
	joe.send("MULTI\r\nSET x 1\r\nSET k 1\r\nEXEC\r\n")
	joe.expect("+OK\r\n" + noKey + "+QUEUED\r\n-EXECABORT Transaction discarded because of previous errors.\r\n")
	joe.send("MULTI\r\nSET k 1\r\nECHO a\r\nINCR k2\r\nINCR k\r\n")
	joe.expect("+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n")
	root.ask("ACL SETUSER joe -echo -set resetkeys ~k", "+OK\r\n")
	const changed = "-NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is no longer allowed for the following reason: "
	const command, key = changed + "no permission to execute the command or subcommand\r\n", changed + "no permission to touch the specified keys\r\n"
	joe.ask("EXEC", "*4\r\n"+command+command+key+":1\r\n")

	root.send("MULTI\r\nACL SETUSER ann on >pw\r\nACL SETUSER ann <pw >pw\r\nACL SETUSER ann +nosuch\r\nACL DELUSER joe\r\nEXEC\r\n")
	root.expect("+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*4\r\n+OK\r\n+OK\r\n" +
		"-ERR Error in ACL SETUSER modifier '+nosuch': Unknown command or category name in ACL\r\n:1\r\n")
	joe.closed()
	root.ask("ACL USERS", "*2\r\n$3\r\nann\r\n$7\r\ndefault\r\n")
	root.send("ACL SETUSER ann <pw\r\nACL SETUSER ann <pw\r\nACL SETUSER ann >pw +@all\r\nACL USERS\r\n")
	root.expect("+OK\r\n-ERR Error in ACL SETUSER modifier '<pw': The password you are trying to remove from the user does not exist\r\n+OK\r\n*2\r\n$3\r\nann\r\n$7\r\ndefault\r\n")
	ann := f.as("ann")
	ann.send("MULTI\r\nACL DELUSER ann\r\nEXEC\r\nPING\r\n")
	ann.expect("+OK\r\n+QUEUED\r\n*1\r\n:1\r\n")
	ann.closed()
}

func TestPermissionsOfScripts(t *testing.T) {
	f := start(t, Options{})
	root := dial(t, f.redis)
	root.ask("ACL SETUSER joe on >pw ~k* +@all -incr", "+OK\r\n")
	joe := f.as("joe")
	const command = "-ERR The user executing the script can't run this command or subcommand\r\n"
	joe.ask(`EVAL "return redis.call('SET', 'k', 'v')" 0`, "+OK\r\n")
	joe.ask(`EVAL "return redis.pcall('INCR', 'k')" 0`, command)
	joe.ask(`EVAL "return redis.pcall('GET', 'x')" 0`, "-ERR The user executing the script can't access at least one of the keys mentioned in the command arguments\r\n")
	joe.ask(`EVAL_RO "return redis.pcall('GET', 'x')" 0`, "-ERR The user executing the script can't access at least one of the keys mentioned in the command arguments\r\n")
	joe.ask(`EVAL_RO "return redis.pcall('GET', 'k')" 0`, "$1\r\nv\r\n")
	joe.ask(`EVAL "return 1" 1 x`, noKey)
	joe.send("MULTI\r\nEVAL \"return redis.pcall('INCR', 'k')\" 0\r\nEVAL_RO \"return redis.pcall('GET', 'k')\" 0\r\nEXEC\r\n")
	joe.expect("+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n" + command + "$1\r\nv\r\n")
	root.ask(`EVAL "return redis.pcall('INCR', 'n')" 0`, ":1\r\n")
	root.ask("ACL SETUSER joe reset on >pw allkeys allchannels allcommands", "+OK\r\n")
	joe.ask(`EVAL "return redis.pcall('INCR', 'n')" 0`, ":2\r\n")
	root.ask("ACL SETUSER default -incr", "+OK\r\n")
	root.ask(`EVAL "return redis.pcall('INCR', 'n')" 0`, command)
}

func TestUsersWhoGo(t *testing.T) {
	f := start(t, Options{})
	root := dial(t, f.redis)
	root.ask("ACL SETUSER joe on >pw allchannels +@all", "+OK\r\n")
	root.ask("ACL SETUSER ann on >pw &a* +@all", "+OK\r\n")
	joe, ann, other, quiet := f.as("joe"), f.as("ann"), f.as("ann"), f.as("ann")
	ann.ask("SUBSCRIBE a1", "*3\r\n$9\r\nsubscribe\r\n$2\r\na1\r\n:1\r\n")
	other.ask("PSUBSCRIBE a*", "*3\r\n$10\r\npsubscribe\r\n$2\r\na*\r\n:1\r\n")
	root.ask("ACL SETUSER ann &b -get off", "+OK\r\n")
	ann.ask("PING", "*2\r\n$4\r\npong\r\n$0\r\n\r\n")
	root.ask("ACL SETUSER ann resetchannels &a1", "+OK\r\n")
	other.closed()
	ann.ask("PING", "*2\r\n$4\r\npong\r\n$0\r\n\r\n")
	quiet.ask("PING", "+PONG\r\n")
	root.ask("ACL SETUSER ann resetchannels", "+OK\r\n")
	ann.closed()
	quiet.ask("SUBSCRIBE a1", noChannel)
	dial(t, f.redis).ask("AUTH ann pw", wrongPass)

	root.ask("CLIENT KILL USER joe", ":1\r\n")
	joe.closed()
	root.ask("CLIENT KILL USER nobody", "-ERR No such user 'nobody'\r\n")
	joe = f.as("joe")
	if got := joe.value("CLIENT INFO").Str; !strings.Contains(got, " user=joe ") {
		t.Errorf("CLIENT INFO: %s", got)
	}
	joe.send("SET k 1\r\nACL DELUSER joe\r\nPING\r\n")
	joe.expect("-NOPERM No permissions to access a key\r\n:1\r\n")
	joe.closed()
	root.ask("ACL DELUSER ann joe", ":1\r\n")
	quiet.closed()

	// One who comes back at once is another.
	root.ask("ACL SETUSER joe on >pw +@all", "+OK\r\n")
	joe = f.as("joe")
	root.send("MULTI\r\nACL DELUSER joe\r\nACL SETUSER joe on >pw +@all\r\nEXEC\r\n")
	root.expect("+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:1\r\n+OK\r\n")
	joe.closed()
}

func TestDefaultUser(t *testing.T) {
	f := start(t, Options{Password: "flag"})
	w := dial(t, f.redis)
	w.ask("PING", noAuth)
	w.ask("AUTH flag", "+OK\r\n")
	w.ask("ACL LIST", fmt.Sprintf("*1\r\n$93\r\nuser default on #%s ~* &* +@all\r\n", acl.Hash([]byte("flag"))))
	w.ask("ACL SETUSER default -nosuch", "-ERR Error in ACL SETUSER modifier '-nosuch': Unknown command or category name in ACL\r\n")
	w.ask("ACL SETUSER default -keys", "+OK\r\n")
	w.ask("KEYS *", noCommand("default", "keys"))
	dial(t, f.redis).ask("AUTH default flag", "+OK\r\n")
	w.ask("ACL SETUSER default >own", "+OK\r\n")
	dial(t, f.redis).ask("AUTH default flag", "+OK\r\n")
	dial(t, f.redis).ask("AUTH own", "+OK\r\n")
	w.ask("ACL SETUSER default <flag", "+OK\r\n")
	dial(t, f.redis).ask("AUTH flag", wrongPass)
	dial(t, f.redis).ask("AUTH own", "+OK\r\n")
	guest := dial(t, f.redis)
	guest.ask("GET a", noAuth)
	if got := guest.value("HELLO 3"); !strings.HasPrefix(got.Str, "NOAUTH HELLO must") {
		t.Errorf("HELLO: %v", got)
	}
	w.ask("ACL SETUSER default nopass", "+OK\r\n")
	guest.ask("GET a", "$-1\r\n")
	w.ask("ACL SETUSER default off", "+OK\r\n")
	dial(t, f.redis).ask("GET a", noAuth)
	guest.ask("GET a", "$-1\r\n") // came in, and stays
	w.ask("ACL SETUSER joe on nopass +@all", "+OK\r\n")
	if got := dial(t, f.redis).value("HELLO 3 AUTH joe x"); got.Kind != resp.Map {
		t.Errorf("HELLO AUTH: %v", got)
	}
}

func TestACLLog(t *testing.T) {
	f := start(t, Options{})
	root := dial(t, f.redis)
	root.ask("ACL SETUSER joe on >pw ~k +@all -keys", "+OK\r\n")
	joe := dial(t, f.redis)
	joe.ask("AUTH joe bad", wrongPass)
	joe.ask("AUTH joe pw", "+OK\r\n")
	joe.ask("GET x", noKey)
	joe.ask("KEYS *", noCommand("joe", "keys"))
	joe.ask("SET x 1", noKey)
	joe.ask("PUBLISH c m", noChannel)
	joe.send("MULTI\r\nGET x\r\nDISCARD\r\n")
	joe.expect("+OK\r\n" + noKey + "+OK\r\n")
	joe.value(`EVAL "return redis.call('KEYS', '*')" 0`)
	want := []string{
		"1 command lua keys joe 5", "1 key multi x joe 4", "1 channel toplevel c joe 3", "2 key toplevel x joe 1",
		"1 command toplevel keys joe 2", "1 auth toplevel AUTH joe 0",
	}
	now := time.Now().UnixMilli()
	got := root.value("ACL LOG").Elems
	if len(got) != len(want) {
		t.Fatalf("%d entries: %v", len(got), got)
	}
	for i, entry := range got {
		field := map[string]resp.Value{}
		for j := 0; j+1 < len(entry.Elems); j += 2 {
			field[entry.Elems[j].Str] = entry.Elems[j+1]
		}
		text := fmt.Sprint(field["count"].Int, " ", field["reason"].Str, " ", field["context"].Str, " ", field["object"].Str, " ", field["username"].Str, " ", field["entry-id"].Int)
		if text != want[i] {
			t.Errorf("entry %d: %s, want %s", i, text, want[i])
		}
		if at := field["timestamp-created"].Int; at > now || now-at > 60_000 || field["timestamp-last-updated"].Int < at || field["age-seconds"].Str == "" {
			t.Errorf("entry %d: its times are %v", i, field)
		}
		if info := field["client-info"].Str; i > 0 && (!strings.HasPrefix(info, "id=") || strings.HasSuffix(info, "\n")) {
			t.Errorf("entry %d: the client is %q", i, info)
		}
	}
	if n := len(root.value("ACL LOG 2").Elems); n != 2 {
		t.Errorf("ACL LOG 2 shows %d", n)
	}
	info := infoFields(t, root, "INFO stats")
	for name, want := range map[string]string{"auth": "1", "cmd": "2", "key": "3", "channel": "1"} {
		if got := info["acl_access_denied_"+name]; got != want {
			t.Errorf("INFO counts %s denials of a kind, %s: want %s", got, name, want)
		}
	}
	root.ask("ACL LOG RESET", "+OK\r\n")
	root.ask("ACL LOG", "*0\r\n")
	for i := range 200 {
		joe.ask(fmt.Sprint("GET x", i), noKey)
	}
	if n := len(root.value("ACL LOG 1000").Elems); n != defaultDenied {
		t.Errorf("%d entries are kept", n)
	}
}

func TestGenPass(t *testing.T) {
	w := dial(t, start(t, Options{}).redis)
	seen := map[string]bool{}
	for line, size := range map[string]int{"": 64, " 5": 2, " 4": 1, " 1": 1, " 4096": 1024, " 128": 32} {
		got := w.value("ACL GENPASS" + line).Str
		if len(got) != size || strings.Trim(got, "0123456789abcdef") != "" || size > 2 && seen[got] {
			t.Errorf("ACL GENPASS%s: %q", line, got)
		}
		seen[got] = true
	}
}

// A client who waits is asked again when it is served.
func TestPermissionOfTheBlocked(t *testing.T) {
	f := start(t, Options{})
	root := dial(t, f.redis)
	root.ask("ACL SETUSER joe on >pw ~* +@all", "+OK\r\n")
	joe := f.as("joe")
	joe.send("BLPOP l 0\r\n")
	eventually(t, "a client that waits", func() bool { return f.counts.blocked.Load() == 1 })
	root.ask("ACL SETUSER joe -blpop", "+OK\r\n")
	root.ask("RPUSH l a", ":1\r\n")
	joe.expect(noCommand("joe", "blpop"))
	root.ask("LLEN l", ":1\r\n")
}

// A node that was started may have users of long ago. What changes data waits
// until it knows better, and who came in by them must come in again.
func TestNodeThatCatchesUp(t *testing.T) {
	f := start(t, Options{})
	behind := make(chan struct{})
	f.node.set(func() { f.node.behind = behind })
	old, _ := acl.NewUsers().Edit("joe", []string{"on", ">pw", "+@all", "~*"}, nil)
	old, _ = old.Edit("ann", []string{"on", ">pw", "+@all", "~*"}, nil)
	f.SetUsers(old, nil)
	open, writer, joe, ann := dial(t, f.redis), dial(t, f.redis), f.as("joe"), f.as("ann")
	open.ask("PING", "+PONG\r\n")
	writer.send("SET a 1\r\n")
	joe.send("RAFT REMOVE b\r\n")
	f.awaitClients(4)
	users, _ := old.Edit("joe", []string{">other", "<pw"}, nil)
	users, _ = users.Edit(acl.Default, []string{">pw"}, nil)
	users, _ = users.Edit("ann", []string{"-set"}, nil)
	f.SetUsers(users, nil)
	close(behind)
	open.closed()
	for _, w := range []*wire{writer, joe} { // what they asked for is refused at most
		if rest, err := io.ReadAll(w.r); len(rest) > 0 && string(rest) != "-"+errLoading.Str+"\r\n" || err != nil {
			t.Errorf("got %q (%v)", rest, err)
		}
	}
	ann.ask("SET a 1", noCommand("ann", "set"))
	ann.ask("GET a", "$-1\r\n")
	if len(f.node.asked) > 0 {
		t.Errorf("the node was asked to %q", f.node.asked)
	}
	users, _ = users.Edit(acl.Default, []string{"nopass"}, nil)
	f.SetUsers(users, nil)
	open = dial(t, f.redis)
	open.ask("PING", "+PONG\r\n")
	users, _ = users.Edit(acl.Default, []string{">pw"}, nil)
	f.SetUsers(users, nil)
	open.ask("PING", "+PONG\r\n") // from now on as in Redis
}

// awaitClients waits until so many clients are known and have been read from.
func (f *fixture) awaitClients(n int) {
	f.t.Helper()
	eventually(f.t, "the clients", func() bool { return f.conns.total() == n && f.counts.in.Load() > 0 })
	time.Sleep(20 * time.Millisecond)
}

// TestSortOfOthers has a user sort by, or show, keys that the command does not
// name.
func TestSortOfOthers(t *testing.T) {
	f := start(t, Options{})
	dial(t, f.redis).ask("ACL SETUSER joe on >pw +@all ~own:*", "+OK\r\n")
	joe := f.as("joe")
	joe.ask("RPUSH own:l 1 2", ":2\r\n")
	joe.ask("SORT own:l GET #", "*2\r\n$1\r\n1\r\n$1\r\n2\r\n")
	joe.ask("SORT own:l BY nosort", "*2\r\n$1\r\n1\r\n$1\r\n2\r\n")
	for _, line := range []string{"SORT own:l GET secret:*", "SORT_RO own:l BY secret:*", "SORT own:l LIMIT 0 1 GET # GET *"} {
		joe.ask(line, noKey)
	}
}
