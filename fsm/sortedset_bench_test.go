package fsm

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/trivetdb/trivet/fsm/cost"
)

// setSizes are the sizes of the sorted sets that benchmarks use.
func setSizes() []int {
	if testing.Short() {
		return []int{10, 1000}
	}
	return []int{10, 1000, 1_000_000}
}

// setOf returns a writing transaction on a state with a sorted set of n members
// at z.
func setOf(n int) *Tx {
	tx := &Tx{st: NewState(), write: true, meter: cost.Unlimited()}
	z := newSortedSet(1)
	for i := range n {
		z.put(memberName(i, n), float64(i))
	}
	tx.put([]byte("z"), &object{kind: kindZSet, val: z})
	return tx
}

// memberName names member i of n, in no order of use.
func memberName(i, n int) string { return fmt.Sprintf("job:%012d", i*7919%n) }

// eachSize runs a benchmark for each size.
func eachSize(b *testing.B, do func(b *testing.B, tx *Tx, n int)) {
	for _, n := range setSizes() {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			tx := setOf(n)
			b.ReportAllocs()
			do(b, tx, n)
		})
	}
}

// BenchmarkZAddMove gives members other scores, far away.
func BenchmarkZAddMove(b *testing.B) {
	eachSize(b, func(b *testing.B, tx *Tx, n int) {
		args, chance := bulks("ZADD", "z", "", ""), newChance(1)
		for b.Loop() {
			args[2] = strconv.AppendInt(args[2][:0], int64(chance.below(n)), 10)
			args[3] = fmt.Appendf(args[3][:0], "job:%012d", chance.below(n))
			zadd(tx, args)
		}
	})
}

// BenchmarkZAddPop adds a member at the end and pops the first, as a queue of
// delayed jobs does.
func BenchmarkZAddPop(b *testing.B) {
	eachSize(b, func(b *testing.B, tx *Tx, n int) {
		args, pop := bulks("ZADD", "z", "", ""), bulks("ZPOPMIN", "z")
		i := n
		for b.Loop() {
			i++
			args[2] = strconv.AppendInt(args[2][:0], int64(i), 10)
			args[3] = fmt.Appendf(args[3][:0], "job:%012d", i)
			zadd(tx, args)
			zpopmin(tx, pop)
		}
	})
}

func BenchmarkZRangeByScore(b *testing.B) {
	eachSize(b, func(b *testing.B, tx *Tx, n int) {
		args := bulks("ZRANGEBYSCORE", "z", "", "inf", "LIMIT", "0", "1")
		i := 0
		for b.Loop() {
			i += 104729
			args[2] = strconv.AppendInt(args[2][:0], int64(i%n), 10)
			if len(zrangebyscore(tx, args).Elems) != 1 {
				b.Fatal("not found")
			}
		}
	})
}

func BenchmarkZScore(b *testing.B) {
	eachSize(b, func(b *testing.B, tx *Tx, n int) {
		args := bulks("ZSCORE", "z", "")
		i := 0
		for b.Loop() {
			i += 104729
			args[2] = fmt.Appendf(args[2][:0], "job:%012d", i%n)
			zscore(tx, args)
		}
	})
}

// BenchmarkZAddAfterFreeze is the clone of a large set and the first write to it.
func BenchmarkZAddAfterFreeze(b *testing.B) {
	eachSize(b, func(b *testing.B, tx *Tx, n int) {
		args, chance := bulks("ZADD", "z", "", ""), newChance(1)
		for b.Loop() {
			tx.st.epoch++
			args[2] = strconv.AppendInt(args[2][:0], int64(chance.below(n)), 10)
			args[3] = fmt.Appendf(args[3][:0], "job:%012d", chance.below(n))
			zadd(tx, args)
		}
	})
}
