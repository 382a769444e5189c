//go:build redis

package server

import (
	"bufio"
	"bytes"
	"net"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/resp"
)

// realRedis starts a redis-server that is asked the same. Without one the test
// fails: who asks for these tests wants them.
func realRedis(t *testing.T) *wire {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Fatal(err)
	}
	socket := t.TempDir() + "/s"
	cmd := exec.Command(path, "--port", "0", "--enable-debug-command", "yes", "--unixsocket", socket, "--save", "", "--appendonly", "no", "--dir", t.TempDir())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	var w *wire
	eventually(t, "a redis-server", func() bool {
		w = dialUnix(t, socket)
		return w != nil
	})
	return w
}

// columns are what is compared of COMMAND INFO: arity, flags, the positions of
// keys, and the ACL categories; all but the lists in order.
func columns(v resp.Value) []string {
	var out []string
	for i, e := range v.Elems {
		if i > 6 {
			break
		}
		words := []string{string(e.Append(nil, resp.Canonical))}
		if e.Kind == resp.Array || e.Kind == resp.Set {
			words = nil
			for _, w := range e.Elems {
				words = append(words, w.Str)
			}
			slices.Sort(words)
		}
		out = append(out, strings.TrimSpace(strings.Join(words, " ")))
	}
	return out
}

// notReadonly lists the rows that are local here and readonly in Redis.
var notReadonly = []string{"LOLWUT"}

func TestTableAgreesWithRedis(t *testing.T) {
	real, ours := realRedis(t), dial(t, start(t, Options{}).redis)
	version := ""
	for _, s := range Specs() {
		// Those of package fsm are compared in test/redis.
		if s.Flags&(fsm.Alias|fsm.ClassicOnly) != 0 || s.Flags&fsm.Local == 0 {
			continue
		}
		line := "COMMAND INFO " + s.FullName()
		want, got := real.value(line).Elems[0], ours.value(line).Elems[0]
		switch {
		case want.Kind == resp.NullArray || want.Kind == resp.Null:
			if s.Since < "7.0.1" {
				t.Errorf("%s: Redis %s has no such command", s.Name, version)
			}
		case slices.Contains(notReadonly, s.Name):
			if columns(want)[2] != strings.TrimSpace(columns(got)[2]+" readonly") {
				t.Errorf("%s: flags %q, in Redis %q", s.Name, columns(got)[2], columns(want)[2])
			}
		case !slices.Equal(columns(want), columns(got)):
			t.Errorf("%s:\n%q, in Redis\n%q", s.Name, columns(got), columns(want))
		}
	}
}

