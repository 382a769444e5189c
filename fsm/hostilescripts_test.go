package fsm

import (
	"fmt"
	"slices"
	"strings"

	"github.com/trivetdb/trivet/fsm/lua"
)

// discover finds the functions that scripts can call, so that new ones are called
// as soon as they are there.
func (h *attacker) discover() {
	const script = `local r = {} for name, v in pairs(_G) do
		if type(v) == 'function' then r[#r + 1] = name end
		if type(v) == 'table' and name ~= '_G' then for f, w in pairs(v) do if type(w) == 'function' then r[#r + 1] = name .. '.' .. f end end end
	end return r`
	v := NewState().Read(Request{Command: Lookup("EVAL_RO"), Args: bulks("EVAL_RO", script, "0")})
	for _, name := range v.Elems {
		h.lua = append(h.lua, name.Str)
	}
	slices.Sort(h.lua)
	if len(h.lua) < 100 {
		panic(fmt.Sprintf("only %d functions were found: %v", len(h.lua), v))
	}
}

var luaNumbers = []string{
	"0", "1", "-1", "2", "7", "16", "255", "256", "1000", "8000", "8001", "65536", "1000000", "1e9", "2147483647", "2147483648", "-2147483648", "4294967296",
	"9007199254740993", "9223372036854775807", "-9223372036854775808", "1.8446744073709552e19", "1e308", "-1e308", "5e-324",
	"(1/0)", "(-1/0)", "(0/0)", "0.5", "-0.5", "1e15", "1e100", "(-0)",
}

var luaTexts = []string{
	"''", "'a'", "'\\0'", "'%s%d%q%5.3f'", "'%99.99f'", "'%-99s'", "'.-.-.-.-.-.-b'", "'%b()'", "'%f[%a]%a-'", "'(((((((((((.-)))))))))))'", "'[%a-z]*'", "'%1'", "'('", "'^(a*)*$'",
	"'>i4<hbc0s!8d xI16T'", "'c0'", "'c2147483647'", "'i16i16i16'", "'!99999999999i4'", "'[[[[1,2,{\"a\":null}]]]]'", "'{\"a\":1e999}'",
	"'\\221\\255\\255\\255\\255'", "'\\223\\255\\255\\255\\255'", "'\\219\\255\\255\\255\\255a'", "'\\129\\161a\\203'", "'1e3'", "'0x10'", "'nan'", "'return 1'", "'get'", "'key:2'", "'list:0'",
}

