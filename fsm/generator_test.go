package fsm

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/trivetdb/trivet/resp"
)

var seed = flag.Uint64("seed", 1, "the seed of random tests")

// A generator draws commands of all rows. It knows nothing of the rows but
// their Spec, so a new row is tested as soon as it is in the table.
type generator struct{ *rand.Rand }

// newGenerator returns a generator whose seed is told where the test fails.
func newGenerator(t testing.TB) *generator {
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("run again with -seed %d", *seed)
		}
	})
	return &generator{rand.New(rand.NewPCG(*seed, 0))}
}

func (g *generator) key() string { return fmt.Sprintf("key:%d", g.IntN(40)) }

// keyOf draws a key for a command of a group: mostly one of the few that only
// the group uses, so that values grow and few commands find another kind.
func (g *generator) keyOf(group string) string {
	if _, ok := groupWords[group]; ok && g.IntN(8) > 0 {
		return fmt.Sprintf("%s:%d", group, g.IntN(4))
	}
	if group == "generic" && g.IntN(2) == 0 { // values of all kinds
		return fmt.Sprintf("%s:%d", []string{"list", "set", "sorted-set", "hash", "stream"}[g.IntN(5)], g.IntN(4))
	}
	return g.key()
}

// row draws a row with any of the flags.
func (g *generator) row(flags Flag) *Command {
	for {
		c := rows[g.IntN(len(rows))]
		flush := strings.HasPrefix(c.Name, "FLUSH") || strings.HasSuffix(c.Name, "|FLUSH")
		if c.Flags&flags != 0 && (!flush || g.IntN(5) == 0) {
			return c
		}
	}
}

var words = []string{
	"0", "1", "-1", "7", "1000", "1.5", "1e3", "9223372036854775807", "-9223372036854775808",
	"", "text", "longer text with \x00 and \xff in it", "*", "key:1*", "k[e-z]y:?",
}

var options = [][]string{
	{"EX", "1"}, {"PX", "5"}, {"EXAT", "100"}, {"PXAT", "2000"}, {"NX"}, {"XX"}, {"GT"}, {"LT"},
	{"GET"}, {"KEEPTTL"}, {"PERSIST"}, {"COUNT", "3"}, {"MATCH", "*1*"}, {"TYPE", "string"},
	{"ASYNC"}, {"SYNC"},
}

// groupWords and groupOptions are drawn for the commands of a group, as often as
// words and options.
var groupWords = map[string][]string{
	"list": {"LEFT", "RIGHT", "LEFT", "RIGHT", "BEFORE", "AFTER", "a", "b", "c", "2", "-2"},
	"hash": {"a", "b", "c", "d", "e", "2", "-3", "2.5"},
	"set":  {"a", "b", "c", "d", "2", "3", "4", "5", "6"},
	"sorted-set": {
		"2", "3", "-2.5", "1e300", "-0", "inf", "-inf", "(1", "(-inf", "-", "+", "[a", "(text", "[b",
		"a", "b", "c", "d", "MIN", "MAX",
	},
	"bitmap":      {"0", "1", "9", "100", "#3", "-1", "AND", "OR", "XOR", "NOT", "u8", "i5"},
	"hyperloglog": {"a", "b", "c", "d", "e"},
	"geo":         {"13.361389", "38.115556", "-1", "a", "b", "c", "m", "km"},
	"stream":      {"*", "*", "*", "99999999-9", "99999999-99", "-", "+", "5-1", "7", "(3", "0-0", "9-*", "f", "v", "$", "MAXLEN", "MINID", "~", "="},
}

