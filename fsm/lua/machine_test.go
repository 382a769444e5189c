package lua

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/trivetdb/trivet/resp"
)

// A counter is a host that counts and answers integers.
type counter struct{ calls int }

func (h *counter) Call([][]byte) (resp.Value, bool) {
	h.calls++
	return resp.Int(int64(h.calls)), true
}
func (h *counter) Known([][]byte) bool   { return true }
func (h *counter) Allowed([][]byte) bool { return true }
func (h *counter) Seed() uint64          { return 42 }

// eval runs a script on a machine of its own.
func eval(t testing.TB, m *Machine, script string, args ...string) (resp.Value, *counter) {
	t.Helper()
	p, err := Compile(script, false)
	if err != nil {
		t.Fatalf("%.100s: %v", script, err)
	}
	argv := make([][]byte, 0, len(args))
	for _, a := range args {
		argv = append(argv, []byte(a))
	}
	h := &counter{}
	return m.Run(p, h, nil, argv), h
}

// Scripts that run away end, with the same error after the same calls.
func TestBudget(t *testing.T) {
	for _, script := range []string{
		"while true do end",
		"repeat until false",
		"for i = 1, math.huge do end",
		"while true do redis.call('incr', 'n') end",
		"local function f() return f() end f()",
		"local function f() return 1 + f() end while true do pcall(f) end",
		"while true do pcall(function() while true do end end) end",
		"while true do xpcall(error, function() while true do end end) end",
		"while true do pcall(error, 'x') end",
		"local s = 'x' while true do s = s .. s end",
		"while true do string.rep('x', 100000) end",
		"return string.gsub(string.rep('a', 30000), '.-b', '')",
		"return string.rep('a', 30000):find('.-.-.-.-b')",
		"for _ in string.gmatch(string.rep('a', 30000), '.-b') do end",
		"local t = {} for i = 1, 1e9 do t[#t + 1] = {} end",
		"local t = {} for i = 1, 1e9 do t[i] = i end",
		"local t = {} for i = 1, 1e9 do t[i] = {} t[i].x = {} t[i].x[900000] = 1 end",
		"local t = {} for i = 1, 1e9 do t[i] = {[900000] = 1} end",
		"local t = {} for i = 1, 1e9 do rawset(t, 'k' .. i, i) end",
		"local t = {} for i = 1, 1e9 do table.insert(t, 1, i) end",
		"local t = {} t[1] = t t[2] = t return t",
		"local t = {1, 2, 3} while true do table.sort(t) end",
		"while true do cjson.decode('[1,2,3]') end",
		"while true do cmsgpack.unpack(cmsgpack.pack({1, {2}})) end",
		"while true do struct.pack('c0', string.rep('x', 10000)) end",
		"while true do coroutine.create(function() end) end",
		"local co = coroutine.wrap(function() while true do end end) co()",
		"local co = coroutine.wrap(function() while true do coroutine.yield() end end) while true do co() end",
		"while true do loadstring('return 1') end",
		"load(function() return ' ' end)",
		"local t = setmetatable({}, {__index = function(t, k) return t[k + 1] end}) return t[1]",
		"while true do tostring({}) end",
		"while true do math.random() end",
		"local t = {} for i = 1, 5000 do t[i] = i end while true do unpack(t) end",
	} {
		first, a := eval(t, &Machine{Budget: 1_000_000}, script)
		second, b := eval(t, &Machine{Budget: 1_000_000}, script)
		ended := strings.Contains(first.Str, errBudget.Error()) || strings.Contains(first.Str, "stack overflow")
		if !first.IsError() || !ended {
			t.Errorf("%s: got %.200s", script, first.Str)
		}
		if first.Str != second.Str || a.calls != b.calls {
			t.Errorf("%s: %d calls and %q, then %d and %q", script, a.calls, first.Str, b.calls, second.Str)
		}
	}
}

