//go:build redis

package server

import (
	"bytes"
	"strings"
	"testing"

	"github.com/trivetdb/trivet/resp"
)

// Commands about users whose replies must be the same bytes as Redis's.
var usersAsRedis = strings.Split(strings.TrimSpace(`
acl
acl foo
acl whoami
acl whoami x
acl list
acl list x
acl users
acl getuser default
acl getuser nobody
acl getuser a b
acl cat
acl cat foo
acl cat a b
acl save
acl load
acl genpass x
acl genpass 0
acl genpass 4097
acl genpass 5 5
acl log
acl log x
acl log -1
acl log 1 2
acl log reset
acl setuser x -@all +@read -get
acl getuser x
acl list
acl setuser x +@all
acl setuser x -@dangerous -get
acl list
acl setuser x allcommands
acl list
acl setuser y +@STRING +select|0 +SELECT|1
acl list
acl setuser y reset
acl list
acl setuser y -select|0
acl setuser y +config|foo
acl setuser y -config|foo
acl setuser y +foo
acl setuser y -foo
acl setuser y +foo|bar
acl setuser y +config|get|x
acl setuser y +get|
acl setuser y +|
acl setuser y +
acl setuser y +@foo
acl setuser y foo
acl setuser y foo +nosuch
acl setuser y =
acl setuser y =e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
acl setuser y on >one >two %R~a %W~b ~c %R~d %W~d &c &d
acl getuser y
acl list
acl setuser y <one
acl setuser y <one
acl getuser y
acl setuser y ~* &*
acl setuser y ~x
acl setuser y &x
acl list
acl setuser y nopass
acl list
acl setuser y resetpass resetkeys resetchannels off
acl list
acl setuser z (+get ~x) (+set %W~y &c allkeys) ( +@all )
acl getuser z
acl list
acl setuser z (+get
acl setuser z (+nosuch)
acl setuser z clearselectors
acl setuser z skip-sanitize-payload
acl getuser z
acl setuser z reset
acl list
acl users
acl setuser "a b"
acl deluser
acl deluser default
acl deluser x nobody z
acl users
acl dryrun nobody get x
acl dryrun y
acl dryrun y foo x
acl dryrun y get
acl dryrun default get x
acl dryrun default config|get x
acl dryrun default config get x
acl dryrun default config foo
acl dryrun y auth x
auth y x
auth nobody x
auth default x
auth x
client kill user nobody
client kill user y
acl setuser y reset on nopass +@connection +acl|whoami ~k
hello 3
acl getuser y
acl getuser nobody
acl list
acl users
hello 2 auth y nobody
acl whoami
select 1
acl whoami
reset
acl whoami
acl setuser default >pw
acl list
auth x
auth pw
auth default pw
acl setuser default <pw
acl list
auth pw
acl setuser default nopass
acl list
multi
acl setuser y +@all
acl setuser y +nosuch
acl deluser default
auth y bad
exec
acl whoami
reset
acl deluser y
quit
`), "\n")

func TestUsersAgreeWithRedis(t *testing.T) {
	real, ours := realRedis(t), dial(t, start(t, Options{}).redis)
	for _, line := range usersAsRedis {
		want, got := real.value(line), ours.value(line)
		if strings.HasPrefix(line, "hello") && got.Kind == want.Kind {
			continue // the greetings differ
		}
		if a, b := got.Append(nil, resp.Canonical), want.Append(nil, resp.Canonical); !bytes.Equal(a, b) {
			t.Errorf("%s: %q, in Redis %q", line, a, b)
		}
	}
	real.closed()
	ours.closed()
}

// What users may do, as DRYRUN tells: its texts are those of a later Redis, but
// the verdicts must agree.
func TestVerdictsAgreeWithRedis(t *testing.T) {
	real, ours := realRedis(t), dial(t, start(t, Options{}).redis)
	users := []string{
		"+@all -@dangerous ~k* %R~r* %W~w* &c*",
		"-@all +@read +set +config|get -config|resetstat +select|0 ~* &*",
		"+@all -config -@write +config|resetstat +@string allkeys",
		"-@all +client -client|kill +publish (+get ~s) (+@write %W~w* &d) (+mget %R~r ~k)",
		"+@fast -@connection %R~* %W~w*",
		"+@all -get +@read -@stream ~* &*",
		"",
	}
	calls := []string{
		"get k", "get r", "get w", "get s", "get x", "set k 1", "set w 1", "set r 1", "set w 1 get", "set k 1 get", "exists w", "exists r", "exists x",
		"strlen w", "type w", "copy r w", "copy w r", "copy r r", "rename k w", "rename r w", "mget k r", "mget r k x", "mset w 1 w2 2", "mset w 1 r 2",
		"sinterstore w r r2", "sinterstore w r w2", "sinterstore r r r", "zunionstore w 2 r k", "zunionstore w 2 r w", "lmove w w left left", "lmove k w left left",
		"lpush w 1", "lpop w", "append w 1", "getset w 1", "getdel w", "getex w", "incr w", "del w r", "del w", "expire w 1", "ttl w", "ttl r", "object encoding w",
		"eval x 1 w", "eval x 1 k", "eval x 0", "eval_ro x 1 r", "eval_ro x 1 w", "evalsha x 2 k w", "config get x", "config set x y", "config resetstat",
		"client list", "client kill x", "client id", "select 0", "select 1", "keys *", "flushall", "publish c 1", "publish d 1", "spublish c 1", "spublish x 1",
		"subscribe c", "subscribe c x", "psubscribe c*", "psubscribe c", "psubscribe d", "unsubscribe x", "ssubscribe c x", "sunsubscribe x", "multi", "exec", "watch x", "watch w",
		"auth x", "hello", "quit", "reset", "ping", "blpop w k 0", "blmpop 0 2 k w left", "xread streams r 0", "xread streams r w 0 0", "xadd w * a b", "xrange r - +",
		"sort k", "pfmerge w r", "acl whoami", "acl list", "command count", "info", "dbsize", "scan 0", "randomkey", "unlink w", "touch w", "script load x", "zadd w 1 a", "zrange r 0 1",
		"zrangestore w r 0 1", "hset w a b", "hget r a", "hlen w", "smove k w a", "sismember w a", "memory usage w",
	}
	for _, rules := range users {
		line := strings.TrimSpace("acl setuser u reset " + rules)
		real.ask(line, "+OK\r\n")
		ours.ask(line, "+OK\r\n")
		for _, call := range calls {
			want, got := real.value("acl dryrun u "+call), ours.value("acl dryrun u "+call)
			if strings.HasSuffix(got.Str, "not found") {
				continue // a command that is not built yet
			}
			later := strings.Replace(want.Str, "This user has no permissions", "User u has no permissions", 1)
			if got.Kind != want.Kind || got.Str != later {
				t.Errorf("%s: %s: %q, in Redis %q", rules, call, got.Str, want.Str)
			}
		}
	}
}