// Replies of local commands that must be the same bytes as Redis's.
var sameAsRedis = strings.Split(strings.TrimSpace(`
foo bar baz
foo
foo 'a b'
client
client foo
client foo bar
client id x
client|id
select x
select +1
select 16
select -1
select 0
ping a b
ping a
ping
auth x
auth x y
auth default x
auth
auth a b c
hello 4
hello abc
hello 3 auth
hello 3 foo
hello 3 setname
hello 3 setname 'a b'
client setname 'a b'
client setname ''
client getname
client setname bob
client getname
client list type foo
client list type replica
client list id x
client list id 1000
client list foo
client list id
client kill foo
client kill 1.1.1.1:1
client kill id 0
client kill id x
client kill id 999
client kill type foo
client kill type pubsub
client kill addr foo
client kill user foo
client kill skipme maybe
client kill id 1 type
client kill foo bar
client no-evict on
client no-evict foo
client no-evict
client pause
client pause foo
client pause -1
client pause 0
client pause 10 foo
client pause 1 all x
client unpause
client unpause x
client reply foo
client reply
client reply on
client tracking foo
client tracking off
client caching yes
client caching foo
client getredir
client trackinginfo
slowlog get -2
slowlog get foo
slowlog get 1 2
slowlog foo
slowlog len 1
slowlog
latency latest
latency history foo
latency graph foo
latency reset foo
latency reset
latency histogram foo
latency histogram get set
latency
latency foo
wait a 1
wait 1 a
wait 1 -1
wait -1 0
wait 0 0
wait 1 10
debug foo
debug sleep
debug sleep x
debug sleep 0
debug object
debug object nokey
debug object a b
debug error 'FOO bar'
debug
shutdown foo
shutdown save nosave
shutdown abort
shutdown abort now
failover to
failover abort
failover timeout -1
failover timeout x
failover timeout 1 timeout 2
failover foo
failover to localhost x
failover timeout 10 abort
memory purge
memory foo
memory
memory doctor x
bgsave foo
bgsave schedule x
monitor x
command getkeysandflags mget a b
command getkeysandflags ping
command getkeysandflags ping a
command getkeysandflags get a b c
command getkeysandflags nosuch a b
config get foo
config get maxmemory
config get SAVE
config get
config
config foo
config set foo 1
config set foo 1 databases 2
config set databases 16
config set databases 1 foo 2
config set maxmemory abc
config set maxmemory -1
config set maxmemory 1zb
config set maxmemory 5%
config set maxmemory 1.5gb
config set maxmemory 1gb maxclients
config set maxmemory 1gb maxmemory 2gb
config set maxmemory 1gb timeout x
config get maxmemory
config set MaxMemory 10mb
config get MAXmemory
config set maxmemory 1000k maxclients 4000
config set maxmemory-policy foo
config set maxmemory-policy NOEVICTION
config set timeout abc
config set timeout 01
config set timeout +1
config set timeout -1
config set timeout 2147483648
config set maxclients 0
config set maxclients 4294967296
config set slowlog-log-slower-than -2
config set slowlog-log-slower-than -1
config get slowlog-log-slower-than
config set slowlog-max-len 99999999999999999999
config get slowlog-max-len
config set latency-monitor-threshold -1
config set latency-monitor-threshold 5
config get latency-monitor-threshold
config set notify-keyspace-events Q
config set notify-keyspace-events KEA
config get notify-keyspace-events
config set notify-keyspace-events Kg$xlm
config get notify-keyspace-events
config set notify-keyspace-events ''
config get notify-keyspace-events
config set client-output-buffer-limit abc
config set client-output-buffer-limit 'pubsub 1 2'
config set client-output-buffer-limit 'pubsub 1 2 x'
config set client-output-buffer-limit 'pubsub 1mb 0 0'
config set save ''
config set maxmemory 0
config set
config set foo
config set 'a b' c
config rewrite x
config resetstat x
config resetstat
command info nosuch client|nosuch
command getkeys get a
command getkeys get
command getkeys nosuch a
command getkeys mset a b c d
command getkeys get a b c
command getkeys client id
command getkeys client nosuch
command list filterby aclcat foo
command list filterby module x
command list filterby foo bar
command list filterby pattern getde*
command list foo
command docs nosuch
command foo
info foo
info cluster
reset
echo
echo a
role x
time x
exec a
multi
exec a
exec
multi
set a
exec a b
discard
quit a b
`), "\n")

func TestRepliesAgreeWithRedis(t *testing.T) {
	real, ours := realRedis(t), dial(t, start(t, Options{}).redis)
	for _, line := range sameAsRedis {
		want, got := real.value(line), ours.value(line)
		if a, b := got.Append(nil, resp.Canonical), want.Append(nil, resp.Canonical); !bytes.Equal(a, b) {
			t.Errorf("%s: %q, in Redis %q", line, a, b)
		}
	}
	real.closed()
	ours.closed()
}

// What is refused once there is too much data, and how.
var fullAsRedis = strings.Split(strings.TrimSpace(`
set big xxxxxxxxxxxxxxxxxxxx
rpush list a b c d e f
config set maxmemory 1
set a 1
set
set a 1 foo bar
get big
append big x
lpop list
lmove list list left right
blmove list list left right 1
brpop list 1
multi
get big
set a 1
exec
multi
get big
lpop list
exec
multi
set a
exec
eval 'return redis.call("set", "a", "1")' 0
eval 'return redis.pcall("set", "a", "1").err' 0
eval 'return redis.call("get", "big")' 0
eval 'redis.call("lpop", "list"); return redis.call("set", "a", "1")' 0
eval 'redis.call("get", "big"); return redis.call("set", "a", "1")' 0
eval "#!lua\nreturn redis.call('set', 'a', '1')" 0
eval "#!lua\nreturn 1" 0
eval "#!lua flags=no-writes\nreturn redis.call('get', 'big')" 0
eval "#!lua flags=allow-oom\nreturn redis.call('set', 'b', '1')" 0
eval_ro "return redis.call('get', 'big')" 0
multi
eval 'return redis.call("set", "c", "1")' 0
exec
expire big 100
persist big
publish a b
del big a b
config set maxmemory 0
set a 1
`), "\n")

func TestFullAgreesWithRedis(t *testing.T) {
	real, ours := realRedis(t), dial(t, start(t, Options{}).redis)
	for _, line := range fullAsRedis {
		want, got := real.value(line), ours.value(line)
		if a, b := got.Append(nil, resp.Canonical), want.Append(nil, resp.Canonical); !bytes.Equal(a, b) {
			t.Errorf("%s: %q, in Redis %q", line, a, b)
		}
	}
}

// dialUnix returns nil where nobody listens.
func dialUnix(t *testing.T, path string) *wire {
	conn, err := net.Dial("unix", path)
	if err != nil {
		return nil
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	return &wire{t, conn, bufio.NewReader(conn)}
}
