//go:build redis

package server

import (
	"bytes"
	"strings"
	"testing"

	"github.com/trivetdb/trivet/resp"
)

// Blocking commands that must answer the same bytes as Redis's, at once or when
// their time has passed.
var blockingAsRedis = strings.Split(strings.TrimSpace(`
BLPOP k
BLPOP k x
BLPOP k ''
BLPOP k ' 1'
BLPOP k -1
BLPOP k nan
BLPOP k 0.01
BLPOP k 1e-10
BLPOP s x
BLPOP s 0
BLPOP k s 0
BLPOP k l 0
BRPOP l k 0
BRPOP z 0
BLMOVE a b LEFT RIGHT
BLMOVE a b x RIGHT 0
BLMOVE a b LEFT x y
BLMOVE s b LEFT RIGHT x
BLMOVE s b LEFT RIGHT 0
BLMOVE k s LEFT RIGHT 0.01
BLMOVE l s LEFT RIGHT 0
BLMOVE l l left right 0
BRPOPLPUSH a b
BRPOPLPUSH a b -1
BRPOPLPUSH a b 0.01
BRPOPLPUSH l k 0
BLMPOP 0 1 k
BLMPOP x 0 k LEFT
BLMPOP x 1 k LEFT
BLMPOP 0 2 k LEFT
BLMPOP -1 1 k FOO
BLMPOP -1 1 k LEFT
BLMPOP 0 1 k LEFT COUNT
BLMPOP 0 1 k LEFT COUNT 0
BLMPOP 0 1 k LEFT COUNT x
BLMPOP 0 1 k LEFT COUNT 1 COUNT 2
BLMPOP 0 9999999999999999999 k LEFT
BLMPOP 0.01 1 k LEFT
BLMPOP 0 3 k s l LEFT
BLMPOP 0 2 k l RIGHT COUNT 5
BLMPOP 0 2 k m LEFT
BZPOPMIN k 0.01
BZPOPMIN k x
BZPOPMIN l2 0
BZPOPMIN k z 0
BZPOPMAX k z 0
BZMPOP 0 1 z LEFT
BZMPOP 0 1 z MIN COUNT 0
BZMPOP 0 2 k m MIN
BZMPOP 0.01 1 k MAX
BZMPOP 0 2 k z MAX COUNT 5
XREAD BLOCK 0 STREAMS st 0
XREAD BLOCK 10 STREAMS st $
XREAD BLOCK 10 STREAMS none $
XREAD BLOCK 10 STREAMS st 1
XREAD BLOCK 0 COUNT 1 STREAMS none st 0 0
XREAD BLOCK 0 STREAMS l $
XREAD BLOCK 0 STREAMS st l 0 $
XREAD BLOCK 0 STREAMS st l x $
XREAD BLOCK 0 STREAMS st >
XREAD BLOCK 0 STREAMS st
XREAD BLOCK x STREAMS st 0
XREAD BLOCK -1 STREAMS st 0
XREAD BLOCK 1.5 STREAMS st 0
XREAD BLOCK 10 STREAMS st 0 FOO
XREAD STREAMS st 0
XREADGROUP GROUP g c BLOCK 0 STREAMS st >
XREADGROUP GROUP g c BLOCK 0 COUNT 1 STREAMS st >
XREADGROUP GROUP h c BLOCK 10 STREAMS st >
XREADGROUP GROUP h c BLOCK 10 NOACK STREAMS st st > >
XREADGROUP GROUP h c BLOCK 0 STREAMS st 0
XREADGROUP GROUP h c BLOCK 0 STREAMS st st2 > 0
XREADGROUP GROUP none c BLOCK 0 STREAMS st >
XREADGROUP GROUP g c BLOCK 0 STREAMS none >
XREADGROUP GROUP g c BLOCK 0 STREAMS l >
XREADGROUP GROUP g c BLOCK 0 STREAMS st $
XREADGROUP GROUP g c BLOCK 0 STREAMS st x
XREADGROUP GROUP g c BLOCK -1 STREAMS st >
XREADGROUP GROUP g c STREAMS st >
XINFO STREAM st
XINFO GROUPS st
XPENDING st g
CLIENT UNBLOCK x
CLIENT UNBLOCK 9999
CLIENT UNBLOCK -1
CLIENT UNBLOCK 9999 FOO
CLIENT UNBLOCK 9999 ERROR
CLIENT UNBLOCK 9999 timeout
CLIENT UNBLOCK
`), "\n")

func TestBlockingAgreesWithRedis(t *testing.T) {
	real, ours := realRedis(t), dial(t, start(t, Options{}).redis)
	both := func(line string) {
		want, got := real.value(line), ours.value(line)
		if a, b := got.Append(nil, resp.Canonical), want.Append(nil, resp.Canonical); !bytes.Equal(a, b) {
			t.Errorf("%s: %q, in Redis %q", line, a, b)
		}
	}
	for _, proto := range []string{"2", "3"} {
		for _, w := range []*wire{real, ours} {
			w.value("HELLO " + proto)
		}
		for _, line := range blockingAsRedis {
			for _, inMulti := range []bool{false, true} {
				both("FLUSHALL")
				both("SET s v")
				both("RPUSH l 1 2 3")
				both("RPUSH m 1")
				both("RPUSH l2 1")
				both("ZADD z 1 a 2 b 2.5 c")
				both("XADD st 1 a b")
				both("XADD st2 1 a b")
				both("XGROUP CREATE st g 0")
				both("XGROUP CREATE st h $")
				both("XGROUP CREATE st2 h $")
				if inMulti {
					both("MULTI")
				}
				both(line)
				if inMulti {
					both("EXEC")
				}
				both("LRANGE l 0 -1")
				both("ZRANGE z 0 -1 WITHSCORES")
				both("XPENDING st g")
			}
		}
	}
}
