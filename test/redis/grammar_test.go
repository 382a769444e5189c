//go:build redis

package redis

import (
	_ "embed"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

//go:embed grammar.txt
var grammarText string

// A shape is a line of grammar.txt.
type shape struct {
	marks string
	words []node
}

// A node is a part of a shape: a word, or a choice among sequences.
type node struct {
	word   string   // "$x" is drawn
	choice [][]node // where word is empty
	absent bool     // a choice of nothing too
	repeat bool     // one to four times
}

// A generator draws commands.
type generator struct {
	*rand.Rand
	shapes []shape
	db     int // that the commands are for; they use the next one too
	clock  int // of IDs of stream entries
	ttls   int // how many were drawn
}

func newGenerator(t *testing.T, seed uint64, db int) *generator {
	t.Helper()
	g := &generator{Rand: rand.New(rand.NewPCG(seed, uint64(db))), db: db}
	for line := range strings.Lines(grammarText) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		var s shape
		if marks, rest, _ := strings.Cut(line, " "); strings.Trim(marks, "~?%!") == "" {
			s.marks, line = marks, rest
		}
		p := parser{rest: line}
		s.words = p.sequence()
		if p.rest != "" {
			t.Fatalf("grammar: %q of %q is left over", p.rest, line)
		}
		g.shapes = append(g.shapes, s)
	}
	return g
}

// A parser reads one line of the grammar.
type parser struct{ rest string }

// sequence reads nodes up to a "|" or a closing bracket.
func (p *parser) sequence() []node {
	var all []node
	for {
		p.rest = strings.TrimLeft(p.rest, " ")
		if p.rest == "" {
			return all
		}
		switch p.rest[0] {
		case '|', ')', ']', '}':
			return all
		case '(', '[', '{':
			all = append(all, p.choice())
		default:
			end := strings.IndexAny(p.rest, " |)]}")
			if end < 0 {
				end = len(p.rest)
			}
			all = append(all, node{word: p.rest[:end]})
			p.rest = p.rest[end:]
		}
	}
}

// choice reads what is in brackets.
func (p *parser) choice() node {
	n := node{absent: p.rest[0] == '[', repeat: p.rest[0] == '{'}
	for more := true; more; {
		p.rest = p.rest[1:] // the bracket or "|"
		n.choice = append(n.choice, p.sequence())
		more = strings.HasPrefix(p.rest, "|")
	}
	p.rest = p.rest[min(1, len(p.rest)):]
	return n
}

// command draws a command and the marks that say how to compare its replies.
func (g *generator) command() (args []string, marks string) {
	s := g.shapes[g.IntN(len(g.shapes))]
	return g.expand(nil, s.words), s.marks
}

func (g *generator) expand(args []string, nodes []node) []string {
	for _, n := range nodes {
		switch {
		case n.word == "":
			times := 1
			if n.repeat {
				times += g.IntN(4)
			}
			for range times {
				if at := g.IntN(len(n.choice) + 1); at < len(n.choice) || !n.absent {
					args = g.expand(args, n.choice[at%len(n.choice)])
				}
			}
		case n.word[0] == '$' && len(n.word) > 1:
			args = append(args, g.draw(n.word[1:]))
		default:
			args = append(args, g.inline(n.word))
		}
	}
	return args
}

// inline draws what stands within a word, as in 99999999-$n.
func (g *generator) inline(word string) string {
	if before, name, ok := strings.Cut(word, "$"); ok && name != "" {
		return before + g.draw(name)
	}
	return word
}

// kinds are the first letters of the keys: a key mostly holds values of its kind.
var kinds = []string{"s", "l", "h", "S", "z", "x", "b", "p", "g"}

// lists are the words that are drawn as they are.
var lists = map[string][]string{
	"v":        {"", "a", "text", "10", "-3", "2.5", "3.0e3", "long text that is no number and fills more than forty-four bytes", "\x00\xff\r\n", "9223372036854775807"},
	"i":        {"0", "1", "-1", "7", "100", "65535", "-32769", "9223372036854775807", "-9223372036854775808", "5", "12", "x", "1.5"},
	"small":    {"0", "1", "-1", "7", "100", "65535", "-32769", "5", "12", "x"}, // Redis saturates the extremes on the wrong side
	"f":        {"0", "1", "-1.5", "0.1", "3e2", "1e-3", "0.2", "-7.25", "1000000", "x", "inf"},
	"n":        {"0", "1", "2", "-1", "-2", "-3", "5", "100", "-100", "0", "-1"},
	"m":        {"a", "b", "c", "d", "e", "f", "aa", "1", "2", "3", "-7", "40000", "x y", "\xfe"},
	"score":    {"0", "1", "2", "-1.5", "3.25", "1e10", "inf", "-inf", "0.1", "1e-7", "x", "nan", "12345678901234567"},
	"bound":    {"-inf", "+inf", "0", "1", "(1", "(2", "3.25", "-1.5", "(inf", "x"},
	"lex":      {"-", "+", "[a", "(a", "[b", "(c", "[e", "[aa", "x"},
	"group":    {"g1", "g2"},
	"consumer": {"c1", "c2"},
	"lon":      {"0", "13.361389", "-122.4", "179.9", "2.35", "181"},
	"lat":      {"0", "38.115556", "37.7", "-80", "48.85", "86"},
	"pattern":  {"?:[1-3]", "[^s]:*", "*[", "s:\\1", "**:?"},
	"badlua":   {"return", "error('x')", "error({err = 'OWN error'})", "return nosuch", "return = 1", "return redis.call('NOSUCH')", "return {err = 'ERR own'}", "redis.call('SET', 's:1', 1, 'BAD')"},
	"word":     {"NOSUCH", "nosuch", "G\x00T", "SETX"},
	"lua":      scripts,
	"reader":   readers,
}