// luaPieces are statements whose work could be large or without an end. $n is a
// number, $t a text, $c a size, $e an expression.
var luaPieces = strings.Split(strings.TrimSpace(`
table.insert({}, $n, 1)
table.insert(d, $n, $e) table.remove(d, $n)
d[$n] = $e d[$n] = nil a = #d
for i = 1, $c do d[i] = i end
for i = 1, $c do d['k' .. i] = i end for k in pairs(d) do d[k] = nil end for i = 1, $c do next(d) end
for i = 1, $c do d[#d + 1] = b end a = table.concat(d, $t)
for i = 1, $c do d[i] = b end a = cjson.encode(d)
for i = 1, $c do d[i] = b end a = cmsgpack.pack(d)
for i = 1, $c do d[i] = b end a = string.format(('%s'):rep(#d), unpack(d, 1, 7000))
for i = 1, $c do d = {d} end a = cjson.encode(d)
for i = 1, $c do d = {d} end a = cmsgpack.pack(d)
for i = 1, $c do d = {d} end do return d end
for i = 1, $c do d = {d, d} end do return d end
for i = 1, $c do d = {ok = d} end do return d end
for i = 1, 24 do d = {d, d} end a = cjson.encode(d)
d.d = d a = cjson.encode(d)
d.d = d a = cmsgpack.pack(d)
d[1] = d do return d end
a = cjson.decode(('['):rep($c) .. (']'):rep($c))
a = cjson.decode('[' .. ('1,'):rep($c) .. '1]')
a = cjson.decode(('{"a":'):rep($c))
cjson.encode_max_depth($n) cjson.decode_max_depth($n) a = cjson.encode(d)
cjson.encode_sparse_array(true, $n, $n) a = cjson.encode({[$n] = 1})
a = {cmsgpack.unpack(('\145'):rep($c))}
a = {cmsgpack.unpack(('\1'):rep($c))}
a = {cmsgpack.unpack_limit(('\1'):rep($c), $n, $n)}
a = struct.pack(('i8'):rep($c), unpack(d, 1, 5000))
a = {struct.unpack(('b'):rep($c), b)}
a = struct.size(('!8i1i8'):rep($c))
b = b .. b b = b .. b b = b .. b
for i = 1, $c do b = b .. b end
b = ('x'):rep($c) for i = 1, $n do a = b == b .. '' end
for i = 1, $n do a = #(b .. i) end
for i = 1, $n do a = b < c end
a = string.rep(b, $n)
a = {string.byte(b, $n, $n)}
a = string.rep($t, $c):gsub($t, $t)
a = string.find(('a'):rep(30), ('a?'):rep(30) .. ('a'):rep(30))
a = string.find(('a'):rep($c), '.-.-.-.-b')
a = string.gsub(('a'):rep($c), 'a', b)
a = string.gsub(('a'):rep($c), '', function(s) return b end)
for w in string.gmatch(('a '):rep($c), '%a-') do a = w end
a = string.find(('('):rep($c), ('%b()'):rep(10))
a = ('x'):rep($c):reverse():upper():lower():len()
a = loadstring('return ' .. ('a..'):rep($c) .. 'a')
a = loadstring(('('):rep($c) .. '1' .. (')'):rep($c))
a = loadstring(('do '):rep($c) .. ('end '):rep($c))
a = loadstring('return {' .. ('{},'):rep($c) .. '}')
a = loadstring('return ' .. ('-'):rep($c) .. '1')
a = loadstring(('local a '):rep($c))
a = load(function() return 'a = 1 ' end)
a = load(function() return b end)
for i = 1, $n do loadstring('return ' .. i) end
a = {unpack({}, $n, $n)}
a = select('#', unpack(d, 1, $c))
a = select($n, unpack(d, 1, 7999))
table.sort(d, function(x, y) return true end)
table.sort(d, function(x, y) return tostring(x) < tostring(y) end)
for i = 1, $c do d[i] = b .. i end table.sort(d)
table.foreachi(d, redis.debug)
table.foreach(d, redis.debug)
table.foreach(d, function(k) d[k] = nil end)
a = table.maxn(d) + table.getn(d)
while true do a = next(d) end
repeat until false
for i = 1, 1/0 do end
for i = $n, $n, $n do a = i end
local function f() return f() end f()
local function f() return 1 + f() end f()
local function f(...) return f(1, ...) end f()
local function f(...) return f(..., ...) end f()
local co = {} for i = 1, $c do co[i] = coroutine.create(function() coroutine.yield(b) end) coroutine.resume(co[i]) end
local function f(n) return coroutine.wrap(function() return f(n + 1) end)() end f(1)
local co = coroutine.wrap(function() for i = 1, $n do coroutine.yield(i) end end) for i = 1, $n do a = co() end
local co co = coroutine.create(function() return coroutine.resume(co) end) a = coroutine.resume(co)
for i = 1, $n do pcall(error, d) end
error({err = ('x'):rep($c)})
error(setmetatable({}, {__tostring = function() return b end}))
local function f() error(f) end xpcall(f, f)
xpcall(function() error(b) end, function(e) return f(e) end)
setmetatable(d, {__index = d}) a = d[$t]
setmetatable(d, {__newindex = d}) d[$t] = 1
setmetatable(d, {__index = function(t, k) return t[k .. k] end}) a = d.x
setmetatable(d, {__call = d}) d()
local m = {} for i = 1, $c do m = setmetatable({}, {__index = m}) end a = m.x
local m = {} for i = 1, $c do m = setmetatable({}, {__call = m}) end a = m(1)
setmetatable(d, {__concat = function(x, y) return b end, __eq = function() return true end, __lt = function() return 1 end}) a = d .. d a = d < d
getmetatable('').__index = function(s, k) return s[k .. s] end a = b.x
for i = 1, $n do a = tostring({}) .. tostring(print) end
a = tostring(b):len() + tonumber(('9'):rep($c)) + (tonumber(('z'):rep($c), 36) or 0)
for i = 1, $n do a = math.random($n, $n) math.randomseed($n) end
for i = 1, $n do a = redis.sha1hex(b) end
for i = 1, $n do redis.log(redis.LOG_WARNING, b) end
do return redis.error_reply(b) end
do return redis.status_reply(b) end
do return {err = b, ok = b} end
for i = 1, $c do d[i] = b end do return d end
for i = 1, $c do d[i] = {double = i, map = {a = {}}} end redis.setresp(3) do return d end
for i = 1, $n do redis.call('BITCOUNT', 'bitmap:0') end
for i = 1, $n do redis.call('GET', 'key:2') end
for i = 1, $n do redis.call('LCS', 'key:0', 'key:1') end
for i = 1, $n do redis.call('RPUSH', 'list:8', b) end
for i = 1, $n do redis.call('SETRANGE', 'key:' .. i, $n, 'x') end
for i = 1, $n do redis.call('SMEMBERS', 'set:0') end
for i = 1, $n do redis.call('SORT', 'list:0', 'BY', 'nosort', 'LIMIT', 0, 3) end
for i = 1, $n do redis.call('PUBLISH', 'c', b) end
for i = 1, $n do redis.call('SET', b .. i, b) end
for i = 1, $n do redis.call('LINSERT', 'list:0', 'BEFORE', 'none', 'x') end
for i = 1, $n do redis.call('XADD', 'stream:0', '*', b, b) end
for i = 1, $n do redis.pcall('NOSUCH', b) end
for i = 1, $c do d[i] = redis.call('LRANGE', 'list:0', 0, -1) end
redis.call('MGET', unpack(d, 1, 7000))
a = redis.acl_check_cmd('get', unpack(d, 1, 7000))
collectgarbage($t, $n)
_G.x = b
a = ({...})[1] a = arg
a = bit.lshift($n, $n) + bit.tohex($n, $n):len()
a = ('%d'):rep(200):format(unpack(d, 1, 200))
a = string.char(unpack(d, 1, 255))
a = string.format('%' .. $n .. 's', b)
a = string.format('%.' .. '99' .. 'f', 1e308)
`), "\n")

