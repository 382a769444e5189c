package lua

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

// hostile are scripts that took minutes, memory without end or Go's stack while
// they counted as little.
var hostile = []string{
	"while true do end",
	"table.insert({}, -9223372036854775808, 1)",
	"local t = {1, 2, 3} while true do table.insert(t, -100000, 1) end",
	"local s = string.rep('x', 32*1024*1024) local t = {} for i = 1, 5000 do t[i] = s end return #string.format(string.rep('%s', 5000), unpack(t))",
	"local s = string.rep('x', 32*1024*1024) local t = {} for i = 1, 1000 do t[i] = s end return #cjson.encode(t)",
	"local s = string.rep('\\0', 60*1024*1024) return #cjson.encode(s)",
	"local s = string.rep('x', 32*1024*1024) local t = {} for i = 1, 1000 do t[i] = s end return #cmsgpack.pack(t)",
	"local s = string.rep('x', 32*1024*1024) local t = {} for i = 1, 1000 do t[i] = s end return #table.concat(t)",
	"local s = string.rep('x', 32*1024*1024) local t = {} for i = 1, 1000 do t[i] = s end redis.call('x', unpack(t))",
	"local s = string.rep('x', 32*1024*1024) return s..s..s..s..s..s..s..s..s..s",
	"local s = string.rep('x', 32*1024*1024) return #struct.pack(string.rep('s', 100), " + strings.Repeat("s,", 99) + "s)",
	// Go's stack: protected calls within __index within protected calls.
	`local function deep(n) local t = {} for i = 1, n do t = {t} end return t end
	 local t = deep(900)
	 local function down(n)
	   local function inner(k) if k == 0 then if n == 0 then return cjson.encode(t) end return pcall(down, n - 1) end
	     return setmetatable({}, {__index = function() return inner(k - 1) end}).x end
	   return inner(1900) end
	 return down(190)`,
	`local t local depth = 0 local mt = {__index = function(t, k) return t[k + 1] end} t = setmetatable({}, mt)
	 local function f() return pcall(function() f() return t[1] end) end f() return 1`,
	`local mt = {} mt.__tostring = function(x) return tostring(x) end return tostring(setmetatable({}, mt))`,
	`local function f(a, b) table.sort({2, 1}, f) return a < b end table.sort({2, 1}, f)`,
	`local function f() return (string.gsub('x', 'x', f)) end f()`,
	`local t = setmetatable({}, {__concat = function(a, b) return a .. b end}) return t .. t`,
	`local function f() local co = coroutine.wrap(f) co() end f()`,
	"cjson.encode_max_depth(2147483647) local t = {} t[1] = t return cjson.encode(t)",
	"cjson.decode_max_depth(2147483647) return cjson.decode(string.rep('[', 30000000))",
	"return cjson.decode('['..string.rep('1,', 16000000)..'1]')",
	"local s = {} for i = 1, 200000 do s[i] = '\"k'..i..'\":1' end return cjson.decode('{'..table.concat(s, ',')..'}')",
	"return cmsgpack.unpack(string.rep('\\145', 30000000))",
	"return cmsgpack.unpack('\\221\\255\\255\\255\\255'..string.rep('\\1', 30000000))",
	"return struct.unpack(string.rep('b', 9000000), string.rep('x', 9000000))",
	"while true do struct.size(string.rep('x', 4000000)) end",
	// What was hardly counted.
	"local t = {} for i = 1, 100000 do t[i] = i end while true do table.foreachi(t, redis.debug) end",
	"local t = {} for i = 1, 100000 do t[i] = i end while true do table.foreach(t, redis.debug) end",
	"local a = string.rep('x', 50*1024*1024) local b = string.rep('x', 50*1024*1024) while true do local c = a == b end",
	"local a = string.rep('x', 5*1024*1024) local b = string.rep('x', 5*1024*1024) while true do local c = a < b end",
	"local a = string.rep('x', 5*1024*1024) local b = string.rep('x', 5*1024*1024) while true do rawequal(a, b) end",
	"local a = string.rep('x', 500*1024) local t = {} while true do local c = t[a] end",
	"local a = string.rep('x', 50*1024*1024) local t = {} while true do local c = t[a] end",
	"local a = string.rep('x', 500*1024) local t = {} while true do t[a] = 1 end",
	"local a = string.rep('x', 500*1024) local t = {} while true do rawset(t, a, 1) rawget(t, a) end",
	"local a = string.rep(' ', 5*1024*1024) while true do local c = pcall(function() return a + 1 end) end",
	"local a = string.rep(' ', 5*1024*1024)..'1' while true do local c = a + 1 end",
	"local a = string.rep(' ', 5*1024*1024)..'1' while true do local c = -a end",
	"local a = string.rep(' ', 5*1024*1024)..'1' while true do tonumber(a) math.floor(a) end",
	"local a = string.rep('1', 5*1024*1024) while true do tonumber(a, 16) end",
	"local t = {} for i = 1, 100000 do t['k'..i] = i end for i = 1, 100000 do t['k'..i] = nil end while true do next(t) end",
	"local t = {} for i = 1, 900000 do t[i] = i end for i = 1, 900000 do t[i] = nil end while true do next(t) end",
	"local t = {} for i = 1, 60 do t['k'..i] = i end for i = 1, 60 do t['k'..i] = nil end while true do for k in pairs(t) do end end",
	"local t = {} for i = 1, 900000, 2 do t[i] = i end while true do local n = #t end",
	"local t = {} for i = 1, 500000 do t[i] = i end while true do table.insert(t, 1, 0) end",
	"local t = {} for i = 1, 500000 do t[i] = i end while true do table.remove(t, 1) end",
	"local t = {} while true do table.insert(t, 1) end",
	"local t = {} while true do t[#t + 1] = 1 end",
	"local t = {} for i = 1, 100000 do t[i] = i % 10 end table.sort(t, function(a, b) return true end)",
	"local t = {} for i = 1, 100000 do t[i] = (i * 7919) % 100003 end while true do table.sort(t) end",
	"local s = string.rep('a', 60*1024*1024) return s:find('xb')",
	"local s = string.rep('a', 60*1024*1024) return s:find('[x]')",
	"local s = string.rep('a', 30*1024*1024) return s:gsub('x', 'y')",
	"local s = string.rep('a', 30*1024*1024) return s:gsub('a', '%0%0%0%0%0%0%0%0')",
	"local s = string.rep('a', 30*1024*1024) for w in s:gmatch('x') do end",
	"local s = string.rep('a', 30*1024*1024) while true do s:upper() s:lower() s:reverse() end",
	"local s = string.rep('a', 30*1024*1024) while true do redis.sha1hex(s) end",
	"local s = string.rep('a', 30*1024*1024) while true do redis.error_reply(s) end",
	"local t = {} while true do t[#t + 1] = redis.status_reply('x') end",
	"local s = string.rep('a', 30*1024*1024) while true do pcall(error, s) end",
	"local s = string.rep('a', 30*1024*1024) error(s)",
	"local s = string.rep('a', 30*1024*1024) error({err = s})",
	"local s = string.rep('a', 30*1024*1024) while true do pcall(collectgarbage, s) end",
	"local s = string.rep('a', 30*1024*1024) while true do pcall(function() return nosuch[s] end) end",
	"local s = string.rep('a', 30*1024*1024) while true do pcall(function() return _G[s] end) end",
	"local s = string.rep('a', 30*1024*1024) while true do string.format('%q', s) end",
	"local s = string.rep('a', 30*1024*1024) while true do string.format(s) end",
	"while true do string.format('%99.99f%99.99f%99.99f%99.99f', 1e300, 1e300, 1e300, 1e300) end",
	"while true do pcall(error, 'x', 1000000000) end",
	"local function f(n) if n == 0 then while true do pcall(error, 'x', 1000000) end end f(n - 1) return 1 end f(3000)",
	"local a, b = 1e308, 3e-308 while true do local c = a % b end",
	"while true do math.fmod(1e308, 3e-308) end",
	// Memory.
	"local t = {} for i = 1, 1e9 do t[i] = {} t[i].x = 1 end",
	"local t = {} for i = 1, 1e9 do t[i] = {x = 1, [64] = 1} t[i][true] = 1 end",
	"local t = {} for i = 1, 1e9 do t[i] = function() end end",
	"local t = {} for i = 1, 1e9 do local a, b, c = i, i, i t[i] = function() return a + b + c end end",
	"local t = {} for i = 1, 1e9 do t[i] = {" + strings.Repeat("nil,", 2000) + "} end",
	"local t = {} for i = 1, 1e9 do t[i] = {" + strings.Repeat("0,", 2000) + "} end",
	"local t = {} for i = 1, 1e9 do local x = {} " + manyFields(300) + " t[i] = x end",
	"local t = {} local function f(x) " + manyFields(6) + " end for i = 1, 1e9 do t[i] = {} f(t[i]) end",
	"local t, i = {}, 0 ::top:: i = i + 1 local x = {} " + manyFields(50) + " t[i] = x goto top",
	"local t = {} for i = 1, 1e9 do t[i] = {} t[i][900000] = 1 end",
	"local t = {x = {}} for i = 1, 1e9 do t.y = {{}} t.y[1][900000], t.z = 1, 1 t[i] = t.y end",
	"local t, u = {}, {} for i = 1, 7000 do u[i] = i end for i = 1, 1e9 do t[i] = {unpack(u)} end",
	"local t = {} for i = 1, 1e9 do t[i] = coroutine.create(function() end) end",
	`local t = {} local function big() local ` + locals("a", 190) + ` coroutine.yield() return big() + 1 end
	 local function r(n) local ` + locals("a", 150) + ` if n == 0 then coroutine.yield() end return r(n - 1) + 1 end
	 for i = 1, 1e9 do local co = coroutine.create(r) t[i] = co coroutine.resume(co, 1000) end`,
	`local function r(n) local ` + locals("a", 190) + ` return r(n + 1) + 1 end while true do pcall(r, 1) end`,
	`local function r(n) local ` + locals("a", 190) + ` if n > 1000 then return pcall(r, 1) end return r(n + 1) + 1 end while true do pcall(r, 1) end`,
	"local t = {} for i = 1, 1e9 do t[i] = tostring({}) end",
	"local t = {} for i = 1, 1e9 do t[i] = 'x' .. i end",
	"local t = {} for i = 1, 1e9 do t[i] = i + 0.5 end",
	"local t = {} for i = 1, 1e9 do t['x' .. i] = true end",
	"local t = {} for i = 1, 1e9 do t[i] = string.rep('x', 1000) end",
	// Copies, and what gopher-lua walks.
	"local t = {} for i = 1, 7000 do t[i] = i end local function g(...) local a = ... return 1 end local function f(...) while true do g(...) end end f(unpack(t))",
	"local t = {} for i = 1, 7000 do t[i] = i end local function f(...) return f(1, ...) end f(unpack(t))",
	"local t = {} for i = 1, 7000 do t[i] = i end local function f(n) if n == 0 then return unpack(t) end return nil, f(n - 1) end while true do f(200) end",
	"local t = {} for i = 1, 7000 do t[i] = i end while true do pcall(select, -1, unpack(t)) math.max(unpack(t)) end",
	"local function f(...) end while true do f() end",
	"local function f(...) return arg end while true do f() end",
	chain(90) + " while true do local x = a90.nosuch end",
	chain(90) + " while true do a90.nosuch = nil end",
	`local fs = {} local function down(n) local ` + locals("a", 60) + ` fs[n] = function() return ` + sum("a", 55) + ` end
	   if n == 0 then while true do local x = 1 local f = function() return x end end end down(n - 1) return 1 end down(2000)`,
	`local function e() end local fs = {} local function down(n) local ` + locals("a", 60) + ` fs[n] = function() return ` + sum("a", 55) + ` end
	   if n == 0 then while true do e() end end down(n - 1) return 1 end down(2000)`,
	"while true do loadstring(string.rep('a=1 ', 10000)) end",
	"loadstring('return '..string.rep('a..', 100000)..'a')",
	"load(function() return string.rep(' ', 1000000) end)",
	"local t = {} t[1] = t t[2] = t return t",
	"local t = {} t[1] = t t[2] = t return cjson.encode(t)",
	"local t = {} t[1] = t t[2] = t return cmsgpack.pack(t)",
	"local co = coroutine.wrap(function() while true do coroutine.yield() end end) while true do co() end",
}

