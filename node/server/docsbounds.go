package server

import (
	"fmt"
	"strings"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

// docsBounds is the chapter of docs/commands.md about what one command may do.
func docsBounds() string {
	var b strings.Builder
	fmt.Fprintf(&b, `## What one command may do

What is written runs on every node, one command after the other, so a command that takes long holds up
everybody. Therefore a command, a script or a transaction may take %d million steps of work, some 0.3 s, and its
reply at most %d MB, with %d bytes for each value in it. What would pass that ends with an error and without any
effect, before it takes the memory. Reads have the same bounds. The work is counted from the
data and the arguments alone, so that all nodes agree:

| Work | Steps |
|---|---|
`, cost.Limit/1_000_000, fsm.MaxReply>>20, resp.ElemCost)
	for _, row := range []struct {
		work  string
		steps int
	}{
		{"an element of a hash or a set that is looked at in order, a value in a reply", cost.Element},
		{"an element that goes to an end of a list, or comes off", cost.Push},
		{"a search for a key, a field or a member", cost.Lookup},
		{"an element that goes into a set or a hash, or comes out", cost.Insert},
		{"a member that goes into a sorted set, or comes out", cost.Rank},
	} {
		fmt.Fprintf(&b, "| %s | %d |\n", row.work, row.steps)
	}
	b.WriteString(`| 16 bytes that are read or compared, 8 bytes that are written | 1 |
| sorting n elements | n for each time that n can be halved, twice that for SORT |

So these are about as large as they may be, with elements of some 16 bytes:

| Command | Allowed up to |
|---|---|
| LRANGE, SMEMBERS, ZRANGE | 1.8 million elements in the reply |
| HGETALL | 900,000 fields |
| LREM, LPOS, LINSERT | lists of 8 million elements and more; LTRIM counts the fewer of what stays and what goes |
| RPUSH | 1,048,576 elements, the most arguments that a request has |
| SADD, HSET | 380,000 members or pairs of field and value |
| ZADD | 150,000 members |
| SUNIONSTORE, SUNION | 370,000 members in all sets together, those that come twice counted twice |
| SINTER | 250,000 common members of two sets |
| ZUNIONSTORE | 120,000 members in all together |
| SORT | 250,000 elements by number; 100,000 with a BY, or with two patterns to GET |
| SPOP, HDEL | 250,000 elements at once |
| ZPOPMIN, ZREMRANGEBYRANK | 150,000 members at once |
| XRANGE, XREAD | 300,000 entries of one field |
| XTRIM | 9 million entries that go; more with LIMIT, in turns |
| KEYS | 2 million keys in the database, where few match; SCAN goes on in turns |
| DEL | 250,000 keys, whatever they hold |

A large value can always be worked through in parts: with LIMIT, COUNT, a range, or a cursor. DEL, UNLINK, RENAME,
COPY, FLUSHALL and SWAPDB cost the same however large the values are.

An instruction of a script is two steps, and more where it makes or looks at much. The source of a script has at most
some 200 KB, a string that a script makes 64 MB, and a key of a Lua table 1 MB; cached scripts, and libraries, take 64 MB
each at most, by an estimate of 2 KB and 32 times their source.

SCRIPT KILL ends scripts that read on one node. One that is replicated cannot be ended by it: nodes apply an entry at
different moments, so what one node would end another has done already, and shown to its clients. It ends by itself, within
its bound, and what it wrote is undone on every node alike. So no script runs long enough for BUSY, and there is no
busy-reply-threshold.

`)
	return b.String()
}
