// Package cost counts the work of what is replicated, before it is done.
//
// What Apply runs, all nodes run, and again at each start. So every command, and
// every library function that a script can call, says what it is about to do, in
// steps, before it takes memory or begins a loop; what would pass [Limit] ends
// there, at the same place on every node, without effect.
//
// The invariant: steps follow from the state and the request alone, never from a
// clock, a cache or what the process has done before.
package cost

import (
	"math"
	"math/bits"
)

// A step is about the work of one instruction of a script, 10 to 20 ns of a core.
// These are what other work counts for, measured on values of half a million
// elements, which no cache holds.
const (
	// Limit is how many steps a command, a script or a transaction may take. With
	// it, one of them takes some 0.3 s.
	Limit = 20_000_000
	// Element is an element of a hash or a set that is looked at in order.
	Element = 2
	// Push is an element that is put to an end of a list, or taken off.
	Push = 5
	// Lookup is a search for a key, a member or a field by its hash, or for an
	// element by its place.
	Lookup = 20
	// Insert is an element that is put into a set or a hash, or taken out.
	Insert = 50
	// Rank is an element that is put into a sorted set, or taken out.
	Rank = 120

	readPerStep = 16 // bytes that are read, compared, hashed or counted
	madePerStep = 8  // bytes of memory that are taken and filled
)

// Read returns the steps of looking at each of n bytes.
func Read(n int) int { return n / readPerStep }

// Made returns the steps of making n bytes of something new.
func Made(n int) int { return n / madePerStep }

// Sort returns the steps of sorting n strings with so many bytes altogether.
func Sort(n, size int) int { return Times(bits.Len(uint(max(n, 0))), max(n, 0)+Read(size)/2) }

// Times returns the steps of doing n times what takes the given steps. It is
// right, or too large to be allowed, whatever the numbers are.
func Times(n, steps int) int {
	if n <= 0 || steps <= 0 {
		return 0
	}
	if n > math.MaxInt/2/steps {
		return math.MaxInt / 2
	}
	return n * steps
}

// A Meter counts the steps of one command, script or transaction. The zero Meter
// allows nothing; see New.
type Meter struct{ left int }

// New returns a meter that allows so many steps.
func New(limit int) Meter { return Meter{limit} }

// Unlimited returns a meter that allows everything.
func Unlimited() Meter { return Meter{math.MaxInt} }

// Spend counts n steps and reports whether they are allowed. Once steps were not,
// no more are. A negative n counts as all that there is.
func (m *Meter) Spend(n int) bool {
	if n < 0 || n > m.left {
		m.left = -1
		return false
	}
	m.left -= n
	return true
}

// Left returns how many steps are left, -1 once too many were asked for.
func (m *Meter) Left() int { return m.left }