// manyFields sets fields of x.
func manyFields(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "x.k%d = 1 ", i)
	}
	return b.String()
}

// locals declares so many local variables.
func locals(name string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%s%d,", name, i)
	}
	return strings.TrimSuffix(b.String(), ",")
}

func sum(name string, n int) string { return strings.ReplaceAll(locals(name, n), ",", "+") }

// chain makes tables of which each looks into the next, down to a0.
func chain(n int) string {
	var b strings.Builder
	b.WriteString("local a0 = {} ")
	b.WriteString("local a90 = a0 for i = 1, " + fmt.Sprint(n) + " do a90 = setmetatable({}, {__index = a90, __newindex = a90}) end ")
	return b.String()
}

// mostMemory is what a run may hold at most, garbage and Go's stack included.
const mostMemory = 400 << 20

// Each of them ends, for its work or by an error of its own, at the same step on
// each machine, and in little memory.
func TestHostile(t *testing.T) {
	defer debug.SetMaxStack(debug.SetMaxStack(64 << 20)) // more would end the process
	for _, script := range hostile {
		limits := []int{cost.Limit / 10}
		if !testing.Short() {
			limits = append(limits, cost.Limit)
		}
		for _, limit := range limits {
			runtime.GC()
			stop := watchMemory()
			one, left := strictEval(t, limit, script)
			if peak := stop(); peak > mostMemory {
				t.Errorf("%.200s: took %d MB", script, peak>>20)
			}
			if limit < cost.Limit {
				other, left2 := strictEval(t, limit, script)
				if fmt.Sprint(one) != fmt.Sprint(other) || left != left2 {
					t.Errorf("%.200s: got %.200v with %d left, then %.200v with %d left", script, one, left, other, left2)
				}
			}
			if strings.Contains(one.Str, "runtime error") {
				t.Errorf("%.200s: got %.200s", script, one.Str)
			}
		}
	}
}

