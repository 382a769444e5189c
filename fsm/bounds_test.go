package fsm

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

// bounded runs a command on a state whose bounds hold.
func bounded(st *State, words ...string) resp.Value {
	return boundedBy(st, cost.New(cost.Limit), words...)
}

func boundedBy(st *State, meter cost.Meter, words ...string) resp.Value {
	c := Lookup(words[0])
	tx := &Tx{st: st, now: st.now, write: c.Flags&Read == 0, chance: newChance(1), meter: meter}
	st.argv, st.typed = bulks(words...), nil
	v, why, err := st.fence(tx, c)
	st.settle()
	switch why := why.(type) {
	case overrun:
		return why.why
	case Panic:
		panic(why)
	}
	if err != nil {
		panic(err)
	}
	return v
}

// large makes values of n elements at the keys list, set, hash, zset and stream,
// without counting.
func large(n int) *State {
	st := NewStateAt(NewestLevel)
	tx := &Tx{st: st, write: true, meter: cost.Unlimited()}
	list, set, hash := newDeque(st.epoch), newMembers(st.epoch), newFields(st.epoch)
	zset, entries := newSortedSet(st.epoch), newStream(st.epoch)
	for i := range n {
		s := fmt.Sprintf("member %d", i)
		list.pushBack(s)
		set.add(s)
		hash.put(s, s)
		zset.put(s, float64(i*7919%n))
		entries.add(streamID{uint64(i + 1), 0}, []string{s, s})
	}
	tx.put([]byte("list"), &object{kind: kindList, val: list})
	tx.put([]byte("set"), &object{kind: kindSet, val: set})
	tx.put([]byte("hash"), &object{kind: kindHash, val: hash})
	tx.put([]byte("zset"), &object{kind: kindZSet, val: zset})
	tx.put([]byte("stream"), &object{kind: kindStream, val: entries})
	tx.put([]byte("string"), &object{str: "text"})
	st.settle()
	return st
}

// times returns words a number of times, one after the other.
func times(n int, words ...string) []string { return slices.Repeat(words, n) }

// numbered returns n different words, with others after each.
func numbered(n int, after ...string) (words []string) {
	for i := range n {
		words = append(append(words, fmt.Sprintf("word %d", i)), after...)
	}
	return words
}

func join(parts ...any) (words []string) {
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			words = append(words, strings.Fields(p)...)
		case []string:
			words = append(words, p...)
		}
	}
	return words
}

