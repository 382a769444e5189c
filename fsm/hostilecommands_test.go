package fsm

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// An attacker draws what a hostile client could send. It builds on the generator, whose
// commands make sense, and goes on from there.
type attacker struct {
	*generator
	states *hostileStates
	at     int64
	next   []*hostileStep // that come first
	out    *regexp.Regexp // commands that are left out; nil for none
	lua    []string       // names of functions that scripts can call
}

// numbers are those at the edges of something.
var edges = []string{
	"0", "1", "-1", "2", "16", "255", "256", "1000", "10000", "65535", "65536", "100000", "1000000", "16777216", "134217728",
	"536870911", "536870912", "2147483647", "2147483648", "-2147483648", "-2147483649", "4294967295", "4294967296", "4294967297",
	"9007199254740992", "9007199254740993", "4611686018427387904", "9223372036854775806", "9223372036854775807", "9223372036854775808",
	"-9223372036854775807", "-9223372036854775808", "-9223372036854775809", "18446744073709551615", "18446744073709551616",
	"1.7976931348623157e308", "-1.7976931348623157e308", "5e-324", "1e400", "1e-400", "inf", "-inf", "+inf", "nan", "0x7fffffff", "1e18", "0.1", "-0", "1_000", " 1", "+1",
	"(1", "(-inf", "18446744073709551615-18446744073709551615", "0-0", "0-1", "(0-0", "$", ">", "-", "+", "*", "#4294967295", "u63", "i64", "u64", "i0", "#9223372036854775807",
}

// patterns make a matcher go back again and again.
var patterns = []string{"*a*b*c*d*e*f*", "[a-z", "[^]", "\\", "**********************", "*?*?*?*?*?*?*?*?*?*b", "[\xff-\x00]*", "{}[]()*"}

func pick[T any](h *attacker, of []T) T { return of[h.IntN(len(of))] }

// count draws how often something is repeated.
func (h *attacker) count() int { return pick(h, []int{2, 3, 10, 50, 300, 1000, 5000, 20000}) }

// text draws a string, seldom a very long one.
func (h *attacker) text() string {
	unit := pick(h, []string{"a", "\x00", "ab", "9", "-", "%s", "*", "[", "\xff\xfe", "a*"})
	switch n := pick(h, []int{0, 1, 2, 10, 64, 300, 5000, 65537, 1 << 20}); h.IntN(6) {
	case 0:
		return pick(h, patterns)
	case 1:
		return strings.Repeat(pick(h, patterns), 1+min(n, 300)/8)
	case 2:
		return "0." + strings.Repeat("0", min(n, 5000)) + "1"
	default:
		return strings.Repeat(unit, n)
	}
}

// extreme draws a word that a command may not be ready for.
func (h *attacker) extreme(c *Command) string {
	switch h.IntN(8) {
	case 0, 1, 2, 3:
		return pick(h, edges)
	case 4:
		return h.text()
	case 5:
		return pick(h, optionWordsOf(c))
	case 6:
		return h.keyOf(c.Group)
	}
	return h.word(c.Group)
}

var upperWord = regexp.MustCompile(`"([A-Z][A-Z0-9]{1,20})"`)

// optionWords are the words in capitals in the sources, by file: each option of
// each command is among those of the file that the command is in, or of all.
var optionWords = sync.OnceValue(func() map[string][]string {
	files, _ := filepath.Glob("*.go")
	words := map[string][]string{}
	for _, name := range files {
		source, err := os.ReadFile(name)
		if err != nil || strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, m := range upperWord.FindAllSubmatch(source, -1) {
			if w := string(m[1]); Lookup(w) == nil || w == "GET" || w == "SORT" {
				words[name] = append(words[name], w)
				words[""] = append(words[""], w)
			}
		}
	}
	return words
})

// optionWordsOf returns words that could be options of a command.
func optionWordsOf(c *Command) []string {
	file, _ := runtime.FuncForPC(reflect.ValueOf(c.Run).Pointer()).FileLine(0)
	if words := optionWords()[filepath.Base(file)]; len(words) > 0 {
		return words
	}
	return optionWords()[""]
}

// step draws what is done next.
func (h *attacker) step() *hostileStep {
	if len(h.next) > 0 {
		s := h.next[0]
		h.next = h.next[1:]
		return s
	}
	h.at += int64(pick(h, []int{0, 1, 1, 7, 1000}))
	s := &hostileStep{At: h.at, Seed: h.Uint64(), Restore: h.IntN(30) == 0}
	if h.IntN(8) == 0 {
		s.DB = h.IntN(3)
	}
	switch h.IntN(40) {
	case 0:
		s.Body = h.malformed()
		return s
	case 1, 2, 3: // a pipeline or a transaction
		s.Atomic = h.IntN(3) > 0
		for range 1 + h.IntN(12) {
			s.Commands = append(s.Commands, h.command())
		}
		return s
	case 4: // one that does the same again and again
		c := h.command()
		s.Atomic = h.IntN(3) > 0
		size := 10
		for _, a := range c.Args {
			size += len(a) + 1
		}
		for n := min(h.count(), 1+(2<<20)/size); n > 0; n-- {
			s.Commands = append(s.Commands, c)
		}
		return s
	}
	s.Commands = []hostileCommand{h.command()}
	s.Read = Lookup(s.Commands[0].Name).Flags&Read != 0 && h.IntN(4) == 0
	return s
}