var scripts = []string{
	"return redis.call('SET', KEYS[1], ARGV[1])",
	"return redis.call('GET', KEYS[1])",
	"redis.call('RPUSH', KEYS[2], ARGV[1], ARGV[2]) return redis.call('LRANGE', KEYS[2], 0, -1)",
	"local n = redis.call('LLEN', KEYS[2]) if n > 5 then redis.call('LTRIM', KEYS[2], -3, -1) end return {n, ARGV[1], {1, 2.7, false, true}}",
	"local v = tonumber(ARGV[2]) if not v or math.abs(v) > 1e15 then return redis.error_reply('NO GOOD NUMBER') end redis.call('SET', KEYS[1], v + 1) return v * 2",
	"return redis.pcall('INCR', KEYS[1])",
	"return redis.call('INCR', KEYS[1])",
	"return redis.status_reply('FINE')",
	"return cjson.encode({ARGV[1], tonumber(ARGV[2]) or 'none', {}})",
	"return cmsgpack.pack({ARGV[1], #ARGV[2], 1.5})",
	"local t = {} for w in string.gmatch('the quick brown fox', '%a+') do t[#t + 1] = w:upper() end return t",
	"return {tostring(1e15), tostring(0.1), 10 / 4, 7 % 3, -7 % 3, 2 ^ 10, string.format('%05d|%.3f|%s|%q', 42, 1 / 3, 'x', 'a\\n')}",
	"for i = 1, 3 do redis.call('LPUSH', KEYS[2], i) end return redis.call('LPOP', KEYS[2], 2)",
	"redis.call('HSET', 'h:1', ARGV[1], ARGV[2]) return redis.call('HGET', 'h:1', ARGV[1])",
	"redis.call('ZADD', 'z:1', #ARGV[1], ARGV[1]) return redis.call('ZRANGE', 'z:1', 0, -1, 'WITHSCORES')",
	"redis.call('SADD', 'S:1', ARGV[1]) local all = redis.call('SMEMBERS', 'S:1') table.sort(all) return all",
	"local ok = redis.call('SET', KEYS[1], 'x', 'NX') if ok then return ok.ok end return {ok, 'taken'}",
	"redis.call('SELECT', ARGV[3]) redis.call('INCR', 'n') return redis.call('GET', 'n')",
	"return {redis.call('TYPE', KEYS[1]), redis.call('TYPE', KEYS[2]), redis.call('EXISTS', KEYS[1])}",
	"if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('PEXPIREAT', KEYS[1], 99999999999999) return redis.call('PEXPIRETIME', KEYS[1]) end return false",
	"redis.call('DEL', KEYS[2]) return redis.call('LPUSH', KEYS[2], unpack({'a', 'b', ARGV[1]}))",
}

var readers = []string{
	"return redis.call('GET', KEYS[1])",
	"return {redis.call('STRLEN', KEYS[1]), redis.call('TYPE', KEYS[1])['ok']}",
	"return redis.call('SET', KEYS[1], 1)",
	"return redis.sha1hex(KEYS[1])",
}

// draw draws a word of a name.
func (g *generator) draw(name string) string {
	switch name {
	case "own":
		return fmt.Sprint(g.db)
	case "other":
		return fmt.Sprint(g.db + 1)
	case "k":
		return g.key(kinds[g.IntN(len(kinds))])
	case "s", "l", "h", "S", "z", "x", "b", "p", "g":
		if g.IntN(40) == 0 {
			name = kinds[g.IntN(len(kinds))]
		}
		return g.key(name)
	case "Z": // of one score, as the commands by name need; no other command finds them
		return g.key(name)
	case "newid":
		g.clock += g.IntN(3)
		return fmt.Sprintf("%d-%d", 10+g.clock, 1+g.IntN(3))
	case "open":
		return "(" + g.draw("id")
	case "seconds", "millis": // never two of about the same time
		g.ttls++
		ttl := 1000 + g.ttls*7919%100003*100
		if name == "millis" {
			ttl *= 1000
		}
		return fmt.Sprint(ttl)
	case "id":
		return fmt.Sprintf("%d-%d", max(1, 10+g.clock-g.IntN(30)), g.IntN(4))
	}
	list, ok := lists[name]
	if !ok {
		panic("grammar: no words for $" + name)
	}
	return list[g.IntN(len(list))]
}

func (g *generator) key(kind string) string { return fmt.Sprintf("%s:%d", kind, 1+g.IntN(4)) }
