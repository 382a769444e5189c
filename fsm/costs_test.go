package fsm

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

// Every row must be in one of these lists, so that a new one says what it costs; see
// elsewhere for those that have tests of their own.
//
// A row of growing has work that grows with the value or the arguments. What
// stands behind it touches thousands of elements; a word in <> is many words.
var growing = strings.Split(strings.TrimSpace(`
LPUSH list <x>
RPUSH list <x>
LPUSHX list <x>
RPUSHX list <x>
LPOP list 4000
RPOP list 4000
LRANGE list 0 -1
LSET list 0 LONG
LREM list 0 none
LTRIM list 0 1999
LINSERT list BEFORE none x
LPOS list none
LMPOP 1 list LEFT COUNT 4000
BLMPOP 0 1 list LEFT COUNT 4000
BLPOP <none> 0
BRPOP <none> 0
BZPOPMIN <none> 0
BZPOPMAX <none> 0
HSET hash <x y>
HMSET hash <x y>
HSETNX hash x LONG
HGET hash LONG
HMGET hash <x>
HGETALL hash
HKEYS hash
HVALS hash
HDEL hash <x>
HEXISTS hash LONG
HSTRLEN hash LONG
HINCRBY hash LONG 1
HINCRBYFLOAT hash LONG 1
HSCAN hash 0 COUNT 4000
HRANDFIELD hash 4000
SADD set <x>
SREM set <x>
SMEMBERS set
SISMEMBER set LONG
SMISMEMBER set <x>
SPOP set 4000
SRANDMEMBER set -4000
SMOVE set set2 LONG
SSCAN set 0 COUNT 4000
SINTER set set
SUNION set set
SDIFF set none
SINTERSTORE out set set
SUNIONSTORE out set
SDIFFSTORE out set
SINTERCARD 1 set
ZADD zset <1 x>
ZINCRBY zset 1 LONG
ZREM zset <x>
ZSCORE zset LONG
ZMSCORE zset <x>
ZRANK zset LONG
ZREVRANK zset LONG
ZLEXCOUNT zset [LONG +
ZSCAN zset 0 COUNT 4000
ZRANDMEMBER zset -4000
ZPOPMIN zset 4000
ZPOPMAX zset 4000
ZMPOP 1 zset MIN COUNT 4000
BZMPOP 0 1 zset MIN COUNT 4000
ZRANGE zset 0 -1
ZRANGESTORE out zset 0 -1
ZREVRANGE zset 0 -1
ZRANGEBYSCORE zset -inf +inf
ZREVRANGEBYSCORE zset +inf -inf
ZRANGEBYLEX zset - +
ZREVRANGEBYLEX zset + -
ZREMRANGEBYRANK zset 0 -1
ZREMRANGEBYSCORE zset -inf +inf
ZREMRANGEBYLEX zset - +
ZUNION 1 zset
ZINTER 1 zset
ZDIFF 1 zset
ZINTERCARD 1 zset
ZUNIONSTORE out 1 zset
ZINTERSTORE out 1 zset
ZDIFFSTORE out 1 zset
GEOADD zset <1 1 x>
GEODIST zset LONG x
GEOHASH zset <x>
GEOPOS zset <x>
GEOSEARCH zset FROMLONLAT 0 0 BYRADIUS 99999 km
GEOSEARCHSTORE out zset FROMLONLAT 0 0 BYRADIUS 99999 km
GEORADIUS zset 0 0 99999 km
GEORADIUS_RO zset 0 0 99999 km
GEORADIUSBYMEMBER zset member:1 99999 km
GEORADIUSBYMEMBER_RO zset member:1 99999 km
XADD stream 9999-1 <x y>
XRANGE stream - +
XREVRANGE stream + -
XDEL stream <1-1>
XTRIM stream MAXLEN 0
XREAD STREAMS stream 0
XREADGROUP GROUP new c STREAMS stream >
XGROUP|CREATE CREATE stream LONG 0
XGROUP|SETID SETID stream LONG 0
XGROUP|DESTROY DESTROY stream LONG
XGROUP|CREATECONSUMER CREATECONSUMER stream g LONG
XGROUP|DELCONSUMER DELCONSUMER stream g c
XACK stream g <1-1>
XPENDING stream g - + 4000
XCLAIM stream g d 0 <1-1>
XAUTOCLAIM stream g d 0 0 COUNT 4000
XINFO|STREAM STREAM stream FULL COUNT 0
XINFO|GROUPS GROUPS groups
XINFO|CONSUMERS CONSUMERS stream LONG
DEL <none>
DELETE <none>
UNLINK <none>
EXISTS <none>
TOUCH <none>
TYPE LONG
TTL LONG
PTTL LONG
EXPIRETIME LONG
PEXPIRETIME LONG
PERSIST LONG
EXPIRE LONG 1
PEXPIRE LONG 1
EXPIREAT LONG 1
PEXPIREAT LONG 1
RENAME list LONG
RENAMENX list LONG
COPY list LONG
MOVE LONG 1
KEYS none
SCAN 0 COUNT 4000
SORT list ALPHA
SORT_RO list BY nosort GET #
OBJECT|ENCODING ENCODING LONG
OBJECT|REFCOUNT REFCOUNT LONG
OBJECT|IDLETIME IDLETIME LONG
OBJECT|FREQ FREQ LONG
MEMORY|USAGE USAGE classic
SLOT|COUNT 1
SLOT|KEYS 1 10
PUBLISH x LONG
SPUBLISH x LONG
ACL|SETUSER SETUSER x <~a>
ACL|DELUSER DELUSER <user>
SETTINGS|SET <a b>
LOAD|PART a 0 LONG
TX|REVISION LONG
TX|WATCH <0 none 0>
`), "\n")

