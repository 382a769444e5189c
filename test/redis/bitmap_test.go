//go:build redis

package redis

import "testing"

func TestBitmapsAtRandom(t *testing.T) {
	compareAtRandom(t, 30_000, func(d drawer) []string {
		key := d.pick("a", "a", "b", "c", "none")
		offset := itoa(d.IntN(500) - 5)
		switch d.IntN(12) {
		case 0, 1:
			return []string{"SETBIT", key, offset, d.pick("0", "1", "1")}
		case 2:
			return []string{"GETBIT", key, offset}
		case 3:
			return []string{"BITCOUNT", key, d.end(), d.end(), d.pick("BIT", "BIT", "BYTE", "BITS")}
		case 4:
			return []string{"BITCOUNT", key}
		case 5:
			return []string{"BITPOS", key, d.pick("0", "1"), d.end(), d.end(), d.pick("BIT", "BYTE", "x")}
		case 6:
			return []string{"BITPOS", key, d.pick("0", "1"), d.end(), d.end()}[:3+d.IntN(3)]
		case 7:
			return []string{"BITOP", d.pick("AND", "OR", "XOR"), "c", "a", "b", d.pick("c", "none")}[:4+d.IntN(3)]
		case 8:
			return []string{"BITOP", "NOT", d.pick("b", "c"), key}
		case 9:
			return []string{"GET", key}
		}
		words := []string{"BITFIELD", key}
		for range 1 + d.IntN(4) {
			words = append(words, d.fieldStep()...)
		}
		return words
	})
}

// end returns an end of a range of a short string.
func (d drawer) end() string { return itoa(d.IntN(160) - 80) }

func (d drawer) fieldStep() []string {
	width := 1 + d.IntN(63)
	typ := d.pick("u", "i") + itoa(width)
	if d.IntN(10) == 0 {
		typ = "i64"
	}
	at := d.pick("", "#") + itoa(d.IntN(8))
	n := itoa(int(d.Uint64()) >> d.IntN(64))
	switch d.IntN(5) {
	case 0:
		return []string{"OVERFLOW", d.pick("WRAP", "SAT", "FAIL")}
	case 1:
		return []string{"GET", typ, at}
	case 2:
		return []string{"SET", typ, at, n}
	}
	return []string{"INCRBY", typ, at, n}
}