// descents call what they are given one level deeper, where go(n) goes on.
var descents = []string{
	"pcall(go, n)", "go(n)", "select(2, pcall(go, n))", "coroutine.wrap(go)(n)", "xpcall(function() return go(n) end, tostring)",
	"setmetatable({}, {__index = function() return go(n) end}).x", "tostring(setmetatable({}, {__tostring = function() go(n) return '' end}))",
	"string.gsub('a', 'a', function() go(n) end)", "table.foreach({1}, function() go(n) end)", "table.sort({1, 2}, function() return go(n) end)",
	"(setmetatable({}, {__call = function() return go(n) end}))()", "(setmetatable({}, {__concat = function() return go(n) end}) .. 'x')",
	"(setmetatable({}, {__unm = function() return go(n) end}) + 0)", "loadstring('return ...')(go(n))", "({pcall(go, n)})[2]",
	"pcall(function() return setmetatable({}, {__index = function() return go(n) end}).x end)", "load(function() go(n) end)", "error(go(n))",
	"(setmetatable({}, {__eq = function() return go(n) end, __lt = function() return go(n) end, __add = function() return go(n) end}) + 1)",
}

// script draws the source of a script.
func (h *attacker) luaSource() string {
	switch h.IntN(8) {
	case 0:
		return h.bomb()
	case 1, 2:
		return h.loop()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "local a, b, c, d = ARGV[1], %s, KEYS[1], {}\n", pick(h, []string{"'x'", "('x'):rep(1000)", "('x'):rep(100000)", "('ab'):rep(8e6)", "ARGV[2] or ''"}))
	for n := 1 + h.IntN(5); n > 0; n-- {
		s := h.luaStatement(0)
		switch h.IntN(4) {
		case 0:
			s = "do " + s + " end"
		case 1, 2:
			s = "pcall(function() " + s + " end)"
		case 3:
			s = h.descent(s)
		}
		b.WriteString(s + "\n")
	}
	b.WriteString("do return " + h.luaExpr(2) + " end")
	return b.String()
}