// A row of steady has work that does not, however large the value is, but for the
// length of names.
var steady = strings.Split(strings.TrimSpace(`
LLEN list
LINDEX list 2000
LMOVE list list2 LEFT RIGHT
RPOPLPUSH list list2
BLMOVE list list2 LEFT RIGHT 0
BRPOPLPUSH list list2 0
HLEN hash
SCARD set
ZCARD zset
ZCOUNT zset 1 2000
XLEN stream
XSETID stream 9999-0
XGROUP|HELP HELP
XINFO|HELP HELP
OBJECT|HELP HELP
DBSIZE
SETTINGS|FULL
LOAD|BEGIN a force
LOAD|DROP a
TX|LAST stream
TX|ADMIT
TX|SELECT 1
TX|WOKEN
LPUSH list x
RPOP list
HGET hash member:1
HSET hash member:1 x
SADD set x
SPOP set
SRANDMEMBER set
ZADD zset 1 x
ZPOPMIN zset
ZRANGE zset 0 9
ZRANGEBYSCORE zset 5 +inf LIMIT 0 9
XADD stream * a b
XADD stream MAXLEN 4000 * a b
XREADGROUP GROUP new c COUNT 9 STREAMS stream >
XACK stream g 1-0
XGROUP|DESTROY DESTROY stream g
XPENDING stream g
XINFO|STREAM STREAM stream
DEL list hash set zset stream
RENAME list list2
COPY set set2
MOVE hash 1
SORT list BY nosort LIMIT 2000 9
LTRIM list 0 9
LTRIM list 1 -1
OBJECT|ENCODING ENCODING list
MEMORY|USAGE USAGE set
SINTERCARD 2 set set LIMIT 9
LPOS list member:9
`), "\n")

// Rows with work that is more than little but bounded, or that is not counted.
var otherwise = map[string]string{
	"FLUSHDB": "", "FLUSH": "", "FLUSHALL": "", "SWAPDB": "", "RANDOMKEY": "",
	"LOAD|END": "an operator's", "TX|AS": "what it runs counts", "TX|LEVEL": "", "TX|SKIPPED": "",
}