// What takes long for other reasons than memory or instructions is paid for: each
// step is some nanoseconds of it.
func TestLongWorkIsPaid(t *testing.T) {
	const n = 100_000
	made := fmt.Sprintf("local t = {} for i = 1, %d do t[i] = i end ", n)
	named := fmt.Sprintf("local t = {} for i = 1, %d do t['k'..i] = i end ", n)
	long := "local a, b = string.rep('x', 4000000)..'a', string.rep('x', 4000000)..'b' "
	for _, tt := range []struct {
		before, work string
		steps        int
	}{
		{made + "for i = 1, #t do t[i] = nil end ", "for i = 1, 10 do next(t) end", 10 * n},
		{named + "for k in pairs(t) do t[k] = nil end ", "for i = 1, 10 do next(t) end", 10 * n},
		{made, "table.foreachi(t, redis.debug)", n * (functionCost + callbackCost)},
		{made, "table.foreachi(t, function() end)", n * callbackCost},
		{named, "table.foreach(t, redis.debug)", n * (functionCost + callbackCost)},
		{made, "table.insert(t, 1, 0)", n * moveCost},
		{made, "table.remove(t, 1)", n * moveCost},
		{long, "for i = 1, 10 do local x = a == b end", 10 * cost.Read(4_000_000)},
		{long, "for i = 1, 10 do local x = a < b end", 10 * cost.Read(4_000_000)},
		{long, "for i = 1, 10 do string.format(a) end", 10 * cost.Read(4_000_000)},
		{long, "for i = 1, 10 do redis.sha1hex(a) end", 10 * cost.Read(4_000_000)},
		{"local s = string.rep('a', 2000) ", "string.find(s, 'a-b')", 1_000_000},
	} {
		const enough = 100 * cost.Limit
		_, without := strictEval(t, enough, tt.before)
		if v, with := strictEval(t, enough, tt.before+tt.work); without-with < stepScale*tt.steps {
			t.Errorf("%s%s: %d steps, not %d, and %.80v", tt.before, tt.work, without-with, stepScale*tt.steps, v)
		}
	}
}

