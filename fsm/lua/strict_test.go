package lua

import (
	"fmt"
	"strings"
	"testing"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

// strictEval runs a script in a strict run with so many steps, on a machine of its
// own, and returns the reply and what is left.
func strictEval(t testing.TB, limit int, script string, args ...string) (resp.Value, int) {
	t.Helper()
	meter := cost.New(limit)
	m := &Machine{Meter: &meter}
	p, err := Compile(script, true)
	if err != nil {
		t.Fatalf("%.100s: %v", script, err)
	}
	argv := make([][]byte, 0, len(args))
	for _, a := range args {
		argv = append(argv, []byte(a))
	}
	v := m.Run(p, &counter{}, nil, argv)
	return v, meter.Left()
}

// Strict runs answer what others do.
func TestStrictAnswersAlike(t *testing.T) {
	for _, script := range []string{
		"return 'a' < 'b'", "return {'b' <= 'a', 1 <= 2, 2 >= 3}",
		"local a, b = 'x', 'x' return {a == b, a ~= b, a < b, a <= b, a > b, a >= b}",
		"local a, b = 1, 2 return {tostring(a == b), tostring(a ~= b), tostring(a < b), tostring(a <= b), tostring(a > b), tostring(a >= b)}",
		"local a, b = 1, 'x' return tostring(a == b)",
		"local a, b = 1, 'x' return a < b", "local a, b = 1, 'x' return a <= b", "local a, b = nil, nil return a > b",
		"local a, b = {}, {} return a >= b", "local a, b = {}, 1 return a < b",
		"local m = {__eq = function() return true end, __lt = function() return true end} local a, b = setmetatable({}, m), setmetatable({}, m) return {tostring(a == b), tostring(a < b), tostring(a <= b), tostring(a > b), tostring(a >= b)}",
		"local m = {__le = function() return true end} local a, b = setmetatable({}, m), setmetatable({}, m) return {tostring(a <= b), tostring(a >= b)}",
		"local t = {a = {b = {}}} function t.a.f(x) return x end function t.a.b:g(y) return self == t.a.b and y end return {t.a.f(3), t.a.b:g(4)}",
		"local function f(n) if n == 0 then return 0 end return 1 + f(n - 1) end return f(50)",
		"local function f(...) return ... end return {f(1, 2, f(3, 4))}",
		"local function f(...) return select('#', ...) end return f(1, nil, nil)",
		"local function f(...) return arg.n end return f(1, 2, 3)",
		"local function f(a, ...) return a end return f(1, 2, 3)",
		"local function f(...) local a, b = ... return {b, (...)} end return f(1, 2, 3)",
		"local t = {1, 2, 3, 4, 5, 6, 7, 8, 9, x = 1, y = 2, ['z'] = 3} local n = 0 for k in pairs(t) do n = n + 1 end return {n, #t}",
		"local t = {} t.x, t.y = 1, 2 t.z = {} t.z.q = 3 return {t.x, t.y, t.z.q}",
		"local t = {a = {1, 2}} t.a[1], t.a[2] = t.a[2], t.a[1] return t.a",
		"local t = {} local i = 1 ::top:: t.n = i t[i] = i i = i + 1 if i < 5 then goto top end return {t.n, #t}",
		"local fs = {} for i = 1, 3 do local j = i * 2 fs[i] = function() j = j + 1 return j end end return {fs[1](), fs[1](), fs[2](), fs[3]()}",
		"for i = 1, 2 do local t = {10, 20} i = i + 0 if t[i] ~= i * 10 then return 0 end end return 1",
		"local s = 0 for i = 1, 10 do for j = i, 10 do s = s + i * j end end return s",
		"return pcall(function() local x = nil return x.y.z end)",
		"return {pcall(function() local x = 'a' return x < 1 end)}",
		"return {pcall(error, {1})}", "error('x')", "error('x', 2)", "return nosuch", "return {loadstring('return 1 == 1.0')()}",
		"local co = coroutine.wrap(function(a) local b = coroutine.yield(a + 1) return b * 2 end) return {co(1), co(10)}",
		"local t = setmetatable({}, {__index = function(t, k) return k .. '!' end, __newindex = function(t, k, v) rawset(t, k, v + 1) end}) t.a = 1 return {t.a, t.b}",
		"return string.rep('ab', 3, 'x') == 'ababab'",
		"local a = {} for w in string.gmatch('one two', '%a+') do a[#a + 1] = w end return a",
		"repeat local x = 1 until x == 1 return 'done'",
		"while true do local f = function() return 1 end if f() == 1 then break end end return 2",
		"local function f() local function g() return 1 end g = nil return g end return tostring(f())",
		"local t = {n = 0} function t:inc(by) self.n = self.n + by return self end return t:inc(1):inc(2).n",
		"return {a ~= 1}",
		"return {tostring(7 % 3), tostring(-7 % 3), tostring(7 % -3), tostring(1e308 % 7), tostring(5 % 0), tostring(5 % (1/0)), tostring(-5 % (1/0))}",
		"local a, b = '7', 4 return {a % b, b % a}", "local a = {} return a % 1", "local a = 'x' return 1 % a",
		"local m = {__mod = function(a, b) return 9 end} local a = setmetatable({}, m) return {a % 1, 1 % a, a % a, 'x' % a}",
	} {
		plain, _ := eval(t, &Machine{}, script)
		strict, left := strictEval(t, cost.Limit, script)
		if fmt.Sprint(plain) != fmt.Sprint(strict) || left < 0 {
			t.Errorf("%s: got %v, want %v, %d left", script, strict, plain, left)
		}
	}
}

// Sources that gopher-lua compiles to what it cannot run, or in no time, are refused.
func TestStrictSource(t *testing.T) {
	numbers := make([]string, 20_000)
	for i := range numbers {
		numbers[i] = fmt.Sprint(i)
	}
	for _, script := range []string{
		"return {" + strings.Join(numbers, ",") + "}",
		"local " + locals("a", 150) + " return function() local " + locals("b", 150) + " return function() return {" + locals("a", 150) + "," + locals("b", 150) + "} end end",
		"local t = {} return t." + strings.Repeat("x", 300) + "()",
		"local t = {} t:" + strings.Repeat("x", 300) + "()",
		"local " + strings.Repeat("x", 300),
	} {
		if _, err := Compile(script, true); err == nil && !strings.Contains(script, "t.x") {
			t.Errorf("%.60s: compiled", script)
		}
	}
	if v, _ := strictEval(t, cost.Limit, "local t = {"+strings.Join(numbers[:2000], ",")+"} return t[2000]"); v.Int != 1999 {
		t.Errorf("got %v", v)
	}
}
