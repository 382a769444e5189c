package server

import (
	"fmt"
	"strings"
	"testing"

	"github.com/trivetdb/trivet/resp"
)

// sendWords sends a command whose arguments may hold spaces.
func (w *wire) sendWords(words ...string) {
	w.t.Helper()
	text := fmt.Sprintf("*%d\r\n", len(words))
	for _, word := range words {
		text += fmt.Sprintf("$%d\r\n%s\r\n", len(word), word)
	}
	w.send(text)
}

// errText is an error as it is sent.
func errText(v resp.Value) string { return "-" + v.Str + "\r\n" }

const endless = "#!lua name=endless\n" +
	"redis.register_function{function_name = 'loop', flags = {'no-writes'}, callback = function() while true do pcall(error) end end}"

// A script or a function that reads only can be killed, by the command for its
// kind; what it caught before changes nothing.
func TestKillReader(t *testing.T) {
	f := start(t, Options{})
	me, other := dial(t, f.redis), dial(t, f.redis)
	me.ask("SCRIPT KILL", errText(errNotBusy))
	me.ask("FUNCTION KILL", errText(errNotBusy))
	me.sendWords("FUNCTION", "LOAD", endless)
	me.expect("$7\r\nendless\r\n")
	for _, c := range []struct {
		kill, wrong, refused, id string
		words                    []string
	}{
		{"SCRIPT KILL", "FUNCTION KILL", errBusyScript.Str, "on @user_script:1.",
			[]string{"EVAL_RO", "while true do pcall(function() while true do end end) end", "0"}},
		{"FUNCTION KILL", "SCRIPT KILL", errBusyFunction.Str, "loop, on @user_function:2.",
			[]string{"FCALL_RO", "loop", "0"}},
	} {
		killed := false
		for range 20 { // one that has its budget used up, on a slow machine, is no proof
			other.sendWords(c.words...)
			eventually(t, "it runs", func() bool { f.lua.mu.Lock(); defer f.lua.mu.Unlock(); return len(f.lua.reading) > 0 })
			wrong, right := me.value(c.wrong).Str, me.value(c.kill).Str
			got := other.next().Str
			if killed = strings.HasPrefix(got, "ERR Script killed by user with SCRIPT KILL... script: "); !killed {
				continue
			}
			if wrong != c.refused || right != "OK" || !strings.HasSuffix(got, c.id) {
				t.Errorf("%s: %q, %q and then %q", c.kill, wrong, right, got)
			}
			break
		}
		if !killed {
			t.Errorf("%s killed nothing", c.kill)
		}
	}
	me.ask("SCRIPT KILL", errText(errNotBusy))
}

// What goes through the log ends by its budget alone.
func TestKillLogged(t *testing.T) {
	f := start(t, Options{})
	me, other := dial(t, f.redis), dial(t, f.redis)
	hold := make(chan struct{})
	f.node.set(func() { f.node.hold = hold })
	other.sendWords("EVAL", "return 1", "0")
	eventually(t, "it is under way", func() bool { return f.lua.logged.Load() == 1 })
	me.ask("SCRIPT KILL", errText(errUnkillable))
	me.ask("FUNCTION KILL", errText(errUnkillable))
	close(hold)
	other.expect(":1\r\n")
	me.ask("MULTI", "+OK\r\n")
	me.sendWords("EVAL", "return 2", "0")
	me.expect("+QUEUED\r\n")
	me.ask("SCRIPT KILL", "+QUEUED\r\n")
	me.ask("EXEC", "*2\r\n:2\r\n"+errText(errNotBusy))
}

func TestFunctionStats(t *testing.T) {
	f := start(t, Options{})
	me := dial(t, f.redis)
	me.sendWords("FUNCTION", "LOAD", endless)
	me.expect("$7\r\nendless\r\n")
	const rest = " $engines *2 $LUA *4 $libraries_count :1 $functions_count :1"
	if got := brief(me.value("FUNCTION STATS")); got != "*4 $running_script $-1"+rest {
		t.Errorf("got %s", got)
	}
	run := f.lua.start(f.table.find([]byte("FCALL_RO"), false), [][]byte{[]byte("FCALL_RO"), []byte("loop"), []byte("0")})
	got := brief(me.value("FUNCTION STATS"))
	if !strings.HasPrefix(got, "*4 $running_script *6 $name $loop $command *3 $FCALL_RO $loop $0 $duration_ms :") || !strings.HasSuffix(got, rest) {
		t.Errorf("got %s", got)
	}
	f.lua.end(run)
	me.ask("SCRIPT DEBUG NO", "+OK\r\n")
	me.ask("SCRIPT DEBUG maybe", errText(errScriptDebug))
	if help := me.value("FUNCTION HELP"); len(help.Elems) != 2*9+1 {
		t.Errorf("HELP has %d lines", len(help.Elems))
	}
}

// What a script or a function publishes reaches the subscribers of every node, as
// each applies the entry; how many they are it cannot know.
func TestScriptsPublish(t *testing.T) {
	f := start(t, Options{})
	sub, pub := dial(t, f.redis), dial(t, f.redis)
	sub.value("SUBSCRIBE a")
	sub.value("SSUBSCRIBE s")
	pub.sendWords("EVAL", "return {redis.call('PUBLISH', 'a', 1), redis.call('SPUBLISH', 's', 2)}", "0")
	pub.expect("*2\r\n:0\r\n:0\r\n")
	pub.sendWords("FUNCTION", "LOAD", "#!lua name=news\nredis.register_function('tell', function() return redis.call('publish', 'a', 3) end)")
	pub.expect("$4\r\nnews\r\n")
	pub.ask("FCALL tell 0", ":0\r\n")
	for _, want := range []string{"*3 $message $a $1", "*3 $smessage $s $2", "*3 $message $a $3"} {
		if got := brief(sub.next()); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	pub.sendWords("EVAL_RO", "return redis.pcall('PUBLISH', 'a', 1)", "0")
	pub.expect("-ERR Write commands are not allowed from read-only scripts.\r\n")
}