// loop calls one function again and again, with few words around it: what it costs
// each time must have been counted.
func (h *attacker) loop() string {
	name, args := pick(h, h.lua), ""
	if h.IntN(2) == 0 {
		name = "redis.pcall"
	}
	if strings.HasPrefix(name, "redis.") && strings.HasSuffix(name, "call") {
		var words []string
		for _, a := range h.smallCommand() {
			words = append(words, luaQuoted(string(a)))
		}
		args = strings.Join(words, ", ")
	} else {
		var all []string
		for n := h.IntN(4); n > 0; n-- {
			all = append(all, h.luaExpr(3))
		}
		args = strings.Join(all, ", ")
	}
	return fmt.Sprintf("local a, b, c, d = ARGV[1], ('x'):rep(1000), KEYS[1], {1, 2, 3} local f, x = %s for i = 1, 1e9 do x = f(%s) end", name, args)
}

// descent has a statement run deep within calls of several kinds.
func (h *attacker) descent(s string) string {
	var b strings.Builder
	b.WriteString("do local go local steps = {")
	for n := 1 + h.IntN(3); n > 0; n-- {
		b.WriteString("function(n) return " + pick(h, descents) + " end, ")
	}
	fmt.Fprintf(&b, "} go = function(n) if n <= 0 then %s return 1 end n = n - 1 return (steps[n %% #steps + 1](n)) end pcall(go, %s) end",
		s, pick(h, []string{"3", "100", "180", "189", "195", "3000", "100000", "1e9"}))
	return b.String()
}

func (h *attacker) luaStatement(depth int) string {
	switch h.IntN(7) {
	case 0, 1:
		return h.luaFilled(pick(h, luaPieces), depth)
	case 2:
		return fmt.Sprintf("for i = 1, %s do %s end", pick(h, luaNumbers), h.luaCall(depth))
	case 3:
		if depth < 4 {
			return h.luaStatement(depth+1) + " " + h.luaStatement(depth+1)
		}
	case 4:
		if depth < 4 {
			return fmt.Sprintf("for i = 1, %s do %s end", pick(h, luaNumbers), h.luaStatement(depth+1))
		}
	case 5:
		return fmt.Sprintf("%s = %s", pick(h, []string{"a", "b", "c", "d[1]", "d.x", "d[" + h.luaExpr(depth+1) + "]"}), h.luaExpr(depth))
	}
	return h.luaCall(depth)
}

func (h *attacker) luaFilled(piece string, depth int) string {
	var b strings.Builder
	for {
		head, rest, ok := strings.Cut(piece, "$")
		b.WriteString(head)
		if !ok {
			return b.String()
		}
		switch rest[0] {
		case 'n':
			b.WriteString(pick(h, luaNumbers))
		case 't':
			b.WriteString(pick(h, luaTexts))
		case 'c':
			b.WriteString(pick(h, []string{"3", "30", "190", "1000", "8000", "50000", "1000000", "30000000"}))
		case 'e':
			b.WriteString(h.luaExpr(depth + 1))
		}
		piece = rest[1:]
	}
}