var groupOptions = map[string][][]string{
	"list": {{"COUNT", "2"}, {"RANK", "-1"}, {"MAXLEN", "3"}, {"a"}, {"b", "c"}},
	"hash": {{"WITHVALUES"}, {"a", "1"}, {"b", "2.5"}, {"c"}},
	"set":  {{"LIMIT", "2"}, {"a"}, {"b", "c"}, {"7", "8"}},
	"sorted-set": {
		{"CH"}, {"INCR"}, {"1", "a"}, {"2.5", "b"}, {"-inf", "c"}, {"WITHSCORES"}, {"WITHSCORE"}, {"REV"},
		{"BYSCORE"}, {"BYLEX"}, {"LIMIT", "1", "2"}, {"LIMIT", "2"}, {"WEIGHTS", "2", "-1"},
		{"AGGREGATE", "MIN"}, {"AGGREGATE", "MAX"}, {"3"}, {"-3", "WITHSCORES"},
	},
	"bitmap":      {{"0", "-1"}, {"3", "9", "BIT"}, {"OVERFLOW", "SAT"}, {"OVERFLOW", "FAIL"}, {"GET", "u8", "3"}, {"SET", "i9", "#2", "300"}, {"INCRBY", "u4", "77", "5"}},
	"hyperloglog": {{"f"}, {"g", "h"}},
	"geo":         {{"CH"}, {"COUNT", "2"}, {"COUNT", "1", "ANY"}, {"DESC"}, {"ASC"}, {"WITHCOORD"}, {"WITHDIST"}, {"STORE", "geo:0"}, {"STOREDIST", "geo:1"}, {"STOREDIST"}, {"15", "37", "d"}},
	"stream":      {{"COUNT", "2"}, {"LIMIT", "1"}, {"f", "v"}, {"7-0"}, {"ENTRIESADDED", "900"}, {"ENTRIESADDED", "901"}, {"ENTRIESADDED", "902"}, {"MAXDELETEDID", "3"}, {"FULL"}},
}

