//go:build hostile

package hostile

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/trivetdb/trivet/resp"
)

// scripts are what a script can do to the nodes that run it: section A1 of the issue.
var scripts = group{name: "A1 scripts", inputs: []input{
	{name: "table.insert overflows", send: eval("table.insert({}, -9223372036854775808, 1)"), want: refused},
	{name: "string.format makes 160 GB", want: refused, send: eval(
		`local s, t = string.rep('x', 33554432), {} for i = 1, 5000 do t[i] = s end ` +
			`return #string.format(string.rep('%s', 5000), unpack(t))`)},
	{name: "cjson.encode makes 32 GB", want: refused, send: eval(
		`local s, t = string.rep('x', 33554432), {} for i = 1, 1000 do t[i] = s end return #cjson.encode(t)`)},
	{name: "pcall in __index in pcall", send: eval(nested("0")), want: answered, long: true},
	{name: "pcall in __index in pcall, then cjson.encode", send: eval(nested("cjson.encode(deep)")), want: answered},
	{name: "a body of 8 MB", send: eval("return a" + strings.Repeat("..a", 8<<20/3)), want: refused},
	{name: "a body of 1 MB", send: eval("return a" + strings.Repeat("..a", 1<<20/3)), want: refused, long: true},
	{name: "SCRIPT LOAD of 8 MB", send: ask("SCRIPT", "LOAD", "return a"+strings.Repeat("..a", 8<<20/3)), want: refused, long: true},
	{name: "BITCOUNT of 64 MB in a loop", setup: large("big", 64<<20), want: refused,
		send: eval(`for i = 1, 1000000 do redis.call('bitcount', 'big') end`)},
	{name: "table.foreachi with redis.debug", want: refused,
		send: eval(`local t = {} for i = 1, 1000000 do t[i] = i end for i = 1, 1000000 do table.foreachi(t, redis.debug) end`)},
	{name: "== of strings of 50 MB", want: refused, send: eval(
		`local s = string.rep('x', 52428799) local a, b = s .. 'x', s .. 'x' local n = 0 ` +
			`for i = 1, 100000000 do if a == b then n = n + 1 end end return n`)},
	{name: "next of an emptied table", want: refused, send: eval(
		`local t = {} for i = 1, 1000000 do t['k' .. i] = i end for k in pairs(t) do t[k] = nil end ` +
			`for i = 1, 100000000 do next(t) end`)},
	{name: "a reply of 32 GB from one value", setup: large("big", 16<<20), want: refused,
		send: eval(`local v, t = redis.call('get', 'big'), {} for i = 1, 2000 do t[i] = v end return t`)},
	{name: "a loop without end", send: eval(`while true do end`), want: refused},
	{name: "writes, then a loop without end", want: refused,
		send: eval(`for i = 1, 1000 do redis.call('set', 'undone', i) end while true do end`), also: undone("undone")},
	{name: "SCRIPT KILL of a script that reads", want: refused, send: killed(`while true do redis.call('get', 'x') end`)},
	{name: "SCRIPT KILL of a script that writes", want: refused,
		send: killed(`while true do redis.call('set', 'undone', 1) end`), also: undone("undone")},
}}

// nested goes as deep as a script can: 4,000 times into __index, then a protected call,
// in which the same begins anew, 188 times. At the bottom stands an expression that
// may use a deep table.
func nested(bottom string) string {
	return `local deep = {} local d = deep for i = 1, 900 do d[1] = {} d = d[1] end
local level, down = 188, 4000
local t = setmetatable({}, {__index = function(t, key)
  down = down - 1
  if down > 0 then return (t[key]) end
  level = level - 1
  if level == 0 then return ` + bottom + ` end
  down = 4000
  local ok, v = pcall(function() return t.x end)
  if not ok then error(v, 0) end
  return v
end})
return #tostring(t.x)`
}

// large prepares a string of so many bytes, most of them zero.
func large(key string, size int) func(*scene) {
	return func(s *scene) { s.must("SETRANGE", key, strconv.Itoa(size-1), "x") }
}

// undone wants that a key is not there.
func undone(key string) func(*scene) error {
	return func(s *scene) error {
		v, err := s.to.do(patience, "EXISTS", key)
		if err == nil && v.Int != 0 {
			err = errUndone
		}
		return err
	}
}

// killed sends a script, and SCRIPT KILL through another node until that has ended.
func killed(script string) func(*scene) (resp.Value, error) {
	return func(s *scene) (resp.Value, error) {
		other, err := s.connect(s.leader)
		if err != nil {
			return resp.Nil, err
		}
		defer other.Close()
		stop, fault := make(chan struct{}), make(chan error, 1)
		go func() { fault <- killUntil(other, stop) }()
		v, err := s.ask("EVAL", script, "0")
		close(stop)
		return v, errors.Join(err, <-fault)
	}
}

func killUntil(c *client, stop chan struct{}) error {
	for {
		select {
		case <-stop:
			return nil
		case <-time.After(20 * time.Millisecond):
		}
		v, err := c.do(5*time.Second, "SCRIPT", "KILL")
		if err == nil && v.IsError() && !strings.HasPrefix(v.Str, "NOTBUSY") {
			err = errors.New(v.Str)
		}
		if err != nil {
			return errors.Join(errors.New("SCRIPT KILL"), err)
		}
	}
}
