package fsm

import (
	"fmt"
	"os"
	"testing"
)

// BenchmarkEval measures a script with a number of calls, within an entry of its
// own: encoded, decoded and applied.
func BenchmarkEval(b *testing.B) {
	for _, calls := range []int{0, 1, 20} {
		script := fmt.Sprintf("local n for i = 1, %d do n = redis.call('incr', KEYS[1]) end return n", calls)
		b.Run(fmt.Sprint(calls), func(b *testing.B) { benchScript(b, "EVAL", script, "1", "k") })
		b.Run(fmt.Sprint("bounded ", calls), func(b *testing.B) {
			benchWords(b, boundedMachine(b), "EVAL", script, "1", "k")
		})
	}
	b.Run("lock", func(b *testing.B) {
		benchScript(b, "EVAL", "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end", "1", "k", "token")
	})
	job := func(b *testing.B, m *machine) { // what test/bench measures
		script, err := os.ReadFile("../test/bench/load/job.lua")
		if err != nil {
			b.Fatal(err)
		}
		sha := m.doSub(1, "SCRIPT|LOAD", string(script)).Str
		benchWords(b, m, "EVALSHA", sha, "6", "job:id", "job:wait", "job:active", "job:completed", "job:", "job:meta", value64, "1700000000000")
	}
	b.Run("job", func(b *testing.B) { job(b, newMachine(b)) })
	b.Run("bounded job", func(b *testing.B) { job(b, boundedMachine(b)) })
	b.Run("bounded loop", func(b *testing.B) {
		benchWords(b, boundedMachine(b), "EVAL", loopScript, "1", "k")
	})
	b.Run("loop", func(b *testing.B) { benchScript(b, "EVAL", loopScript, "1", "k") })
	b.Run("readonly", func(b *testing.B) {
		benchScript(b, "EVAL_RO", "return redis.call('get', KEYS[1])", "1", "k")
	})
	b.Run("incr", func(b *testing.B) { benchScript(b, "INCR", "k") })
}

// loopScript compares, calls and fills tables as scripts do that do much of it.
const loopScript = `local t, n, want = {}, 0, KEYS[1]
	local function pick(list, i) return list[i] end
	for i = 1, 100 do t[i] = {id = i, name = 'n' .. i} end
	for i, job in ipairs(t) do if job.name ~= want and job.id == i then n = n + pick(t, i).id end end
	return n`

func benchScript(b *testing.B, words ...string) {
	benchWords(b, newMachine(b), words...)
}

func benchWords(b *testing.B, m *machine, words ...string) {
	m.check = false
	c := Lookup(words[0])
	args := bulks(words...)
	b.ReportAllocs()
	for b.Loop() {
		m.run(1000, 0, c, args, nil)
	}
}

// BenchmarkFcall measures a function of a library of ten.
func BenchmarkFcall(b *testing.B) {
	m := newMachine(b)
	m.check = false
	code := "#!lua name=lib\n"
	for i := range 10 {
		code += fmt.Sprintf("redis.register_function('f%d', function(keys, args) return redis.call('incr', keys[1]) end)\n", i)
	}
	m.doSub(1, "FUNCTION|LOAD", code)
	b.ReportAllocs()
	for b.Loop() {
		m.do(1000, "FCALL", "f9", "1", "k")
	}
}
