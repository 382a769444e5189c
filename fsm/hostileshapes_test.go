package fsm

import (
	"fmt"
	"strings"
)

// hostileShapes are commands whose work or reply could be large, see shaped. Keys
// are those of stage.
var hostileShapes = strings.Split(strings.TrimSpace(`
SORT list:0 BY nosort {GET,#}*
SORT list:0 BY nosort {GET,hash:*->a}* STORE list:1
SORT list:0 ALPHA DESC {GET,key:*}*
SORT set:0 BY $p LIMIT $n $n {GET,$p}*
SORT_RO sorted-set:0 BY key:* LIMIT $r $n {GET,#}* ALPHA
SUNION {set:0}*
SUNIONSTORE set:3 {set:0}*
SDIFF {set:0}*
SDIFFSTORE set:3 set:0 {set:1}*
SINTER {set:0}*
SINTERSTORE set:3 {set:0}*
SINTERCARD #{set:0}* LIMIT $n
ZUNION #{sorted-set:0}* WITHSCORES
ZUNION #{set:0}* AGGREGATE MAX
ZUNIONSTORE sorted-set:3 #{sorted-set:0}* WEIGHTS {$n}=
ZUNIONSTORE sorted-set:3 #{set:0,sorted-set:0}*
ZINTER #{sorted-set:0}* WEIGHTS {1e308}= WITHSCORES
ZINTERSTORE sorted-set:3 #{sorted-set:0}*
ZINTERCARD #{sorted-set:0}* LIMIT $n
ZDIFF #{sorted-set:0}*
ZDIFFSTORE sorted-set:3 #{sorted-set:0}*
BITOP AND bitmap:1 {bitmap:0}*
BITOP XOR bitmap:1 {bitmap:0}* {bitmap:9}=
BITOP NOT bitmap:0 bitmap:0
PFMERGE hyperloglog:1 {hyperloglog:0}*
PFCOUNT {hyperloglog:0}*
PFADD hyperloglog:0 {$r}*
LCS key:0 key:1 IDX WITHMATCHLEN MINMATCHLEN $n
LCS key:0 key:1
LCS key:2 key:2 LEN
MGET {key:0}*
MGET {key:2}*
HMGET hash:0 {f1}*
HMGET hash:0 {big}*
SMISMEMBER set:0 {1}*
ZMSCORE sorted-set:0 {1}*
GEOPOS geo:0 {1}*
GEOHASH geo:0 {1}*
HRANDFIELD hash:0 $n WITHVALUES
HRANDFIELD hash:0 -1000000
SRANDMEMBER set:0 $n
ZRANDMEMBER sorted-set:0 $n WITHSCORES
ZRANDMEMBER sorted-set:0 -4611686018427387904
SETBIT bitmap:0 $n 1
SETBIT bitmap:0 4294967295 1
SETRANGE key:2 $n $t
SETRANGE key:2 536870911 x
APPEND key:2 $t
GETRANGE key:2 $n $n
SUBSTR key:2 0 -1
GET key:2
STRLEN key:2
BITFIELD bitmap:0 {SET,u8,$n,255}*
BITFIELD bitmap:0 {INCRBY,i64,#$r,$n}* OVERFLOW FAIL
BITFIELD_RO bitmap:0 {GET,i64,0}*
BITCOUNT bitmap:0
BITCOUNT bitmap:0 $n $n BIT
BITPOS bitmap:9 1
BITPOS bitmap:0 $n $n $n BIT
TX|WATCH {0,key:1,0}*
TX|WATCH {0,key:$r,$n}*
XADD stream:0 * {f,v}*
XADD stream:0 MAXLEN ~ $n LIMIT $n * f $t
XADD stream:0 18446744073709551615-18446744073709551615 f v
XRANGE stream:0 - + COUNT $n
XREVRANGE stream:0 + -
XREAD COUNT $n STREAMS {stream:0}* {0}=
XREADGROUP GROUP g c COUNT $n STREAMS {stream:0}* {>}=
XREADGROUP GROUP g $t STREAMS {stream:0}* {0}=
XCLAIM stream:0 g c 0 {5-0}* FORCE
XCLAIM stream:0 g d $n {$n}* IDLE $n TIME $n RETRYCOUNT $n
XAUTOCLAIM stream:0 g c 0 $n COUNT $n
XPENDING stream:0 g IDLE $n - + $n c
XACK stream:0 g {$r-0}*
XDEL stream:0 {$r-1}*
XTRIM stream:0 MAXLEN ~ $n LIMIT $n
XSETID stream:0 $n ENTRIESADDED $n MAXDELETEDID $n
XGROUP|CREATE CREATE stream:0 $t $n MKSTREAM ENTRIESREAD $n
XGROUP|DELCONSUMER DELCONSUMER stream:0 g c
XINFO|STREAM STREAM stream:0 FULL COUNT $n
XINFO|CONSUMERS CONSUMERS stream:0 g
GEOADD geo:0 {$n,$n,$t}*
GEOSEARCH geo:0 FROMLONLAT $n $n BYRADIUS $n km ASC COUNT $n WITHCOORD WITHDIST WITHHASH
GEOSEARCH geo:0 FROMLONLAT 15 37 BYBOX 40000 40000 km DESC
GEOSEARCHSTORE geo:1 geo:0 FROMLONLAT 0 0 BYBOX 1e9 1e9 km STOREDIST
GEORADIUS geo:0 0 0 30000 km WITHDIST COUNT $n ANY
KEYS $p
KEYS *a*a*a*a*a*a*a*a*b
SCAN $n MATCH $p COUNT $n
SSCAN set:0 0 MATCH $p COUNT 9223372036854775807
HSCAN hash:0 0 COUNT 1000000
ZSCAN sorted-set:0 $n MATCH *a*b*c*d* COUNT $n
ACL|SETUSER SETUSER user:$r {~key:$r$p}*
ACL|SETUSER SETUSER u {+get,-set}*
ACL|SETUSER SETUSER u {>$t}* reset {(+@all,~*)}*
ACL|DELUSER DELUSER {u}*
TX|AS u EVAL return(redis.call('GET',KEYS[1])) 1 key:2
COPY list:0 list:2 REPLACE
COPY stream:0 stream:2
COPY key:2 key:$r DB 1 REPLACE
RENAME sorted-set:0 sorted-set:1
DUMP $t
DUMP list:0
DUMP stream:0
DUMP key:2
MEMORY|USAGE USAGE list:0 SAMPLES $n
OBJECT|ENCODING ENCODING list:0
DEL {key:$r}*
UNLINK {list:0}*
EXISTS {key:2}*
LREM list:0 $n b
LREM list:0 -9223372036854775808 a
LINSERT list:0 BEFORE zz x
LINSERT list:0 AFTER $r $t
LPOS list:0 a RANK $n COUNT $n MAXLEN $n
LPOS list:0 1 COUNT 0 RANK -9223372036854775808
LSET list:0 $n $t
LTRIM list:0 $n $n
LRANGE list:0 $n $n
LRANGE list:0 0 -1
LINDEX list:0 $n
LPUSH list:0 {$r}*
LMPOP #{list:9}* LEFT COUNT $n
LPOP list:0 $n
BLPOP {list:9}* 0
BLMPOP $n #{list:9}* LEFT
ZRANGE sorted-set:0 $n $n WITHSCORES
ZRANGE sorted-set:0 -inf inf BYSCORE LIMIT $n $n
ZRANGESTORE sorted-set:2 sorted-set:0 0 -1
ZADD sorted-set:0 {$n,$t}*
ZADD sorted-set:0 INCR $n 1
ZINCRBY sorted-set:0 $n 1
ZRANGEBYLEX sorted-set:0 - + LIMIT $n $n
ZREMRANGEBYRANK sorted-set:1 $n $n
ZPOPMIN sorted-set:0 $n
ZMPOP #{sorted-set:9}* MAX COUNT $n
SPOP set:0 $n
SADD set:0 {$r}*
SMEMBERS set:0
HGETALL hash:0
HSET hash:0 {$r,$t}*
HINCRBYFLOAT hash:0 $r $n
HINCRBY hash:0 $r $n
INCRBYFLOAT key:3 $n
INCRBY key:3 $n
SET key:$r $t EX $n
GETEX key:3 PXAT $n
EXPIRE key:3 $n
PEXPIREAT key:3 $n
MSET {key:$r,$t}*
MSETNX {key:$r,v}*
PUBLISH $t $t
SCRIPT|LOAD LOAD $t
SCRIPT|EXISTS EXISTS {$t}*
SLOT|COUNT $n
SLOT|KEYS $n $n
FUNCTION|LIST LIST LIBRARYNAME $p WITHCODE
FUNCTION|DUMP DUMP
SWAPDB $n 1
MOVE list:0 $n
RANDOMKEY
DBSIZE
CLASSIC|MGET {key:2}*
`), "\n")