// tails are drawn half the time for what follows the keys of commands that words
// seldom fit.
var tails = map[string][][]string{
	"LSET":                 {{"0", "a"}, {"-1", "b"}},
	"LINSERT":              {{"BEFORE", "a", "b"}, {"AFTER", "b", "a"}},
	"LMOVE":                {{"LEFT", "RIGHT"}, {"RIGHT", "LEFT"}},
	"BLMOVE":               {{"LEFT", "RIGHT", "0"}, {"RIGHT", "LEFT", "0.5"}},
	"LMPOP":                {{"LEFT"}, {"RIGHT", "COUNT", "2"}},
	"BLMPOP":               {{"LEFT"}, {"RIGHT", "COUNT", "2"}},
	"ZMPOP":                {{"MIN"}, {"MAX", "COUNT", "2"}},
	"BZMPOP":               {{"MIN"}, {"MAX", "COUNT", "2"}},
	"ZADD":                 {{"1", "a"}, {"2.5", "b", "-1", "c"}, {"GT", "CH", "3", "a"}, {"INCR", "1", "d"}},
	"ZRANGE":               {{"-", "+", "BYLEX"}, {"-inf", "(3", "BYSCORE", "LIMIT", "1", "2"}},
	"ZRANGESTORE":          {{"-", "+", "BYLEX"}, {"+inf", "0", "BYSCORE", "REV"}},
	"ZLEXCOUNT":            {{"-", "+"}, {"[a", "(c"}},
	"ZRANGEBYLEX":          {{"-", "+"}, {"[a", "(c"}},
	"ZREVRANGEBYLEX":       {{"+", "-"}, {"[c", "(a"}},
	"ZREMRANGEBYLEX":       {{"(b", "+"}, {"[a", "(c"}},
	"XADD":                 {{"*", "f", "v"}, {"MAXLEN", "~", "9", "*", "f", "v", "g", "w"}, {"5-*", "f", "v"}, {"NOMKSTREAM", "MINID", "60", "*", "f", ""}},
	"XRANGE":               {{"-", "+"}, {"5", "(90"}},
	"XREVRANGE":            {{"+", "-"}, {"(90-1", "3", "COUNT", "2"}},
	"XREAD":                {{"STREAMS", "a", "0"}, {"COUNT", "1", "STREAMS", "a", "b", "5", "$"}, {"BLOCK", "1", "STREAMS", "a", "7-1"}},
	"XDEL":                 {{"5-0", "5-1"}, {"7", "8", "9", "10", "11", "12"}},
	"XTRIM":                {{"MAXLEN", "4"}, {"MINID", "~", "50", "LIMIT", "2"}},
	"XSETID":               {{"9223372036854775807-9999"}, {"9000000-1"}, {"9223372036854775807-999"}, {"9223372036854775807-999"}, {"9000000", "ENTRIESADDED", "400"}},
	"SETBIT":               {{"100", "1"}, {"7", "1"}, {"7", "0"}, {"4001", "1"}, {"140001", "1"}},
	"SETRANGE":             {{"3", "text"}, {"20000", "far"}},
	"BITCOUNT":             {{"-5", "-1"}, {"3", "90", "BIT"}},
	"BITFIELD":             {{"INCRBY", "u7", "13", "100", "OVERFLOW", "SAT", "INCRBY", "i33", "#2", "999999999"}, {"SET", "u8", "#9", "66"}, {"GET", "u8", "0"}},
	"PFADD":                {{"a", "b", "c"}, {"d"}, {"1", "2", "3", "4", "5", "6", "7", "8", "9"}},
	"GEOADD":               {{"13.361389", "38.115556", "a", "15.087269", "37.502669", "b"}, {"XX", "CH", "13", "38", "a"}, {"2.35", "48.85", "c"}},
	"GEODIST":              {{"a", "b"}, {"b", "c", "km"}},
	"GEOSEARCH":            {{"FROMLONLAT", "15", "37", "BYRADIUS", "2000", "km"}, {"FROMMEMBER", "a", "BYBOX", "900", "900", "km", "WITHDIST", "WITHHASH"}},
	"GEOSEARCHSTORE":       {{"FROMLONLAT", "15", "37", "BYRADIUS", "2000", "km"}, {"FROMMEMBER", "a", "BYBOX", "900", "900", "km", "STOREDIST"}},
	"GEORADIUS":            {{"15", "37", "500", "km"}, {"15", "37", "5000", "km", "STOREDIST", "geo:2"}, {"15", "37", "300", "mi", "STORE", "geo:3"}},
	"GEORADIUSBYMEMBER":    {{"a", "500", "km"}, {"a", "5000", "km", "STOREDIST", "geo:2"}},
	"ZREVRANGE":            {{"0", "-1"}, {"-3", "5", "WITHSCORES"}},
	"ZREVRANGEBYSCORE":     {{"inf", "(1"}, {"2", "-inf", "WITHSCORES"}},
	"MOVE":                 {{"1"}, {"2"}},
	"RESTORE":              sampleDumps(),
	"SORT":                 {{"ALPHA"}, {"ALPHA", "STORE", "list:1"}, {"BY", "nosort", "LIMIT", "1", "3"}, {"BY", "key:*", "GET", "#", "GET", "hash:*->a", "ALPHA", "DESC"}},
	"SORT_RO":              {{"ALPHA"}, {"BY", "nosort", "DESC"}, {"BY", "key:*", "GET", "#", "GET", "hash:*->a", "ALPHA", "DESC"}},
	"LOAD|BEGIN":           {{"a", "force"}},
	"LOAD|PART":            {{"a", "0", emptyState()}},
	"LOAD|END":             {{"a", "force"}},
	"LOAD|DROP":            {{"a"}},
	"TX|LEVEL":             {{"0"}, {"1"}, {"x"}},
	"SWAPDB":               {{"0", "1"}, {"0", "2"}, {"2", "1"}},
	"GEORADIUS_RO":         {{"15", "37", "500", "km"}, {"15", "37", "5000", "km", "WITHDIST"}},
	"GEORADIUSBYMEMBER_RO": {{"a", "500", "km"}, {"b", "5000", "km", "WITHCOORD", "DESC"}},
	"SETTINGS|SET":         {{"maxmemory", "30000"}, {"maxmemory", Unset}, {"maxmemory", Unset}, {"maxmemory", Unset}, {MemoryFlag, "90000"}, {MemoryFlag, "0"}, {MemoryFlag, "0"}, {"notify-keyspace-events", "AKEmn"}, {"notify-keyspace-events", ""}},
}

