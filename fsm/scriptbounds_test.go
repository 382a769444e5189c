package fsm

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trivetdb/trivet/fsm/lua"
	"github.com/trivetdb/trivet/test/transcript"
)

// boundedMachine has a state with the bounds of work.
func boundedMachine(t testing.TB) *machine {
	m := newMachine(t)
	m.st = NewStateAt(NewestLevel)
	m.check = false
	return m
}

// restarted returns what a node finds after a restart.
func restarted(t *testing.T, s *State) *State {
	got := restored(t, s)
	got.level = s.level
	return got
}

// Scripts answer the same with and without bounds.
func TestScriptsWithBounds(t *testing.T) {
	files, err := transcript.LoadScripts("testdata/scripts")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		t.Run(filepath.Base(f.Name), func(t *testing.T) {
			plain, bounded := newMachine(t), boundedMachine(t)
			plain.check = false
			for _, s := range f.Scripts {
				want, got := evalText(plain, s.Code), evalText(bounded, s.Code)
				if got != want && !strings.Contains(s.Code, "collectgarbage") && !strings.Contains(s.Code, "gcinfo") {
					t.Errorf("%s:%d: %s\ngot\n%s\nwant\n%s", f.Name, s.Line, s.Code, got, want)
				}
			}
		})
	}
}

// What ends a command ends the script that calls it, and the script cannot catch it.
func TestScriptEndsWithItsCommand(t *testing.T) {
	for _, script := range []string{
		"while true do pcall(redis.call, 'set', 'k', string.rep('x', 1000)) end",
		"while true do redis.pcall('incr', 'k') end",
		"while true do pcall(function() end) end",
		"local t = {} for i = 1, 1000 do t[i] = ARGV[1] end return t",
		"return redis.call('eval', 'x', 0)",
	} {
		one, other := boundedMachine(t), boundedMachine(t)
		long := strings.Repeat("x", 1<<20)
		v := one.do(1000, "EVAL", script, "0", long)
		if w := other.do(1000, "EVAL", script, "0", long); !v.IsError() || fmt.Sprint(v) != fmt.Sprint(w) {
			t.Errorf("%s: got %.200v, then %.200v", script, v, w)
		}
		if !bytes.Equal(encoded(t, one.st), encoded(t, other.st)) {
			t.Errorf("%s: the states differ", script)
		}
	}
}

// The threads of protected calls within each other are paid for, also where many scripts
// of one entry have a few each.
func TestProtectedCallsTakeMemory(t *testing.T) {
	const script = "local function go(n) if n > 0 then pcall(go, n - 1) end end go(185)"
	group := &Group{Atomic: true}
	for range 500 {
		group.Add(Lookup("EVAL"), bulks("EVAL", script, "0"), nil)
	}
	m := boundedMachine(t)
	if n := taken(func() { m.entry(1, Batch{Origin: testOrigin, Seq: 1, Body: group.Append(nil, 0)}) }); n > 400<<20 {
		t.Errorf("they take %d MB", n>>20)
	}
	if v := boundedMachine(t).do(2, "EVAL", "local n = 0 for i = 1, 3000 do if not pcall(error) then n = n + 1 end end return n", "0"); v.Int != 3000 {
		t.Errorf("faults take more than they did: %v", v)
	}
}

// What many small commands of one transaction take and drop is bounded, too.
func TestTransactionsTakeMemory(t *testing.T) {
	for name, tt := range map[string]struct {
		words []string
		n     int
	}{
		"scripts that fail": {[]string{"EVAL", "error('x')", "0"}, 30_000},
		"HSCAN":             {[]string{"HSCAN", "h", "0", "COUNT", "1000000"}, 20_000},
		"SSCAN":             {[]string{"SSCAN", "s", "0", "COUNT", "1000000"}, 20_000},
		"ZSCAN":             {[]string{"ZSCAN", "z", "0", "COUNT", "1000000"}, 20_000},
	} {
		m := boundedMachine(t)
		elements := numbered(60_000)
		m.do(1, join("HSET h", elements)...)
		m.do(1, join("SADD s", elements)...)
		scored := join("ZADD z 1", numbered(30_000, "1"))
		m.do(1, scored[:len(scored)-1]...)
		group := &Group{Atomic: true}
		for range tt.n {
			group.Add(Lookup(tt.words[0]), bulks(tt.words...), nil)
		}
		if n := taken(func() { m.entry(1, Batch{Origin: testOrigin, Seq: m.seq + 1, Body: group.Append(nil, 0)}) }); n > 300<<20 {
			t.Errorf("%s: they take %d MB", name, n>>20)
		}
	}
}