// stage puts some large values into the states. Each round has others.
func (h *attacker) stage() {
	add := func(words ...string) {
		h.next = append(h.next, &hostileStep{Commands: []hostileCommand{{words[0], bulks(words...), nil}}})
	}
	fill := func(head string, each func(i int) []string) {
		if h.IntN(3) == 0 {
			return
		}
		words := strings.Fields(head)
		for i := range pick(h, []int{10, 600, 5000, 20000, 60000}) {
			words = append(words, each(i)...)
		}
		add(words...)
	}
	one := func(i int) []string { return []string{fmt.Sprint(i)} }
	fill("RPUSH list:0", one)
	fill("SADD set:0", one)
	fill("SADD set:1", func(i int) []string { return []string{fmt.Sprint("m", i*2)} })
	fill("HSET hash:0", func(i int) []string { return []string{fmt.Sprint("f", i), fmt.Sprint(i)} })
	fill("ZADD sorted-set:0", func(i int) []string { return []string{fmt.Sprint(i % 1000), fmt.Sprint(i)} })
	fill("GEOADD geo:0", func(i int) []string {
		return []string{fmt.Sprint(float64(i%3600)/10 - 180), fmt.Sprint(float64(i%1700)/10 - 85), fmt.Sprint(i)}
	})
	fill("PFADD hyperloglog:0", one)
	fill("MSET", func(i int) []string { return []string{fmt.Sprint("key:", i), "x"} })
	add("SET", "key:0", strings.Repeat("abcd", 2048))
	add("SET", "key:1", strings.Repeat("badc", 2048))
	add("SET", "key:3", "1")
	if h.IntN(2) == 0 {
		add("SETRANGE", "key:2", fmt.Sprint(pick(h, []int{100000, 1 << 20, 1 << 20, 16 << 20, 64<<20 - 1})), "x")
	}
	if h.IntN(2) == 0 {
		add("SETBIT", "bitmap:0", pick(h, []string{"800000", "8000000", "80000000", "536870911"}), "1")
	}
	if h.IntN(2) == 0 {
		add("HSET", "hash:0", "big", strings.Repeat("y", 300000))
	}
	if h.IntN(2) == 0 {
		add("EVAL", "for i = 1, ARGV[1] do redis.call('XADD', KEYS[1], i .. '-1', 'f', i) end", "1", "stream:0", pick(h, []string{"50", "3000", "20000"}))
		add("XGROUP|CREATE", "CREATE", "stream:0", "g", "0")
		add("XREADGROUP", "GROUP", "g", "c", "COUNT", "5000", "STREAMS", "stream:0", ">")
	}
	add("FUNCTION|LOAD", "LOAD", generatedLibraries[0])
	h.discover()
}
