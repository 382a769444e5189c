package lua

import (
	"fmt"
	"strings"
	"testing"

	"github.com/trivetdb/trivet/resp"
)

// same runs a script on two machines, which must agree, and not fail for a
// mistake of ours.
func same(t *testing.T, script string, args ...string) resp.Value {
	t.Helper()
	p, err := Compile(script, false)
	if err != nil {
		return resp.Nil
	}
	var argv [][]byte
	for _, a := range args {
		argv = append(argv, []byte(a))
	}
	run := func() resp.Value {
		return (&Machine{Budget: 100_000}).Run(p, &counter{}, nil, argv)
	}
	a, b := run(), run()
	if fmt.Sprint(a) != fmt.Sprint(b) {
		t.Fatalf("%q: got %v, then %v", script, a, b)
	}
	if a.IsError() && strings.Contains(a.Str, "runtime error") {
		t.Fatalf("%q %q: %s", script, args, a.Str)
	}
	if _, err := Compile(script, true); err == nil {
		one, left := strictEval(t, 1_000_000, script, args...)
		other, left2 := strictEval(t, 1_000_000, script, args...)
		if fmt.Sprint(one) != fmt.Sprint(other) || left != left2 {
			t.Fatalf("%q: got %v, then %v", script, one, other)
		}
		ended := strings.Contains(a.Str+one.Str, "budget") || strings.Contains(a.Str+one.Str, "too l") || strings.Contains(script, "garbage") || strings.Contains(script, "gcinfo")
		if fmt.Sprint(one) != fmt.Sprint(a) && !ended {
			t.Fatalf("%q %q: got %v, with bounds %v", script, args, a, one)
		}
	}
	return a
}

func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5e3,null,true,"\u00e9\ud83d\ude00\n"]}`, `[[[]]]`, `"\ud800"`, `-0x1f`, `[1,`, `nan`, "\x00\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v := same(t, "return cjson.encode(cjson.decode(ARGV[1]))", s)
		if !v.IsError() { // what was encoded decodes
			again := same(t, "return cjson.encode(cjson.decode(ARGV[1]))", v.Str)
			if again.IsError() && !strings.Contains(again.Str, errBudget.Error()) {
				t.Fatalf("%q became %q, which: %s", s, v.Str, again.Str)
			}
		}
	})
}

func FuzzMessagePack(f *testing.F) {
	for _, s := range []string{"\x93\x01\xa1a\xc0", "\x81\xa1a\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00", "\xdd\xff\xff\xff\xff", "\xdf\x00\x00\x00\x01", "\xc4\x02ab", "\xc1"} {
		f.Add(s, 0, 0)
	}
	f.Fuzz(func(t *testing.T, s string, limit, offset int) {
		same(t, "return {cmsgpack.unpack(ARGV[1])}", s)
		same(t, "return cmsgpack.pack(cmsgpack.unpack(ARGV[1]))", s)
		same(t, "return {cmsgpack.unpack_limit(ARGV[1], ARGV[2], ARGV[3])}", s, fmt.Sprint(limit), fmt.Sprint(offset))
	})
}

func FuzzStruct(f *testing.F) {
	f.Add(">i4<hbc0s!8d xI16T", "\x01\x02\x03\x04abcdefgh\x00ijklmnopqrstuvwxyz", 1)
	f.Fuzz(func(t *testing.T, format, data string, offset int) {
		same(t, "return {struct.unpack(ARGV[1], ARGV[2], ARGV[3])}", format, data, fmt.Sprint(offset))
		same(t, "return struct.pack(ARGV[1], 1, 'two', 3.5, -4, 'five')", format)
		same(t, "return struct.size(ARGV[1])", format)
	})
}

func FuzzString(f *testing.F) {
	f.Add("hello world", "(%w+) (%w+)", "%2 %1")
	f.Add("f(a(b)c)", "%b()", "%0")
	f.Add("THE (quick)", "%f[%a]%a-", "%5.3f|%-10q")
	f.Fuzz(func(t *testing.T, s, pattern, format string) {
		same(t, "return {string.find(ARGV[1], ARGV[2])}", s, pattern)
		same(t, "return {string.gsub(ARGV[1], ARGV[2], ARGV[3])}", s, pattern, format)
		same(t, "local r = {} for a, b in string.gmatch(ARGV[1], ARGV[2]) do r[#r + 1] = a end return r", s, pattern)
		same(t, "return string.format(ARGV[1], 1, 2.5, 3, 4)", format)
		same(t, "return {tonumber(ARGV[1]), tonumber(ARGV[2], 16), ARGV[1] + 1}", s, pattern)
	})
}

// FuzzScript runs anything that compiles.
func FuzzScript(f *testing.F) {
	for _, s := range []string{
		"return {1, 'two', {3.5, {ok = 'x'}}, redis.call('get', KEYS[1])}",
		"local t = setmetatable({}, {__index = function(t, k) return k end}) for i = 1, 3 do t[i] = t[i + 1] end return #t .. t[1]",
		"local co = coroutine.wrap(function(a) local b = coroutine.yield(a) error(b) end) co(1) return pcall(co, 2)",
		"goto done; do return 1 end ::done:: return select('#', unpack({1, nil, 3}))",
		"return string.format('%5.1f', '1e3' % 7) .. -'2' .. #'abc' .. 010",
		"for k, v in pairs(_G) do redis.pcall(k, tostring(v)) end return tostring(getmetatable(''))",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { same(t, s) })
}