// A machine that has run scripts of all kinds runs the next as a fresh one does.
func TestMachineForgets(t *testing.T) {
	m := &Machine{}
	spoilers := []string{
		"x = 1", "error({})", "while true do end", "redis.setresp(3) return 1", "cjson.encode_max_depth(1) return 1",
		"math.randomseed(7) return 1", "local t = {} for i = 1, 7000 do t[i] = i end return #{unpack(t)}",
		"pcall(error) return tostring({})", "local f = coroutine.wrap(function() coroutine.yield() end) f() return 1",
		"string.format = nil", "getmetatable('').__index = nil", "rawset(redis, 'call', 1)", "table.insert(cjson, 1)",
		"setmetatable(string, {})", "KEYS[1] = 'spoilt' ARGV.x = 1 return 1",
	}
	probe := `return {tostring({}), tostring(redis.call), math.random(1000), cjson.encode({{{}}}), #KEYS, #ARGV,
		tostring(ARGV.x), ("x"):rep(2), string.format("%d", 5), tostring(pcall(function() return x end)),
		redis.call("get", "k")}`
	want, _ := eval(t, &Machine{}, probe, "a")
	for _, s := range spoilers {
		small := m.Budget
		m.Budget = 200_000
		eval(t, m, s)
		m.Budget = small
		if got, _ := eval(t, m, probe, "a"); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("after %s: got %v, want %v", s, got, want)
		}
	}
}

// Programs and libraries are shared by machines that run at the same time.
func TestConcurrentMachines(t *testing.T) {
	p, err := Compile(`local t = {} for i = 1, 50 do t[#t + 1] = tostring(i) .. ARGV[1] end
		table.sort(t) local s = cjson.encode(t):gsub('1', 'one')
		return {s, pcall(error, 'x'), cmsgpack.unpack(cmsgpack.pack(t))[3], math.random(100), redis.call('x'), tostring(string)}`, false)
	if err != nil {
		t.Fatal(err)
	}
	run := func() string { return fmt.Sprint(new(Machine).Run(p, &counter{}, nil, [][]byte{[]byte("v")})) }
	want := run()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if got := run(); got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			}
		})
	}
	wg.Wait()
}

// The order of pairs, and all that depends on it, is that of insertion.
func TestPairsInOrder(t *testing.T) {
	script := `local t = {} for i = 1, 100 do t['k' .. i * 7 % 101] = i end t.k5 = nil t.k5 = 1
		for i = 1, 3 do t[i] = i end t[-1] = 0 t[2.5] = 1 t[{}] = 2 t[true] = 3 t[print_] = nil
		local r = {} for k, v in pairs(t) do r[#r + 1] = tostring(k) .. '=' .. tostring(v) end
		t[{}] = nil return table.concat(r, ' ')`
	script = strings.Replace(script, "t[print_] = nil", "t[tostring] = 4", 1)
	want, _ := eval(t, &Machine{}, script)
	if want.IsError() || !strings.HasPrefix(want.Str, "1=1 2=2 3=3 k7=1 k14=2 ") {
		t.Fatalf("got %.200s", want.Str)
	}
	for range 20 {
		if got, _ := eval(t, &Machine{}, script); got.Str != want.Str {
			t.Fatalf("got %s, want %s", got.Str, want.Str)
		}
	}
}

// Scripts that are nested too deep are refused, not a crash.
func TestDeepSource(t *testing.T) {
	n := 100_000
	for _, s := range []string{
		"return " + strings.Repeat("{", n) + strings.Repeat("}", n),
		"return " + strings.Repeat("not ", n) + "1",
		"return " + strings.Repeat("- ", n) + "1",
		strings.Repeat("do ", n) + strings.Repeat("end ", n),
		strings.Repeat("if a then ", n) + strings.Repeat("end ", n),
		"return " + strings.Repeat("function() return ", n) + "1" + strings.Repeat(" end", n),
		"return " + strings.Repeat("1+", n) + "1",
		"return a" + strings.Repeat(".b", n),
		"return a" + strings.Repeat("()", n),
	} {
		if _, err := Compile(s, false); err == nil || !strings.Contains(err.Error(), "levels") {
			t.Errorf("%.40s...: got %.200v", s, err)
		}
	}
	for _, s := range []string{
		"return " + strings.Repeat("1 + ", 500) + "1",
		"return 'a'" + strings.Repeat(" .. 'b'", 5000),
		strings.Repeat("local x = {1, 2, a = function() return 1 end} ", 150) + "return 1",
		"return {" + strings.Repeat("1,", 20_000) + "}",
	} {
		if v, _ := eval(t, &Machine{}, s); v.IsError() {
			t.Errorf("%.40s...: got %.200s", s, v.Str)
		}
	}
}