// command draws one command.
func (h *attacker) command() hostileCommand {
	for {
		c := h.anyCommand()
		if h.out != nil && h.out.MatchString(c.Name) || !Lookup(c.Name).ArityOK(len(c.Args)) {
			continue
		}
		if RunsScript(Lookup(c.Name)) && h.IntN(8) == 0 {
			return hostileCommand{"TX|AS", slices.Concat(bulks("TX|AS", pick(h, []string{"u", "user:1", "default", "nobody"})), c.Args), nil}
		}
		return c
	}
}

func (h *attacker) anyCommand() hostileCommand {
	switch h.IntN(30) {
	case 0, 1, 2, 3, 4, 5:
		return h.shaped(pick(h, hostileShapes))
	case 6, 7:
		return h.scripted()
	case 8, 9:
		return h.restore()
	case 10:
		return h.library()
	}
	c := h.hostileRow()
	args, typed := h.args(c)
	if strings.HasPrefix(c.Name, "LOAD|") || onlyTails[c.Name] { // only nodes send it, when they have decoded it
		args = bulks(append([]string{c.Name}, pick(h, tails[c.Name])...)...)
		return hostileCommand{c.Name, args, nil}
	}
	if typed != nil {
		return hostileCommand{c.Name, args, typed}
	}
	switch h.IntN(6) {
	case 0: // as it is
	case 1, 2:
		args = h.repeated(c, args)
	case 3:
		for n := 1 + h.IntN(6); n > 0 && c.Arity < 0; n-- {
			args = append(args, []byte(pick(h, optionWordsOf(c))), []byte(h.extreme(c)))
		}
	default:
		for n := 1 + h.IntN(3); n > 0 && len(args) > 1; n-- {
			args[1+h.IntN(len(args)-1)] = []byte(h.extreme(c))
		}
	}
	return hostileCommand{c.Name, args, nil}
}

// hostileRow draws a row, seldom one that takes away what others work on.
func (h *attacker) hostileRow() *Command {
	for {
		c := h.row(Read | Write | Logged)
		rare := strings.HasPrefix(c.Name, "FLUSH") || strings.HasPrefix(c.Name, "SETTINGS|") || strings.HasPrefix(c.Name, "LOAD|")
		if !rare || h.IntN(30) == 0 {
			return c
		}
	}
}

// repeated writes some of a command's arguments many times.
func (h *attacker) repeated(c *Command, args [][]byte) [][]byte {
	if c.Arity > 0 {
		return args
	}
	n := h.count()
	if at := c.countAt(); at > 0 && at+1 < len(args) && h.IntN(2) == 0 { // the keys
		for _, a := range args[at+1:] {
			n = min(n, 1+(1<<20)/(1+len(a)))
		}
		keys := slices.Repeat(args[at+1:at+2], n)
		args = slices.Concat(args[:at], bulks(fmt.Sprint(n)), keys, args[min(at+2, len(args)):])
		return args
	}
	from := max(1, len(args)-1-h.IntN(3))
	part := args[from:]
	if h.IntN(2) == 0 {
		part = append(bulks(pick(h, optionWordsOf(c))), part...)
	}
	size := len(part)
	for _, a := range part {
		size += len(a)
	}
	n = min(n, 1+(2<<20)/(size+1))
	return slices.Concat(args[:from], slices.Repeat(part, n))
}

// shaped draws a command of a shape: $n is an extreme number, $t a text, $p a
// pattern, $r a number that could be right; {a,b}* is repeated, {a}= as often as
// the last, and #{a}* is the count and then that.
func (h *attacker) shaped(shape string) hostileCommand {
	words := []string{}
	n, left := 0, 4<<20 // bytes
	for _, w := range strings.Fields(shape) {
		inner, how, repeats := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(w, "#"), "{"), "}")
		if !repeats {
			words = append(words, h.filled(w))
			continue
		}
		if how == "*" {
			n = h.count()
		}
		if w[0] == '#' {
			words = append(words, fmt.Sprint(n))
		}
		items := strings.Split(inner, ",")
		for range n {
			for _, item := range items {
				item = h.filled(item)
				if left -= len(item); left < 0 && len(item) > 20 {
					item = item[:20]
				}
				words = append(words, item)
			}
		}
	}
	return hostileCommand{words[0], bulks(words...), nil}
}

// filled puts words for the signs of a shape.
func (h *attacker) filled(w string) string {
	if !strings.Contains(w, "$") {
		return w
	}
	text := h.text()
	if len(text) > 5000 && h.IntN(10) > 0 {
		text = text[:h.IntN(100)]
	}
	return strings.NewReplacer("$n", pick(h, edges), "$t", text, "$p", pick(h, patterns), "$r", fmt.Sprint(h.IntN(2000)-100)).Replace(w)
}
