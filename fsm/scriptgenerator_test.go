package fsm

import (
	"strings"

	"github.com/trivetdb/trivet/fsm/lua"
	"github.com/trivetdb/trivet/fsm/rdb"
)

// scripts are drawn for EVAL and its like. They use what could differ between
// two states: chance, time, the order of tables and of replies, errors midway.
var generatedScripts = []string{
	"return 1",
	"return redis.call('INCR', KEYS[1]..':n')",
	"return {redis.call('RPUSH', KEYS[1]..':l', unpack(ARGV)), redis.call('LRANGE', KEYS[1]..':l', -3, -1)}",
	"redis.call('SET', KEYS[1]..':t', cjson.encode({t = redis.call('TIME'), r = math.random(1000)}), 'PX', 50) return redis.call('GET', KEYS[1]..':t')",
	"local t = {} for i, v in ipairs(ARGV) do t[v] = i end local r = {} for k, v in pairs(t) do r[#r + 1] = k .. '=' .. v end redis.call('SET', KEYS[1]..':p', table.concat(r, ',')) return r",
	"for i = 1, 20 do redis.call('SADD', KEYS[1]..':s', i * 7 % 31) end local m = redis.call('SMEMBERS', KEYS[1]..':s') redis.call('SET', KEYS[1]..':m', table.concat(m, ' ')) return redis.call('SPOP', KEYS[1]..':s', 3)",
	"redis.call('HSET', KEYS[1]..':h', math.random(5), math.random()) local all = redis.call('HGETALL', KEYS[1]..':h') return cmsgpack.pack(all)",
	"redis.call('ZADD', KEYS[1]..':z', math.random(10), tostring(math.random(20))) redis.setresp(3) return redis.call('ZRANGE', KEYS[1]..':z', 0, -1, 'WITHSCORES')",
	"redis.call('INCR', KEYS[1]..':e') error('after a write')",
	"redis.call('INCR', KEYS[1]..':e') return redis.call('LPUSH', KEYS[1]..':e', 1)",
	"local e = redis.pcall('INCR', KEYS[1]..':l') return {e, tostring({}), tostring(print == nil)}",
	"redis.call('SELECT', 2) redis.call('SET', KEYS[1]..':db', 'x') return redis.call('DBSIZE')",
	"local ok, e = pcall(redis.call, 'NOSUCH') redis.call('APPEND', KEYS[1]..':a', tostring(function() end)) return {ok, e, tostring(redis.call)}",
	"return redis.call('EXISTS', KEYS[1]..':n')",
	"return {redis.call('GET', KEYS[1]..':n'), redis.call('TYPE', KEYS[1]..':l'), redis.sha1hex('x')}",
	"return {math.random(100), redis.call('TIME')}",
	"local t = redis.call('KEYS', '*') redis.call('SET', KEYS[1]..':k', #t .. (t[1] or '')) return redis.call('RANDOMKEY')",
	"return = ",
	"return nosuch",
}

// generatedLibraries share names of functions, so that some cannot be loaded
// beside others.
var generatedLibraries = []string{
	"#!lua name=one\nlocal n = 0 local t = {} redis.register_function('f', function(keys, args) n = n + 1 t[#t + 1] = n redis.call('SET', keys[1]..':n', n + #t) return n end)",
	"#!lua name=two\nredis.register_function{function_name = 'g', description = 'd', flags = {'no-writes'}, callback = function(keys) return redis.call('GET', keys[1]..':n') end}",
	"#!lua name=three\nlocal function h(keys, args) redis.call('RPUSH', keys[1]..':l', math.random(9), tostring({})) error('after a write') end redis.register_function('h', h) redis.register_function('F', h)",
	"#!lua name=one\nredis.register_function('f', function(keys) return redis.call('INCR', keys[1]..':n') end) redis.register_function('g', function() return nosuch end)",
	"#!lua name=broken\nredis.register_function('i', function(",
}

func init() {
	groupWords["scripting"] = append([]string{"SYNC", "f", "g", "h", "one"}, generatedScripts...)
	for _, code := range generatedLibraries {
		tails["FUNCTION|LOAD"] = append(tails["FUNCTION|LOAD"], []string{"LOAD", code}, []string{"LOAD", "REPLACE", code})
		dump := rdb.AppendLibraries(nil, []string{code})
		tails["FUNCTION|RESTORE"] = append(tails["FUNCTION|RESTORE"], []string{"RESTORE", string(dump)},
			[]string{"RESTORE", string(dump), "REPLACE"}, []string{"RESTORE", string(dump), "FLUSH"})
	}
	tails["FUNCTION|DELETE"] = [][]string{{"DELETE", "one"}, {"DELETE", "two"}, {"DELETE", "three"}}
}

// script draws the first argument of EVAL, EVALSHA or FCALL.
func (g *generator) script(c *Command) string {
	if strings.HasPrefix(c.Name, "FCALL") {
		return []string{"f", "g", "H", "i"}[g.IntN(4)]
	}
	script := generatedScripts[g.IntN(len(generatedScripts))]
	if strings.HasPrefix(c.Name, "EVALSHA") {
		return lua.Sum(script)
	}
	return script
}