// words returns the words of a line; n is how many those in <> stand for.
func lineOf(line string, n int) (words []string) {
	open := strings.IndexByte(line, '<')
	if open < 0 {
		words = strings.Fields(line)
	} else {
		end := strings.IndexByte(line, '>')
		words = slices.Concat(strings.Fields(line[:open]), times(n, strings.Fields(line[open+1:end])...), strings.Fields(line[end+1:]))
	}
	for i := range words {
		words[i] = strings.ReplaceAll(words[i], "LONG", strings.Repeat("x", 64<<10))
	}
	return words
}

// elsewhere reports whether a row's costs are tested elsewhere.
func elsewhere(c *Command) bool {
	return slices.Contains([]string{"string", "bitmap", "hyperloglog", "scripting", "classic"}, c.Group) ||
		c.Name == "DUMP" || strings.HasPrefix(c.Name, "RESTORE")
}

// crowded is a large state with much else, too.
func crowded() *State {
	const n = 4000
	st := NewStateAt(NewestLevel)
	tx := &Tx{st: st, write: true, meter: cost.Unlimited()}
	fill := func(words ...string) { Lookup(words[0]).Run(tx, bulks(words...)) }
	fill("XGROUP|CREATE", "CREATE", "stream", "g", "0", "MKSTREAM")
	fill("XGROUP|CREATE", "CREATE", "stream", "new", "0")
	var nested []resp.Value
	for i := range n {
		s := fmt.Sprintf("member:%d", i)
		fill("RPUSH", "list", s)
		fill("SADD", "set", s)
		fill("HSET", "hash", s, s)
		fill("ZADD", "zset", itoa(int64(i)), s)
		fill("XADD", "stream", itoa(int64(i+1)), s, s)
		fill("XGROUP|CREATE", "CREATE", "groups", s, "0", "MKSTREAM")
		tx.put([]byte(s), &object{str: s})
		nested = append(nested, resp.Str(s))
	}
	fill("XREADGROUP", "GROUP", "g", "c", "STREAMS", "stream", ">")
	tx.put([]byte("classic"), &object{kind: kindClassic, val: resp.List(nested...)})
	fill("LOAD|BEGIN", "a", "force")
	for i := range 100 {
		users, _ := st.users.Edit(fmt.Sprint("user", i), []string{"on"}, nil)
		st.users = users
	}
	users, _ := st.users.Edit("user", nil, nil)
	st.users = users
	st.settle()
	return st
}

const fewSteps = 1500

// A row that has much to do counts that, and is ended where it may do little.
func TestWorkIsCounted(t *testing.T) {
	t.Parallel()
	listed := map[string]bool{}
	for _, line := range growing {
		words := lineOf(line, 400)
		listed[words[0]] = true
		if v := boundedBy(crowded(), cost.New(fewSteps), words...); v.Str != errWork.Str {
			t.Errorf("%s has much to do, and answers %.80q", line, v.Str)
		}
	}
	st := crowded()
	for _, line := range steady {
		words := lineOf(line, 1)
		listed[words[0]] = true
		if strings.HasPrefix(line, "DEL ") {
			st = crowded()
		}
		if v := boundedBy(st, cost.New(fewSteps), words...); v.Str == errWork.Str || v.Str == errReply.Str {
			t.Errorf("%s has little to do, and answers %q", line, v.Str)
		}
		if c := Lookup(words[0]); c.Flags&Read == 0 {
			st = crowded()
		}
	}
	for name := range otherwise {
		listed[name] = true
	}
	for _, c := range Commands() {
		if c.Flags&(Read|Write|Logged) != 0 && !listed[c.Name] && !elsewhere(c) {
			t.Errorf("%s is in no list: say what it costs", c.Name)
		}
	}
}
