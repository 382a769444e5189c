package fsm

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/trivetdb/trivet/fsm/lua"
	"github.com/trivetdb/trivet/resp"
)

// What EVAL brought is forgotten once much else was evaluated; what SCRIPT LOAD
// brought is not.
func TestScriptsAreForgotten(t *testing.T) {
	m := newMachine(t)
	m.check = false
	exists := func(script string) bool { return m.doSub(1, "SCRIPT|EXISTS", lua.Sum(script)).Elems[0].Int == 1 }
	script := func(i int) string { return fmt.Sprintf("return %d", i) }
	m.doSub(1, "SCRIPT|LOAD", "return 'loaded'")
	m.do(1, "EVAL", "return 'promoted'", "0")
	m.doSub(1, "SCRIPT|LOAD", "return 'promoted'")
	for i := range maxEvaluated {
		m.do(1, "EVAL", script(i), "0")
	}
	m.do(1, "EVALSHA", lua.Sum(script(0)), "0") // used: it stays
	m.st = restored(t, m.st)
	m.do(1, "EVAL", script(maxEvaluated), "0")
	for s, want := range map[string]bool{
		"return 'loaded'": true, "return 'promoted'": true, script(0): true, script(1): false, script(2): true,
		script(maxEvaluated): true,
	} {
		if exists(s) != want {
			t.Errorf("%s: remembered %v", s, !want)
		}
	}
	if v := m.do(1, "EVALSHA", lua.Sum(script(1)), "0"); !strings.HasPrefix(v.Str, "NOSCRIPT") {
		t.Errorf("got %v", v)
	}
}

// doSub is do for a subcommand: its row is called "CONTAINER|SUBCOMMAND".
func (m *machine) doSub(at int64, name string, args ...string) resp.Value {
	_, sub, _ := strings.Cut(name, "|")
	return m.run(at, 0, Lookup(name), bulks(append([]string{name, sub}, args...)...), nil)
}

// A view that was frozen keeps the scripts that it had.
func TestFrozenScripts(t *testing.T) {
	m := newMachine(t)
	m.do(1, "EVAL", "return 1", "0")
	before := encoded(t, m.st)
	frozen := m.st.Freeze()
	m.do(2, "EVAL", "return 2", "0")
	m.do(2, "EVAL", "return 1", "0")
	var b bytes.Buffer
	if err := frozen.Encode(&b); err != nil || !bytes.Equal(b.Bytes(), before) {
		t.Errorf("the view changed: %v", err)
	}
	m.doSub(3, "SCRIPT|FLUSH")
	if v := m.do(3, "EVALSHA", lua.Sum("return 1"), "0"); !v.IsError() {
		t.Errorf("got %v", v)
	}
	restored(t, m.st)
}

// Reads run scripts at the same time, each on a machine of its own.
func TestConcurrentReadOnlyScripts(t *testing.T) {
	m := newMachine(t)
	m.do(1, "SET", "k", "v")
	script := "local t = redis.call('get', KEYS[1]) return {t, math.random(100), tostring(redis), cjson.encode({t})}"
	m.doSub(1, "SCRIPT|LOAD", script)
	done := make(chan string)
	for i := range 8 {
		c, first := Lookup("EVAL_RO"), script
		if i%2 == 0 {
			c, first = Lookup("EVALSHA_RO"), lua.Sum(script)
		}
		go func() {
			got := ""
			for range 100 {
				got = fmt.Sprint(m.st.Read(Request{Command: c, Args: bulks("", first, "1", "k"), Now: 1, Seed: 9}))
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