// luaCall calls any function with anything.
func (h *attacker) luaCall(depth int) string {
	name := pick(h, h.lua)
	var args []string
	if strings.HasPrefix(name, "redis.") && strings.HasSuffix(name, "call") {
		for _, a := range h.smallCommand() {
			args = append(args, luaQuoted(string(a)))
		}
	} else {
		for n := h.IntN(4); n > 0; n-- {
			args = append(args, h.luaExpr(depth+1))
		}
	}
	list := strings.Join(args, ", ")
	if h.IntN(2) == 0 {
		return fmt.Sprintf("a = %s(%s)", name, list)
	}
	if list != "" {
		list = ", " + list
	}
	return fmt.Sprintf("a = {pcall(%s%s)}", name, list)
}

// smallCommand draws a command that may stand in a script.
func (h *attacker) smallCommand() [][]byte {
	for {
		var args [][]byte
		if h.IntN(2) == 0 {
			args = h.shaped(pick(h, hostileShapes)).Args
		} else {
			args, _ = h.args(h.row(Read | Write))
		}
		size := len(args)
		for _, a := range args {
			size += len(a)
		}
		if size < 20000 && len(args) < 240 && !strings.Contains(string(args[0]), "|") {
			return args
		}
	}
}

func luaQuoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			fmt.Fprintf(&b, "\\%03d", c)
		} else {
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func (h *attacker) luaExpr(depth int) string {
	if depth > 4 {
		return pick(h, luaNumbers)
	}
	switch h.IntN(16) {
	case 0, 1, 2:
		return pick(h, luaNumbers)
	case 3, 4:
		return pick(h, luaTexts)
	case 5:
		return fmt.Sprintf("(%s):rep(%s)", pick(h, luaTexts), pick(h, []string{"2", "100", "5000", "1e6", "1e9"}))
	case 6, 7, 8:
		return pick(h, []string{"a", "b", "c", "d", "KEYS", "ARGV", "_G", "nil", "true", "cjson.null", "redis", "string"})
	case 9:
		return fmt.Sprintf("{%s, x = %s, [%s] = 1}", h.luaExpr(depth+1), h.luaExpr(depth+1), pick(h, luaNumbers))
	case 10:
		return fmt.Sprintf("(%s %s %s)", h.luaExpr(depth+1), pick(h, []string{"+", "-", "*", "/", "%", "^", "..", "==", "<", "<=", "and", "or"}), h.luaExpr(depth+1))
	case 11:
		return fmt.Sprintf("%s(%s)", pick(h, []string{"#", "-", "not "}), h.luaExpr(depth+1))
	case 12:
		return fmt.Sprintf("function(...) return %s end", h.luaExpr(depth+1))
	case 13:
		return fmt.Sprintf("setmetatable({}, {%s = %s})", pick(h, []string{"__index", "__newindex", "__call", "__tostring", "__concat", "__eq", "__lt", "__le", "__add", "__unm", "__len", "__metatable", "__mode", "__gc", "__pairs"}), h.luaExpr(depth+1))
	case 14:
		return fmt.Sprintf("coroutine.create(function(...) return %s end)", h.luaExpr(depth+1))
	}
	return fmt.Sprintf("select(2, pcall(%s, %s))", pick(h, h.lua), h.luaExpr(depth+1))
}

// scripted draws a command that runs a script, or a function.
func (h *attacker) scripted() hostileCommand {
	words := []string{"EVAL", "", "1", pick(h, []string{"key:2", "list:0", "a", "bitmap:0"}), "1", "x"}
	if h.IntN(4) == 0 {
		words = append(words, h.text())
	}
	switch h.IntN(10) {
	case 0:
		words[0], words[1] = "EVAL_RO", h.luaSource()
	case 1:
		return hostileCommand{"SCRIPT|LOAD", bulks("SCRIPT|LOAD", "LOAD", h.luaSource()), nil}
	case 2:
		words[0], words[1] = "FCALL", pick(h, []string{"f", "g", "F", "nosuch"})
	case 3:
		words[0], words[1] = "EVALSHA", lua.Sum(pick(h, generatedScripts))
	case 4:
		words[1] = pick(h, generatedScripts)
	default:
		words[1] = h.luaSource()
	}
	return hostileCommand{words[0], bulks(words...), nil}
}
