package fsm

import (
	"math"
	"math/bits"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

var zsetCommands = []Command{
	{Spec{"ZADD", -4, Write | DenyOOM | Fast, Keys{1, 1, 1}, "sorted-set", "Add members to a sorted set, or change their scores.", "1.2.0"}, zadd},
	{Spec{"ZINCRBY", 4, Write | DenyOOM | Fast, Keys{1, 1, 1}, "sorted-set", "Add to the score of a member.", "1.2.0"}, zincrby},
	{Spec{"ZREM", -3, Write | Fast, Keys{1, 1, 1}, "sorted-set", "Remove members from a sorted set.", "1.2.0"}, zrem},
	{Spec{"ZCARD", 2, Read | Fast, Keys{1, 1, 1}, "sorted-set", "Count the members of a sorted set.", "1.2.0"}, zcard},
	{Spec{"ZSCORE", 3, Read | Fast, Keys{1, 1, 1}, "sorted-set", "Get the score of a member.", "1.2.0"}, zscore},
	{Spec{"ZMSCORE", -3, Read | Fast, Keys{1, 1, 1}, "sorted-set", "Get the scores of several members.", "6.2.0"}, zmscore},
	{Spec{"ZRANK", -3, Read | Fast, Keys{1, 1, 1}, "sorted-set", "Get the rank of a member, from the lowest score.", "2.0.0"}, zrank},
	{Spec{"ZREVRANK", -3, Read | Fast, Keys{1, 1, 1}, "sorted-set", "Get the rank of a member, from the highest score.", "2.0.0"}, zrevrank},
	{Spec{"ZCOUNT", 4, Read | Fast, Keys{1, 1, 1}, "sorted-set", "Count the members with scores in a range.", "2.0.0"}, zcount},
	{Spec{"ZLEXCOUNT", 4, Read | Fast, Keys{1, 1, 1}, "sorted-set", "Count the members in a range of their own order.", "2.8.9"}, zlexcount},
	{Spec{"ZSCAN", -3, Read, Keys{1, 1, 1}, "sorted-set", "List the members and their scores, a part a call.", "2.8.0"}, zscan},
	{Spec{"ZRANDMEMBER", -2, Read, Keys{1, 1, 1}, "sorted-set", "Get some of the members by chance.", "6.2.0"}, zrandmember},
	{Spec{"ZPOPMIN", -2, Write | Fast, Keys{1, 1, 1}, "sorted-set", "Remove the members with the lowest scores and return them.", "5.0.0"}, zpopmin},
	{Spec{"ZPOPMAX", -2, Write | Fast, Keys{1, 1, 1}, "sorted-set", "Remove the members with the highest scores and return them.", "5.0.0"}, zpopmax},
	{Spec{"ZMPOP", -4, Write | MovableKeys | CountAt1, Keys{}, "sorted-set", "Remove members from the first sorted set that has any and return them.", "7.0.0"}, zmpop},
	{Spec{"ZRANGE", -4, Read, Keys{1, 1, 1}, "sorted-set", "List a range of members, by rank, score or their own order.", "1.2.0"}, zrange},
	{Spec{"ZRANGESTORE", -5, Write | DenyOOM, Keys{1, 2, 1}, "sorted-set", "Store a range of the members of another sorted set.", "6.2.0"}, zrangestore},
	{Spec{"ZREVRANGE", -4, Read, Keys{1, 1, 1}, "sorted-set", "List a range of members by rank, backwards.", "1.2.0"}, zrevrange},
	{Spec{"ZRANGEBYSCORE", -4, Read, Keys{1, 1, 1}, "sorted-set", "List a range of members by score.", "1.0.5"}, zrangebyscore},
	{Spec{"ZREVRANGEBYSCORE", -4, Read, Keys{1, 1, 1}, "sorted-set", "List a range of members by score, backwards.", "2.2.0"}, zrevrangebyscore},
	{Spec{"ZRANGEBYLEX", -4, Read, Keys{1, 1, 1}, "sorted-set", "List a range of members in their own order.", "2.8.9"}, zrangebylex},
	{Spec{"ZREVRANGEBYLEX", -4, Read, Keys{1, 1, 1}, "sorted-set", "List a range of members in their own order, backwards.", "2.8.9"}, zrevrangebylex},
	{Spec{"ZREMRANGEBYRANK", 4, Write, Keys{1, 1, 1}, "sorted-set", "Remove a range of members by rank.", "2.0.0"}, zremrangebyrank},
	{Spec{"ZREMRANGEBYSCORE", 4, Write, Keys{1, 1, 1}, "sorted-set", "Remove a range of members by score.", "1.2.0"}, zremrangebyscore},
	{Spec{"ZREMRANGEBYLEX", 4, Write, Keys{1, 1, 1}, "sorted-set", "Remove a range of members in their own order.", "2.8.9"}, zremrangebylex},
	{Spec{"ZUNION", -3, Read | MovableKeys | CountAt1, Keys{}, "sorted-set", "List the members of any of several sorted sets.", "6.2.0"}, zunion},
	{Spec{"ZINTER", -3, Read | MovableKeys | CountAt1, Keys{}, "sorted-set", "List the members that several sorted sets share.", "6.2.0"}, zinter},
	{Spec{"ZDIFF", -3, Read | MovableKeys | CountAt1, Keys{}, "sorted-set", "List the members of a sorted set that others lack.", "6.2.0"}, zdiff},
	{Spec{"ZINTERCARD", -3, Read | MovableKeys | CountAt1, Keys{}, "sorted-set", "Count the members that several sorted sets share.", "7.0.0"}, zintercard},
	{Spec{"ZUNIONSTORE", -4, Write | DenyOOM | MovableKeys | CountAt2, Keys{1, 1, 1}, "sorted-set", "Store the members of any of several sorted sets.", "2.0.0"}, zunionstore},
	{Spec{"ZINTERSTORE", -4, Write | DenyOOM | MovableKeys | CountAt2, Keys{1, 1, 1}, "sorted-set", "Store the members that several sorted sets share.", "2.0.0"}, zinterstore},
	{Spec{"ZDIFFSTORE", -4, Write | DenyOOM | MovableKeys | CountAt2, Keys{1, 1, 1}, "sorted-set", "Store the members of a sorted set that others lack.", "6.2.0"}, zdiffstore},
}

var noMembers = newSortedSet(0)

// membersAt returns the sorted set at a key, an empty one where there is none.
// It must not be changed.
func membersAt(tx *Tx, key []byte) (*sortedSet, resp.Value) {
	z, ok, fail := view[*sortedSet](tx, key, kindZSet)
	if !ok {
		z = noMembers
	}
	return z, fail
}

// searchLex returns the steps of looking for both ends of a range by halves, where
// they are given by so many bytes.
func (z *sortedSet) searchLex(n int) int {
	return cost.Times(bits.Len(uint(z.size())), 2*cost.Lookup+cost.Read(n))
}

// text returns the number of bytes of all members.
func (z *sortedSet) text() int { return z.taken - z.size()*elementOverhead }

// zaddOptions are the options of ZADD.
type zaddOptions struct{ nx, xx, gt, lt, ch, incr bool }

// flag returns the option that a word stands for, or nil.
func (o *zaddOptions) flag(word []byte) *bool {
	switch {
	case equalFold(word, "NX"):
		return &o.nx
	case equalFold(word, "XX"):
		return &o.xx
	case equalFold(word, "GT"):
		return &o.gt
	case equalFold(word, "LT"):
		return &o.lt
	case equalFold(word, "CH"):
		return &o.ch
	case equalFold(word, "INCR"):
		return &o.incr
	}
	return nil
}

// parseZaddOptions also returns what follows the options: scores and members.
func parseZaddOptions(args [][]byte) (opt zaddOptions, pairs [][]byte, fail resp.Value) {
	for len(args) > 0 {
		flag := opt.flag(args[0])
		if flag == nil {
			break
		}
		*flag = true
		args = args[1:]
	}
	switch {
	case len(args) == 0 || len(args)%2 == 1:
		return opt, nil, errSyntax
	case opt.nx && opt.xx:
		return opt, nil, errZaddNXXX
	case opt.gt && opt.nx, opt.lt && opt.nx, opt.gt && opt.lt:
		return opt, nil, errZaddGTLT
	case opt.incr && len(args) > 2:
		return opt, nil, errZaddIncr
	}
	return opt, args, resp.Nil
}

// allow reports whether a member that has the score old, where it exists, may
// be given score.
func (o *zaddOptions) allow(old float64, exists bool, score float64) bool {
	if !exists {
		return !o.xx
	}
	return !(o.nx || o.gt && score <= old || o.lt && score >= old)
}

func zadd(tx *Tx, args [][]byte) resp.Value {
	opt, pairs, fail := parseZaddOptions(args[2:])
	if fail.IsError() {
		return fail
	}
	return addScored(tx, args[1], opt, pairs)
}

func zincrby(tx *Tx, args [][]byte) resp.Value {
	return addScored(tx, args[1], zaddOptions{incr: true}, args[2:])
}

// addScored carries out ZADD with pairs of score and member.
func addScored(tx *Tx, key []byte, opt zaddOptions, pairs [][]byte) resp.Value {
	tx.chargeEach(pairs, cost.Rank/2)
	scores := make([]float64, 0, 8)
	for i := 0; i < len(pairs); i += 2 {
		score, ok := parseScore(pairs[i])
		if !ok {
			return errNotFloat
		}
		scores = append(scores, score)
	}
	z, fail := membersAt(tx, key)
	if fail.IsError() {
		return fail
	}
	event := "zadd"
	if opt.incr {
		event = "zincr"
	}
	added, updated, sum := int64(0), int64(0), resp.Nil
	for i, score := range scores {
		member := string(pairs[2*i+1])
		old, exists := z.score(member)
		if opt.incr && exists && !opt.nx {
			if score += old; math.IsNaN(score) {
				return errScoreNaN
			}
		}
		allowed := opt.allow(old, exists, score)
		if allowed && (!exists || score != old) {
			if added+updated == 0 { // only now, lest nothing changes
				z, _ = change[*sortedSet](tx, key, kindZSet)
			}
			z.put(member, score)
			if exists {
				updated++
			} else {
				added++
			}
		}
		if allowed {
			sum = resp.Float(score)
		}
	}
	if added+updated > 0 {
		tx.notify(notifyZSet, event, key)
	}
	switch {
	case opt.incr:
		return sum
	case opt.ch:
		return resp.Int(added + updated)
	}
	return resp.Int(added)
}

func zrem(tx *Tx, args [][]byte) resp.Value {
	z, fail := membersAt(tx, args[1])
	if fail.IsError() {
		return fail
	}
	tx.chargeEach(args[2:], cost.Rank)
	removed := int64(0)
	for _, arg := range args[2:] {
		member := string(arg)
		score, ok := z.score(member)
		if !ok {
			continue
		}
		if removed == 0 {
			z, _ = change[*sortedSet](tx, args[1], kindZSet)
		}
		z.remove(scored{score, member})
		removed++
	}
	if removed > 0 {
		tx.notify(notifyZSet, "zrem", args[1])
		tx.dropEmpty(args[1])
	}
	return resp.Int(removed)
}

func zcard(tx *Tx, args [][]byte) resp.Value {
	z, fail := membersAt(tx, args[1])
	if fail.IsError() {
		return fail
	}
	return resp.Int(int64(z.size()))
}

// scoreOf returns the reply for the score of a member.
func (z *sortedSet) scoreOf(member []byte) resp.Value {
	if score, ok := z.score(string(member)); ok {
		return resp.Float(score)
	}
	return resp.Nil
}

func zscore(tx *Tx, args [][]byte) resp.Value {
	z, fail := membersAt(tx, args[1])
	if fail.IsError() {
		return fail
	}
	tx.charge(cost.Lookup + cost.Read(len(args[2])))
	return z.scoreOf(args[2])
}

func zmscore(tx *Tx, args [][]byte) resp.Value {
	z, fail := membersAt(tx, args[1])
	if fail.IsError() {
		return fail
	}
	tx.chargeReply(len(args)-2, 0)
	tx.chargeEach(args[2:], cost.Lookup)
	scores := make([]resp.Value, 0, len(args)-2)
	for _, member := range args[2:] {
		scores = append(scores, z.scoreOf(member))
	}
	return resp.List(scores...)
}

func zrank(tx *Tx, args [][]byte) resp.Value    { return rankOf(tx, args, false) }
func zrevrank(tx *Tx, args [][]byte) resp.Value { return rankOf(tx, args, true) }

func rankOf(tx *Tx, args [][]byte, back bool) resp.Value {
	none := resp.Nil
	switch {
	case len(args) > 4 && back:
		return errArity("zrevrank")
	case len(args) > 4:
		return errArity("zrank")
	case len(args) == 4 && !equalFold(args[3], "WITHSCORE"):
		return errSyntax
	case len(args) == 4:
		none = resp.Value{Kind: resp.NullArray}
	}
	z, fail := membersAt(tx, args[1])
	if fail.IsError() {
		return fail
	}
	tx.charge(2*cost.Lookup + 2*cost.Made(len(args[2])))
	score, ok := z.score(string(args[2]))
	if !ok {
		return none
	}
	rank := z.rank(scored{score, string(args[2])})
	if back {
		rank = z.size() - 1 - rank
	}
	if len(args) == 4 {
		return resp.List(resp.Int(int64(rank)), resp.Float(score))
	}
	return resp.Int(int64(rank))
}

func zcount(tx *Tx, args [][]byte) resp.Value {
	low, high, fail := parseScoreBounds(args[2], args[3])
	if fail.IsError() {
		return fail
	}
	z, fail := membersAt(tx, args[1])
	if fail.IsError() {
		return fail
	}
	tx.charge(2 * cost.Lookup)
	from, to := z.scoreRange(low, high)
	return resp.Int(int64(to - from))
}

func zlexcount(tx *Tx, args [][]byte) resp.Value {
	low, high, fail := parseLexBounds(args[2], args[3])
	if fail.IsError() {
		return fail
	}
	z, fail := membersAt(tx, args[1])
	if fail.IsError() {
		return fail
	}
	tx.charge(z.searchLex(len(args[2]) + len(args[3])))
	from, to := z.lexRange(low, high)
	return resp.Int(int64(to - from))
}