// hostile are commands on values of 100,000 elements that would take too much,
// and like ones that are allowed.
var hostile = []struct {
	name            string
	refuse, perform []string
}{
	{"SORT GET #", join("SORT list BY nosort", times(20_000, "GET", "#")), join("SORT list BY nosort", times(15, "GET", "#"))},
	{"SORT GET", join("SORT list BY nosort LIMIT 0 10000", times(500, "GET", "a*")), join("SORT list BY nosort LIMIT 0 10000", times(20, "GET", "a*"))},
	{"SORT GET long", join("SORT list BY nosort LIMIT 0 1000 GET", []string{strings.Repeat("x", 1<<20) + "*"}), join("SORT list BY nosort LIMIT 0 9 GET", []string{strings.Repeat("x", 1<<20) + "*"})},
	{"SORT STORE", join("SORT list BY nosort STORE out", times(1_000, "GET", "#")), join("SORT list BY nosort STORE out", times(10, "GET", "#"))},
	{"SORT BY", join("SORT list ALPHA BY", []string{strings.Repeat("x", 1000) + "*"}), join("SORT list ALPHA BY weight:*")},
	{"SUNIONSTORE", join("SUNIONSTORE out", times(1_000, "set")), join("SUNIONSTORE out", times(3, "set"))},
	{"SUNION", join("SUNION", times(1_000, "set")), join("SUNION", times(3, "set"))},
	{"SINTER", join("SINTER", times(1_000, "set")), join("SINTER", times(5, "set"))},
	{"SINTERCARD", join("SINTERCARD 1000", times(1_000, "set")), join("SINTERCARD 1000", times(1_000, "set"), "LIMIT 100")},
	{"SDIFFSTORE", join("SDIFFSTORE out set", times(1_000, "none")), join("SDIFFSTORE out set", times(50, "none"))},
	{"ZUNIONSTORE", join("ZUNIONSTORE out 1000", times(1_000, "zset")), join("ZUNIONSTORE out 1 zset")},
	{"ZUNION", join("ZUNION 1000", times(1_000, "set")), join("ZUNION 2", times(2, "set"))},
	{"ZINTER", join("ZINTER 1000", times(1_000, "zset")), join("ZINTER 3", times(3, "zset"))},
	{"ZINTERCARD", join("ZINTERCARD 1000", times(1_000, "zset")), join("ZINTERCARD 1000", times(1_000, "zset"), "LIMIT 100")},
	{"ZDIFF", join("ZDIFF 10000 zset", times(9_999, "none")), join("ZDIFF 5 zset", times(4, "none"))},
	{"SRANDMEMBER", join("SRANDMEMBER set -1000000"), join("SRANDMEMBER set -500000")},
	{"HRANDFIELD", join("HRANDFIELD hash -1000000 WITHVALUES"), join("HRANDFIELD hash 100000 WITHVALUES")},
	{"ZRANDMEMBER", join("ZRANDMEMBER zset -1000000"), join("ZRANDMEMBER zset 100000 WITHSCORES")},
	{"SADD", join("SADD new", numbered(450_000)), join("SADD new", numbered(200_000))},
	{"HSET", join("HSET newhash", numbered(450_000, "v")), join("HSET newhash", numbered(100_000, "v"))},
	{"ZADD", join("ZADD newzset", times(200_000, "1", "m")), join("ZADD newzset", times(100_000, "1", "m"))},
	{"EXISTS", join("EXISTS", times(1_010_000, "set")), join("EXISTS", times(100_000, "set"))},
	{"HMGET", join("HMGET hash", times(1_000_000, "member 7")), join("HMGET hash", times(500_000, "member 7"))},
	{"LRANGE", nil, join("LRANGE list 0 -1")},
	{"SCAN MATCH", join("SSCAN set 0 COUNT 100000 MATCH", []string{strings.Repeat("*[a-z0-9 ]", 500)}), join("SSCAN set 0 COUNT 100000 MATCH *9*1*")},
	{"XRANGE", nil, join("XRANGE stream - +")},
	{"XREAD", join("XREAD STREAMS", times(500, "stream"), times(500, "0")), join("XREAD STREAMS", times(2, "stream"), times(2, "0"))},
	{"XDEL", join("XDEL stream", times(400_000, "7-7")), join("XDEL stream", times(100_000, "7-7"))},
	{"GEOSEARCH", nil, join("GEOSEARCH zset FROMLONLAT 0 0 BYRADIUS 99999 km ASC")},
	{"ACL", join("ACL|SETUSER", "SETUSER", "u", numberedPatterns(10_000)), join("ACL|SETUSER", "SETUSER", "u", numberedPatterns(2_000))},
	{"ACL in one", join("ACL|SETUSER", "SETUSER", "u", []string{"(" + strings.Join(numberedPatterns(10_000), " ") + ")"}), join("ACL|SETUSER SETUSER u (~a ~b) (+get -set)")},
	{"LPOS", nil, join("LPOS list none COUNT 0 RANK -3")},
	{"LINSERT", nil, join("LINSERT list BEFORE none x")},
	{"LREM", nil, join("LREM list 0 none")},
	{"LTRIM", nil, join("LTRIM list 0 9")},
	{"XTRIM", nil, join("XTRIM stream MAXLEN 0")},
	{"SPOP", nil, join("SPOP set 99999")},
	{"LPOP", nil, join("LPOP list 99999")},
	{"ZPOPMIN", nil, join("ZPOPMIN zset 99999")},
	{"ZREMRANGEBYRANK", nil, join("ZREMRANGEBYRANK zset 0 -1")},
	{"ZRANGESTORE", nil, join("ZRANGESTORE out zset -inf +inf BYSCORE LIMIT 5 9223372036854775807")},
	{"KEYS", nil, join("KEYS *s*t*")},
}

func numberedPatterns(n int) (patterns []string) {
	for i := range n {
		patterns = append(patterns, fmt.Sprintf("~pattern:%d:*", i))
	}
	return patterns
}

// What would take more than a command may is refused, without taking memory for
// it; what is like it, and smaller, is not.
func TestHostileCommands(t *testing.T) {
	const most = 300 << 20 // bytes, whatever is asked for
	st := large(100_000)
	for _, tt := range hostile {
		t.Run(tt.name, func(t *testing.T) {
			if tt.refuse != nil {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				v := bounded(st, tt.refuse...)
				runtime.ReadMemStats(&after)
				if v.Str != errWork.Str && v.Str != errReply.Str {
					t.Errorf("a command that takes too much answers %.200q and %d elements", v.Str, len(v.Elems))
				}
				if taken := after.TotalAlloc - before.TotalAlloc; taken > most {
					t.Errorf("it took %d MB", taken>>20)
				}
			}
			if v := bounded(st, tt.perform...); v.IsError() {
				t.Errorf("a command of moderate size: %s", v.Str)
			}
		})
	}
}
