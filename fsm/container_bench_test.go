package fsm

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/trivetdb/trivet/fsm/cost"
)

// benchTx returns a transaction on a state of its own.
func benchTx() *Tx {
	return &Tx{st: NewState(), now: 1, write: true, chance: newChance(1), meter: cost.Unlimited()}
}

// freeTx returns a transaction that may do any work.
func freeTx() *Tx { return &Tx{meter: cost.Unlimited()} }

func run(tx *Tx, words ...string) { Lookup(words[0]).Run(tx, bulks(words...)) }

// listOfSize makes the list l of n elements.
func listOfSize(n int) *Tx {
	tx := benchTx()
	for i := range n {
		run(tx, "RPUSH", "l", "element "+strconv.Itoa(i))
	}
	return tx
}

// hashOfSize makes the hash h of n fields.
func hashOfSize(n int) *Tx {
	tx := benchTx()
	for i := range n {
		run(tx, "HSET", "h", "field"+strconv.Itoa(i), "value")
	}
	return tx
}

var benchSizes = []int{10, 1_000, 1_000_000}

func BenchmarkList(b *testing.B) {
	for _, n := range benchSizes {
		tx := listOfSize(n)
		push, pop := bulks("LPUSH", "l", "element"), bulks("RPOP", "l")
		b.Run(fmt.Sprintf("LPUSH+RPOP/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Lookup("LPUSH").Run(tx, push)
				Lookup("RPOP").Run(tx, pop)
			}
		})
		middle := bulks("LINDEX", "l", strconv.Itoa(n/2))
		b.Run(fmt.Sprintf("LINDEX/%d", n), func(b *testing.B) {
			for b.Loop() {
				Lookup("LINDEX").Run(tx, middle)
			}
		})
		remove := bulks("LREM", "l", "1", "none")
		b.Run(fmt.Sprintf("LREM of none/%d", n), func(b *testing.B) {
			for b.Loop() {
				Lookup("LREM").Run(tx, remove)
			}
		})
	}
}

func BenchmarkHash(b *testing.B) {
	for _, n := range benchSizes {
		tx := hashOfSize(n)
		i := 0
		set, get := bulks("HSET", "h", "", "value"), bulks("HGET", "h", "")
		b.Run(fmt.Sprintf("HSET/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				i = (i + 7919) % n
				set[2] = strconv.AppendInt(append(set[2][:0], "field"...), int64(i), 10)
				Lookup("HSET").Run(tx, set)
			}
		})
		b.Run(fmt.Sprintf("HGET/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				i = (i + 7919) % n
				get[2] = strconv.AppendInt(append(get[2][:0], "field"...), int64(i), 10)
				Lookup("HGET").Run(tx, get)
			}
		})
	}
}

// BenchmarkWriteAfterFreeze measures the first write to a container of a
// million elements after a freeze: the clone, and the copies of the parts on
// the way to the change.
func BenchmarkWriteAfterFreeze(b *testing.B) {
	const n = 1_000_000
	for _, tt := range []struct {
		name string
		tx   *Tx
		args []string
	}{
		{"LPUSH", listOfSize(n), []string{"LPUSH", "l", "element"}},
		{"LSET", listOfSize(n), []string{"LSET", "l", "500000", "element"}},
		{"HSET", hashOfSize(n), []string{"HSET", "h", "field5", "value"}},
	} {
		args := bulks(tt.args...)
		b.Run(tt.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				tt.tx.st.epoch++
				Lookup(tt.args[0]).Run(tt.tx, args)
				tt.tx.st.settle() // as at the end of an entry
			}
		})
	}
}