// onlyTails are rows that take no other arguments: those would stop the node.
var onlyTails = map[string]bool{"TX|LEVEL": true}

// word draws a word for a command of a group.
func (g *generator) word(group string) string {
	if own := groupWords[group]; len(own) > 0 && g.IntN(2) == 0 {
		return own[g.IntN(len(own))]
	}
	return words[g.IntN(len(words))]
}

// option draws an option for a command of a group.
func (g *generator) option(group string) []string {
	if own := groupOptions[group]; len(own) > 0 && g.IntN(2) == 0 {
		return own[g.IntN(len(own))]
	}
	return options[g.IntN(len(options))]
}

// typedValues are values of the classic dialect in canonical encoding.
var typedValues = []resp.Value{
	resp.Int(5), resp.Int(-1), resp.Nil, resp.List(), resp.Strs("a", "b"),
	resp.Dict(resp.Str("k"), resp.List(resp.Int(1), resp.Nil)), resp.Str("bulk"),
}

// args draws arguments that fit the arity: keys where keys belong, and words
// or options elsewhere.
func (g *generator) args(c *Command) (args [][]byte, typed []bool) {
	all := []string{c.Name}
	n := c.Arity
	if n < 0 {
		n = -n
		if last := c.Keys.Last; last < 0 { // keys to the end
			n += g.IntN(4)
		}
	}
	switch at := c.countAt(); {
	case at > 0:
		count := 1 + g.IntN(3)
		all = append(all, make([]string, at+count)...)
		all[at-1], all[at] = "1", fmt.Sprint(count)
		all[0] = c.Name
		if c.Group == "scripting" {
			all[at-1] = g.script(c)
		}
	case c.Keys.Last > 0 && tails[c.Name] != nil:
		all = append(all, make([]string, c.Keys.Last)...)
	}
	if tail := tails[c.Name]; tail != nil && (g.IntN(2) == 0 || onlyTails[c.Name]) {
		all = append(all, tail[g.IntN(len(tail))]...)
	}
	for len(all) < n {
		all = append(all, g.word(c.Group))
	}
	if c.Arity < 0 && c.Keys.Last >= 0 && (groupTails[c.Name] == nil || g.IntN(4) == 0) {
		for range g.IntN(3) {
			all = append(all, g.option(c.Group)...)
		}
	}
	if c.Arity < 0 && c.Keys.Last > 0 && g.IntN(25) == 0 { // for large values
		for range g.IntN(400) {
			all = append(all, fmt.Sprint(g.IntN(1000)))
		}
	}
	for _, at := range c.KeysOf(bulks(all...)) {
		all[at] = g.keyOf(c.Group)
	}
	if c.Flags&Typed != 0 {
		typed = make([]bool, len(all))
		isKey := map[int]bool{}
		for _, at := range c.Keys.Of(len(all)) {
			isKey[at] = true
		}
		for i := 1; i < len(all); i++ {
			if !isKey[i] && g.IntN(2) == 0 {
				all[i] = string(typedValues[g.IntN(len(typedValues))].Append(nil, resp.Canonical))
				typed[i] = true
			}
		}
	}
	return bulks(all...), typed
}

// fill runs n random commands on m.
func (g *generator) fill(m *machine, n int) {
	for range n {
		c := g.row(Read | Write)
		args, typed := g.args(c)
		m.write(m.st.Now()+int64(g.IntN(20)), g.IntN(3), c, args, typed)
	}
}

// emptyState is what a state without keys is encoded as.
func emptyState() string {
	var b bytes.Buffer
	NewStateAt(NewestLevel).Freeze().Encode(&b) // to a buffer, where nothing can fail
	return b.String()
}