// watchMemory begins to look at what the process holds. What it returns ends that,
// and returns the most that was seen.
func watchMemory() func() uint64 {
	var peak atomic.Uint64
	done := make(chan struct{})
	go func() {
		var m runtime.MemStats
		for {
			runtime.ReadMemStats(&m)
			peak.Store(max(peak.Load(), m.HeapAlloc+m.StackInuse))
			select {
			case <-done:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	return func() uint64 {
		close(done)
		return peak.Load()
	}
}

// A stubborn host ends the script at its second call, or panics there.
type stubborn struct {
	counter
	panics any
}

func (h *stubborn) Call(args [][]byte) (resp.Value, bool) {
	if h.calls++; h.calls < 2 {
		return resp.OK, true
	}
	if h.panics != nil {
		panic(h.panics)
	}
	return resp.Nil, false
}

// What the host ends, no script goes on with.
func TestHostEndsScript(t *testing.T) {
	for _, script := range []string{
		"while true do pcall(redis.call, 'x') end",
		"while true do redis.pcall('x') end",
		"while true do xpcall(function() redis.call('x') end, function() redis.call('x') end) end",
		"while true do local co = coroutine.create(function() redis.call('x') end) coroutine.resume(co) end",
		"local co = coroutine.wrap(function() while true do pcall(redis.call, 'x') coroutine.yield() end end) while true do pcall(co) end",
		"local t = setmetatable({}, {__index = function() redis.call('x') end}) while true do pcall(function() return t.x end) end",
		"while true do pcall(string.gsub, 'x', 'x', function() redis.call('x') end) end",
		"while true do pcall(table.sort, {2, 1}, function() redis.call('x') end) end",
		"while true do load(function() redis.call('x') end) end",
	} {
		p, err := Compile(script, true)
		if err != nil {
			t.Fatal(err)
		}
		meter := cost.New(cost.Limit)
		h := &stubborn{}
		if (&Machine{Meter: &meter}).Run(p, h, nil, nil); h.calls != 2 || meter.Left() >= 0 {
			t.Errorf("%s: %d calls, %d left", script, h.calls, meter.Left())
		}
		meter = cost.New(cost.Limit)
		h = &stubborn{}
		_, h.panics = recovered(func() { _ = []int{}[h.calls] })
		if _, got := recovered(func() { (&Machine{Meter: &meter}).Run(p, h, nil, nil) }); fmt.Sprint(got) != fmt.Sprint(h.panics) || h.calls != 2 {
			t.Errorf("%s: %d calls, %v", script, h.calls, got)
		}
	}
}

// recovered calls f and returns what it panics with.
func recovered(f func()) (ok bool, p any) {
	defer func() { p = recover() }()
	f()
	return true, nil
}