// Source is paid for before it is compiled, unless the cluster remembers it.
func TestCompilationIsBounded(t *testing.T) {
	m := boundedMachine(t)
	for _, body := range []string{
		"return " + strings.Repeat("a..", 1<<20) + "a",
		strings.Repeat(" ", 1<<20), strings.Repeat("{", 1<<20), strings.Repeat("(", 1<<20), strings.Repeat("f(", 1<<20),
	} {
		for _, name := range []string{"EVAL", "EVAL_RO"} {
			if v := m.do(1, name, body, "0"); !v.IsError() {
				t.Errorf("%s %.20s: got %v", name, body, v)
			}
		}
		if v := m.doSub(1, "SCRIPT|LOAD", body); !v.IsError() {
			t.Errorf("SCRIPT LOAD %.20s: got %v", body, v)
		}
		if v := m.doSub(1, "FUNCTION|LOAD", "#!lua name=x\n"+body); !v.IsError() {
			t.Errorf("FUNCTION LOAD %.20s: got %v", body, v)
		}
	}
	body := "local x = 1 " + strings.Repeat("x = x + 1 ", 10_000) + " return x" // 100 KB
	for range 2 {
		if v := m.do(1, "EVAL", body, "0"); v.Int != 10_001 {
			t.Fatalf("got %.200v", v)
		}
	}
	before := m.do(2, "EVAL", body, "0")
	m.st = restarted(t, m.st)
	if after := m.do(2, "EVAL", body, "0"); fmt.Sprint(before) != fmt.Sprint(after) {
		t.Errorf("got %v, after a restart %v", before, after)
	}
}

// What is remembered counts, is bounded and is the same after a restart.
func TestScriptsAreBounded(t *testing.T) {
	m := boundedMachine(t)
	count := func(want int) {
		t.Helper()
		n := 0
		for _, s := range m.st.scripts.bySHA {
			n += codeBytes(s.body)
		}
		if n != m.st.scripts.bytes || m.st.Bytes() != int64(n+m.st.functions.bytes) || n > maxScriptBytes {
			t.Errorf("%d bytes are counted, %d remembered", m.st.scripts.bytes, n)
		}
		if got := restarted(t, m.st); got.Bytes() != m.st.Bytes() {
			t.Errorf("%d bytes after a restart, %d before", got.Bytes(), m.st.Bytes())
		}
		if len(m.st.scripts.bySHA) != want {
			t.Errorf("%d scripts are remembered, want %d", len(m.st.scripts.bySHA), want)
		}
	}
	script := func(i int) string { return fmt.Sprintf("return %d --%s", i, strings.Repeat("x", 100_000)) }
	each := codeBytes(script(10))
	for i := range 30 {
		m.do(1, "EVAL", script(i+10), "0")
	}
	count(maxScriptBytes / each)
	if v := m.do(1, "EVALSHA", lua.Sum(script(10)), "0"); !v.IsError() {
		t.Errorf("got %v", v)
	}
	loaded := 0
	for i := range 30 {
		v := m.doSub(1, "SCRIPT|LOAD", script(i+100))
		if !v.IsError() {
			loaded++
		} else if v.Str != errScriptsFull.Str {
			t.Fatalf("got %v", v)
		}
	}
	if loaded != maxScriptBytes/each {
		t.Errorf("%d were loaded", loaded)
	}
	count(loaded)
	if v := m.do(1, "EVAL", "return 7", "0"); v.Int != 7 {
		t.Errorf("got %v", v)
	}
	m.doSub(1, "SCRIPT|FLUSH")
	count(0)
}

// Libraries count and are bounded, too.
func TestLibrariesAreBounded(t *testing.T) {
	m := boundedMachine(t)
	library := func(i, size int) string {
		return fmt.Sprintf("#!lua name=lib%d\nredis.register_function('f%d', function() return %d end) --%s", i, i, i, strings.Repeat("x", size))
	}
	loaded := 0
	for i := range 30 {
		v := m.doSub(1, "FUNCTION|LOAD", library(i, 100_000))
		if !v.IsError() {
			loaded++
		} else if v.Str != errLibrariesFull.Str {
			t.Fatalf("got %v", v)
		}
	}
	if loaded < 15 || loaded > 25 || m.st.Bytes() != int64(m.st.functions.bytes) || m.st.functions.bytes > maxScriptBytes {
		t.Errorf("%d were loaded, %d bytes", loaded, m.st.Bytes())
	}
	if got := restarted(t, m.st); got.Bytes() != m.st.Bytes() {
		t.Errorf("%d bytes after a restart, %d before", got.Bytes(), m.st.Bytes())
	}
	if v := m.do(1, "FCALL", "f3", "0"); v.Int != 3 {
		t.Errorf("got %v", v)
	}
	if v := m.doSub(1, "FUNCTION|LOAD", "REPLACE", library(3, 10)); v.IsError() {
		t.Errorf("got %v", v)
	}
	m.doSub(1, "FUNCTION|FLUSH")
	if m.st.Bytes() != 0 {
		t.Errorf("%d bytes are left", m.st.Bytes())
	}
}

// Below the level of the bounds scripts run as they did.
func TestScriptsBelowTheBounds(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.st, m.check = NewState(), false
	m.do(1, "EVAL", "return 1", "0")
	if m.st.Bytes() != 0 {
		t.Errorf("%d bytes are counted", m.st.Bytes())
	}
	if v := m.do(1, "EVAL", "local n = 0 for i = 1, 9000000 do n = n + i % 7 end return n", "0"); v.IsError() { // 27 million instructions
		t.Errorf("got %v", v)
	}
	m.st.level = NewestLevel
	if v := m.do(1, "EVAL", "local n = 0 for i = 1, 9000000 do n = n + i % 7 end return n", "0"); !strings.Contains(v.Str, "budget") {
		t.Errorf("got %v", v)
	}
}
