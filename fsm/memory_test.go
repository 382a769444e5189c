package fsm

import (
	"strings"
	"testing"
)

const oom = "OOM command not allowed when used memory > 'maxmemory'."

// fullMachine has more data than maxmemory allows.
func fullMachine(t *testing.T) *machine {
	m := newMachine(t)
	m.do(1, "SET", "big", strings.Repeat("x", 2000))
	m.do(1, "RPUSH", "list", "a", "b", "c")
	m.do(1, "SETTINGS|SET", "maxmemory", "1000")
	return m
}

func TestMaxMemory(t *testing.T) {
	m := fullMachine(t)
	for _, line := range []string{
		"SET a 1", "SET", "RPUSH list d", "HSET h f v", "LMOVE list list LEFT RIGHT", "COPY big b",
	} {
		words := strings.Fields(line)
		if len(words) == 1 {
			words = append(words, "big", "") // even what would free memory
		}
		if v := m.do(1, words...); v.Str != oom {
			t.Errorf("%s: %+v", line, v)
		}
	}
	for _, line := range []string{"GET big", "LPOP list", "EXPIRE list 100", "LTRIM list 0 0", "PUBLISH c x"} {
		if v := m.do(1, strings.Fields(line)...); v.IsError() {
			t.Errorf("%s: %+v", line, v)
		}
	}
	if v := m.do(1, "SETTINGS|FULL"); v.Int != 1 {
		t.Errorf("full: %+v", v)
	}
	m.do(1, "DEL", "big")
	if v := m.do(1, "SET", "a", "1"); v.IsError() {
		t.Errorf("once there is room: %+v", v)
	}
	if v := m.do(1, "SETTINGS|FULL"); v.Int != 0 {
		t.Errorf("full: %+v", v)
	}
}

// Of a transaction all or nothing is carried out.
func TestMaxMemoryInTransactions(t *testing.T) {
	m := fullMachine(t)
	run := func(lines ...string) []string {
		g := &Group{}
		for _, line := range lines {
			words := strings.Fields(line)
			g.Add(Lookup(words[0]), bulks(words...), nil)
		}
		m.seq++
		var got []string
		for _, v := range m.entry(1, Batch{Origin: testOrigin, Seq: m.seq, Body: g.Append(nil, 0)})[0].Replies {
			got = append(got, v.Str)
		}
		return got
	}
	if got := run("TX|ADMIT", "SET a 1", "LPOP list"); got[0] != oom || m.do(1, "LLEN", "list").Int != 3 {
		t.Errorf("a transaction past the limit: %q", got)
	}
	m.do(1, "SETTINGS|SET", "maxmemory", "3000")
	long := strings.Repeat("y", 2000)
	got := run("TX|ADMIT", "SET a "+long, "SET b 1")
	if strings.Join(got, " ") != "OK OK OK" {
		t.Errorf("a transaction that passes the limit: %q", got)
	}
	if got := run("SET a 1", "SET b 1"); got[0] != oom || got[1] != oom {
		t.Errorf("after it: %q", got)
	}
}

func TestMaxMemoryInScripts(t *testing.T) {
	const (
		set     = "return redis.call('SET', KEYS[1], 'x')"
		popped  = "redis.call('RPOP', 'list'); return redis.call('SET', KEYS[1], 'x')"
		guarded = "return redis.pcall('SET', KEYS[1], 'x').err"
	)
	for _, c := range []struct{ script, want string }{
		{set, oom},
		{"#!lua\n" + set, oom},
		{"#!lua flags=allow-oom\n" + set, "OK"},
		{"#!lua flags=no-writes\nreturn redis.call('GET', 'none')", ""},
		{"return redis.call('GET', 'none')", ""},
		{popped, "OK"}, // it is not stopped in the middle
		{guarded, oom},
	} {
		m := fullMachine(t)
		if v := m.do(1, "EVAL", c.script, "1", "k"); !strings.HasPrefix(v.Str, c.want) || c.want == "" && v.IsError() {
			t.Errorf("%s: %+v", c.script, v)
		}
	}
}

// The sum of bytes follows from the data: it is the same whatever way led to it,
// and nothing is left of what was deleted.
func TestBytes(t *testing.T) {
	g := newGenerator(t)
	m := newMachine(t)
	m.check = false
	g.fill(m, 3000)
	m.verify()
	if back := restored(t, m.st); back.Bytes() != m.st.Bytes() || back.Bytes() == 0 {
		t.Errorf("%d bytes, %d after a restore", m.st.Bytes(), back.Bytes())
	}
	sum := int64(0)
	for db := range Databases {
		for _, key := range m.run(m.st.Now(), db, Lookup("KEYS"), bulks("KEYS", "*"), nil).Elems {
			sum += m.run(m.st.Now(), db, Lookup("MEMORY|USAGE"), bulks("MEMORY|USAGE", "MEMORY", key.Str), nil).Int
		}
	}
	if sum > m.st.Bytes() {
		t.Errorf("%d bytes, MEMORY USAGE sums up to %d", m.st.Bytes(), sum)
	}
	m.do(m.st.Now(), "FLUSHALL")
	m.doSub(m.st.Now(), "SCRIPT|FLUSH")
	m.doSub(m.st.Now(), "FUNCTION|FLUSH")
	m.verify()
	if m.st.Bytes() != 0 {
		t.Errorf("%d bytes of nothing", m.st.Bytes())
	}
}
