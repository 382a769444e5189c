//go:build redis

package redis

import (
	"slices"
	"strings"
	"testing"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/resp"
)

// newer lists the rows that Redis 7.0 does not know yet.
var newer = []string{}

// otherArity lists the rows whose arity came with a later Redis, and that of 7.0.
var otherArity = map[string]int64{"ZRANK": 3, "ZREVRANK": 3} // WITHSCORE is of 7.2

// otherFlags lists the rows whose flags are not Redis's, and why. The value
// holds the flags that differ.
var otherFlags = map[string][]string{
	"OBJECT|HELP":   {"readonly"}, // each row here reads, writes or is local
	"SCRIPT|EXISTS": {"readonly"},
	"FUNCTION|DUMP": {"readonly"},
	"FUNCTION|LIST": {"readonly"},
	"XINFO|HELP":    {"readonly"},
	"XGROUP|HELP":   {"readonly"},
}

// otherCategories is the same for ACL categories.
var otherCategories = map[string][]string{
	"OBJECT|HELP":  {"@read"},
	"XINFO|HELP":   {"@read"},
	"XGROUP|HELP":  {"@read"},
	"MEMORY|USAGE": {"@keyspace"}, // as are all other reads of the group
}

func TestTableAgreesWithCommandInfo(t *testing.T) {
	r := startRedis(t)
	for _, c := range fsm.Commands() {
		if c.Flags&(fsm.ClassicOnly|fsm.Alias) != 0 {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			info := r.do("COMMAND", "INFO", c.FullName()).Elems[0]
			switch {
			case slices.Contains(newer, c.Name) && len(info.Elems) == 0:
			case len(info.Elems) == 0:
				t.Errorf("Redis does not know %s; is it to be listed as newer?", c.Name)
			case slices.Contains(newer, c.Name):
				t.Errorf("Redis knows %s; it is not newer", c.Name)
			default:
				compareInfo(t, &c.Spec, info.Elems)
			}
		})
	}
}

// compareInfo compares a row with an element of the reply to COMMAND INFO: name,
// arity, flags, first key, last key, step, categories, ...
func compareInfo(t *testing.T, s *fsm.Spec, info []resp.Value) {
	want := int64(s.Arity)
	if other, ok := otherArity[s.Name]; ok {
		want = other
	}
	if arity := info[1].Int; want != arity {
		t.Errorf("arity %d, Redis has %d", s.Arity, arity)
	}
	keys := fsm.Keys{First: int(info[3].Int), Last: int(info[4].Int), Step: int(info[5].Int)}
	if s.Keys != keys {
		t.Errorf("keys %+v, Redis has %+v", s.Keys, keys)
	}
	compareWords(t, "flags", s.Flags.Names(), info[2].Elems, otherFlags[s.Name])
	compareWords(t, "categories", s.Categories(), info[6].Elems, otherCategories[s.Name])
}

// compareWords compares two sets of words, but for those in except, which must
// differ.
func compareWords(t *testing.T, what string, ours []string, theirs []resp.Value, except []string) {
	redis := make([]string, 0, len(theirs))
	for _, w := range theirs {
		redis = append(redis, w.Str)
	}
	var differ []string
	for _, w := range append(slices.Clone(ours), redis...) {
		if slices.Contains(ours, w) != slices.Contains(redis, w) {
			differ = append(differ, w)
		}
	}
	slices.Sort(differ)
	slices.Sort(except)
	if !slices.Equal(differ, except) {
		t.Errorf("%s [%s], Redis has [%s]", what, strings.Join(ours, " "), strings.Join(redis, " "))
	}
}

// TestSince compares the row's version with COMMAND DOCS.
func TestSince(t *testing.T) {
	r := startRedis(t)
	for _, c := range fsm.Commands() {
		if c.Flags&(fsm.ClassicOnly|fsm.Alias) != 0 || slices.Contains(newer, c.Name) {
			continue
		}
		docs := r.do("COMMAND", "DOCS", c.FullName())
		if len(docs.Elems) < 2 {
			t.Errorf("%s: no documentation", c.Name)
			continue
		}
		fields := docs.Elems[1].Elems
		for i := 0; i+1 < len(fields); i += 2 {
			if fields[i].Str == "since" && fields[i+1].Str != c.Since {
				t.Errorf("%s: since %s, Redis has %s", c.Name, c.Since, fields[i+1].Str)
			}
		}
	}
}
