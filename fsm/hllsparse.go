package fsm

// A hyperLogLog is a HyperLogLog that is being changed. Its sparse encoding is
// a row of ops, each of which speaks for a run of registers:
//
//	00rrrrrr            a run of 1 to 64 zeros
//	01rrrrrr rrrrrrrr   a run of 1 to 16384 zeros
//	1vvvvvrr            a run of 1 to 4 registers of the value 1 to 32
//
// The same elements in the same order must leave the bytes that Redis leaves,
// so what is split and joined, and when, follows it.
type hyperLogLog struct {
	b []byte
	// Where to begin to look for a register: an op and its first register. Zero
	// for the first op.
	at, first int
}

const (
	maxShortZeros  = 64
	maxSparseValue = 32
	maxValueRun    = 4
	joinedOps      = 5 // how many ops are looked at to join them
)

// A sparseOp is an op of the sparse encoding. Its rank is 0 for zeros.
type sparseOp struct {
	size, run int
	rank      uint8
}

// sparseAt reads the op at a place; ok is false where it is cut off.
func sparseAt[S string | []byte](s S, at int) (op sparseOp, ok bool) {
	c := s[at]
	switch {
	case c&0x80 != 0:
		return sparseOp{1, int(c&3) + 1, c>>2&31 + 1}, true
	case c&0x40 == 0:
		return sparseOp{1, int(c) + 1, 0}, true
	case at+1 == len(s):
		return op, false
	}
	return sparseOp{2, (int(c&63)<<8 | int(s[at+1])) + 1, 0}, true
}

// appendZeros appends a run of zeros, if there are any.
func appendZeros(b []byte, run int) []byte {
	switch {
	case run == 0:
		return b
	case run <= maxShortZeros:
		return append(b, byte(run-1))
	}
	return append(b, 0x40|byte((run-1)>>8), byte(run-1))
}

// appendRun appends a run of a rank, if there are any registers in it.
func appendRun(b []byte, rank uint8, run int) []byte {
	switch {
	case rank == 0:
		return appendZeros(b, run)
	case run == 0:
		return b
	}
	return append(b, valueOp(rank, run))
}

func valueOp(rank uint8, run int) byte { return 0x80 | (rank-1)<<2 | byte(run-1) }

// raise makes a register hold rank at least, and reports whether that changed
// it. ok is false where the encoding is damaged. Indexes that only grow are
// found without a walk from the start.
func (h *hyperLogLog) raise(index int, rank uint8) (grew, ok bool) {
	if h.b[4] == hllDense {
		if denseAt(h.b, index) >= rank {
			return false, true
		}
		setDense(h.b, index, rank)
		return true, true
	}
	at, prev, first, op, ok := h.find(index)
	switch {
	case !ok:
		return false, false
	case rank > maxSparseValue:
		return h.raiseDense(index, rank)
	case op.rank >= rank:
		return false, true
	}
	var raw [5]byte
	seq := appendRun(raw[:0], op.rank, index-first)
	seq = append(seq, valueOp(rank, 1))
	seq = appendRun(seq, op.rank, first+op.run-1-index)
	longer := len(seq) - op.size
	if longer > 0 && len(h.b)+longer > maxSparse {
		return h.raiseDense(index, rank)
	}
	h.replace(at, op.size, seq)
	h.join(prev)
	return true, true
}

// find returns the op of a register, its first register, and the place of the
// op before it.
func (h *hyperLogLog) find(index int) (at, prev, first int, op sparseOp, ok bool) {
	if h.at == 0 || index < h.first {
		h.at, h.first = hllHeader, 0
	}
	at, first = h.at, h.first
	prev, prevFirst := at, first
	for ; at < len(h.b); at += op.size {
		if op, ok = sparseAt(h.b, at); !ok {
			return 0, 0, 0, op, false
		}
		if index < first+op.run {
			if at == h.at && at > hllHeader { // which op is before it?
				h.at = 0
				return h.find(index)
			}
			return at, prev, first, op, true
		}
		// What lies before prev will not change, so it can be the next start.
		h.at, h.first = prev, prevFirst
		prev, prevFirst = at, first
		first += op.run
	}
	return 0, 0, 0, op, false
}

// replace puts seq where an op of a size was.
func (h *hyperLogLog) replace(at, size int, seq []byte) {
	longer := len(seq) - size
	end := len(h.b)
	for range longer {
		h.b = append(h.b, 0)
	}
	copy(h.b[at+len(seq):], h.b[at+size:end])
	h.b = h.b[:end+longer]
	copy(h.b[at:], seq)
}

// join makes one op of two values that are equal and neighbours, among the next
// few ops.
func (h *hyperLogLog) join(at int) {
	for n := joinedOps; n > 0 && at < len(h.b); n-- {
		op, ok := sparseAt(h.b, at)
		if !ok {
			return
		}
		if op.rank > 0 && at+1 < len(h.b) {
			next, ok := sparseAt(h.b, at+1)
			if ok && next.rank == op.rank && op.run+next.run <= maxValueRun {
				h.replace(at, 2, []byte{valueOp(op.rank, op.run+next.run)})
				continue
			}
		}
		at += op.size
	}
}

// raiseDense raises a register in the dense encoding.
func (h *hyperLogLog) raiseDense(index int, rank uint8) (grew, ok bool) {
	if !h.makeDense() {
		return false, false
	}
	return h.raise(index, rank)
}

// makeDense turns to the dense encoding. It reports whether the sparse one was
// sound.
func (h *hyperLogLog) makeDense() bool {
	if h.b[4] == hllDense {
		return true
	}
	var r registers
	if !r.merge(string(h.b)) {
		return false
	}
	dense := make([]byte, hllDenseSize)
	copy(dense, h.b[:hllHeader])
	dense[4] = hllDense
	for i, rank := range r {
		setDense(dense, i, rank)
	}
	h.b = dense
	return true
}
