package fsm

import (
	"fmt"
	"strings"
)

// bombs are sources whose parsing could be deep or long: a beginning, what is
// repeated, the middle, and what closes it.
var bombs = [][4]string{
	{"return ", "a..", "a", ""}, {"return ", "(", "1", ")"}, {"return ", "{", "", "}"}, {"return ", "- ", "1", ""}, {"return ", "not ", "1", ""}, {"return a", ".a", "", ""},
	{"return a", "[a", "", "]"}, {"a", "()", "", ""}, {"return ", "a(", "", ")"}, {"", "function a() ", "", "end "}, {"return ", "function() return ", "1 ", "end "}, {"", "if a then ", "", "end "},
	{"if a then ", "elseif a then ", "", ""}, {"", "do ", "", "end "}, {"", "local a ", "", ""}, {"", "a=a ", "", ""}, {"local a", ",a", "", ""}, {"return a", ",a", "", ""}, {"return {", "1,", "", ""},
	{"return ", "1+", "1", ""}, {"return ", "1^", "1", ""}, {"return ", "a and ", "a", ""}, {"return ", "a==", "a", ""}, {"return {", "a=1,", "}", ""}, {"return '", "\\", "'", ""}, {"--[", "=", "[", "]"},
	{"return ", "[[a]]..", "a", ""}, {"", "while a do ", "", "end "}, {"", "repeat ", "", "until a "}, {"", "for i=1,2 do ", "", "end "}, {"", "goto a ", "", ""}, {"", "::a:: ", "", ""},
	{"", "a='x' ", "", ""}, {"", ";", "", ""}, {"return 0x", "f", "", ""}, {"return ", "9", "", ""}, {"", "\n", "", ""}, {"", "x", "", ""}, {"return f", "'a'", "", ""}, {"return f", "{}", "", ""},
}

// bomb draws a long source, which may lack its end.
func (h *attacker) bomb() string {
	p := pick(h, bombs)
	n := pick(h, []int{50, 190, 201, 5000, 100000, 1000000}) / len(p[1])
	close := strings.Repeat(p[3], n)
	if h.IntN(4) == 0 {
		close = ""
	}
	return p[0] + strings.Repeat(p[1], n) + p[2] + close
}

// libraryCode draws the code of a library.
func (h *attacker) libraryCode() string {
	if h.IntN(4) == 0 {
		return string(h.mutated([]byte(pick(h, generatedLibraries)), 0))
	}
	head := "#!lua name=" + pick(h, []string{"one", "two", "x"}) + "\n"
	if h.IntN(8) == 0 {
		return head + h.bomb()
	}
	before, f := "", h.luaSource()
	if h.IntN(3) == 0 {
		before = "local d, b = {}, 'x' " + h.luaFilled(pick(h, luaPieces), 0) + "\n"
	}
	register := "redis.register_function('" + pick(h, []string{"f", "g", "F"}) + "', function(KEYS, ARGV) " + f + " end)\n"
	if h.IntN(10) == 0 {
		register = fmt.Sprintf("for i = 1, %s do redis.register_function('f' .. i, function() end) end", pick(h, luaNumbers))
	}
	return head + before + register
}
