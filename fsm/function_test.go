package fsm

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/trivetdb/trivet/resp"
)

const counterLibrary = `#!lua name=counter
local n = 0
local seen = {}
redis.register_function('count', function(keys) n = n + 1 seen[#seen + 1] = n return redis.call('RPUSH', keys[1], n, #seen) end)
redis.register_function{function_name = 'read', flags = {'no-writes'}, callback = function(keys)
	n = n + 1
	return {n, redis.call('LRANGE', keys[1], 0, -1), tostring(seen)}
end}`

// A node that was restored from a snapshot answers as one that was not: what a
// function leaves in its library's variables is gone after the call.
func TestFunctionsAfterSnapshot(t *testing.T) {
	a, b := newMachine(t), newMachine(t)
	for _, m := range []*machine{a, b} {
		m.doSub(1, "FUNCTION|LOAD", counterLibrary)
	}
	for i := range 4 {
		if i%2 == 1 {
			b.st = restored(t, b.st)
		}
		v, w := a.do(2, "FCALL", "count", "1", "l"), b.do(2, "FCALL", "count", "1", "l")
		if fmt.Sprint(v) != fmt.Sprint(w) || v.Int != int64(2*i+2) {
			t.Fatalf("call %d: one says %v, the other %v", i, v, w)
		}
	}
	if !bytes.Equal(encoded(t, a.st), encoded(t, b.st)) {
		t.Error("the states differ")
	}
}

// A view that was frozen keeps the libraries that it had.
func TestFrozenFunctions(t *testing.T) {
	m := newMachine(t)
	m.doSub(1, "FUNCTION|LOAD", counterLibrary)
	before := encoded(t, m.st)
	frozen := m.st.Freeze()
	m.doSub(2, "FUNCTION|LOAD", "#!lua name=more\nredis.register_function('more', function() end)")
	m.doSub(3, "FUNCTION|DELETE", "counter")
	var b bytes.Buffer
	if err := frozen.Encode(&b); err != nil || !bytes.Equal(b.Bytes(), before) {
		t.Errorf("the view changed: %v", err)
	}
	m.doSub(4, "FUNCTION|FLUSH")
	restored(t, m.st)
}

// Reads call functions at the same time.
func TestConcurrentFunctions(t *testing.T) {
	m := newMachine(t)
	m.doSub(1, "FUNCTION|LOAD", counterLibrary)
	m.do(1, "RPUSH", "l", "a", "b")
	done := make(chan string)
	for range 8 {
		go func() {
			got := ""
			for range 100 {
				got = fmt.Sprint(m.st.Read(Request{Command: Lookup("FCALL_RO"), Args: bulks("", "read", "1", "l"), Now: 1}))
			}
			done <- got
		}()
	}
	want := <-done
	for range 7 {
		if got := <-done; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// Only reads can be told to stop, within pcall too.
func TestStopScript(t *testing.T) {
	m := newMachine(t)
	asked := 0
	stop := func() bool { asked++; return asked > 3 }
	for _, script := range []string{
		"while true do pcall(function() while true do end end) end", "while true do redis.call('PING') end",
		"return coroutine.wrap(function() while true do end end)()",
	} {
		asked = 0
		v := m.st.Read(Request{Command: Lookup("EVAL_RO"), Args: bulks("", script, "0"), Now: 1, Stop: stop})
		if !strings.HasPrefix(v.Str, "ERR Script killed by user with SCRIPT KILL... script: ") || asked != 4 {
			t.Errorf("%s: %q after %d questions", script, v.Str, asked)
		}
	}
}

func TestRestoredDump(t *testing.T) {
	m := newMachine(t)
	m.doSub(1, "FUNCTION|LOAD", counterLibrary)
	m.doSub(1, "FUNCTION|LOAD", "#!lua name=big\nredis.register_function('big', function() return '"+strings.Repeat("x", 20000)+"' end)")
	dump := m.doSub(1, "FUNCTION|DUMP").Str
	m.doSub(1, "FUNCTION|FLUSH")
	if v := m.doSub(1, "FUNCTION|RESTORE", dump); v.Kind != resp.Simple {
		t.Fatalf("got %v", v)
	}
	if after := m.doSub(1, "FUNCTION|DUMP").Str; after != dump {
		t.Error("the dump changed")
	}
}
