//go:build redis

package server

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// script is what a client does while others watch it.
var script = strings.Split(`multi
monitor
exec
multi
set a 1
get
exec
multi
set a "a\x01\xff\"b\\\n"
echo b
wait 0 0
exec
ping
select 3
auth x y
hello 2 setname a
eval "return 1" 0
eval_ro "return 1" 0
mset a 1 b 2
get a
mget a b
client list
client id
config get x
nosuch
subscribe a
unsubscribe a
blpop l 0.01
rpush l x
blpop l 0
wait 0 0
debug sleep 0
client reply skip
echo skipped
echo c
reset`, "\n")

var anAddress = regexp.MustCompile(`^\+?[0-9]+\.[0-9]{6} \[([0-9]+) [^\]]*\]`)

// monitored sends the script on one connection, and returns what a monitor on the
// other is shown.
func monitored(t *testing.T, m, w *wire) []string {
	m.ask("MONITOR", "+OK\r\n")
	for _, line := range script {
		w.send(line + "\r\n")
		time.Sleep(5 * time.Millisecond) // BLPOP shows when it begins, and pipelined writes together
	}
	w.send("echo end\r\n")
	var lines []string
	for {
		v := m.next()
		line := anAddress.ReplaceAllString(v.Str, "[$1]")
		if strings.Contains(line, "[0] \"echo\" \"end\"") {
			return lines
		}
		if !strings.Contains(v.Str, " lua] ") {
			lines = append(lines, line)
		}
	}
}

func TestMonitorAgreesWithRedis(t *testing.T) {
	m := realRedis(t)
	w := dialUnix(t, m.RemoteAddr().String())
	want := monitored(t, m, w)
	f := start(t, Options{})
	got := monitored(t, dial(t, f.redis), dial(t, f.redis))
	if !slices.Equal(got, want) {
		t.Errorf("a monitor sees\n%s\nof Redis\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
