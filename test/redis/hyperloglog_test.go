//go:build redis

package redis

import (
	"strings"
	"testing"
)

// The bytes of HyperLogLogs must be Redis's after any commands. PFCOUNT of one
// key is left out, as Redis then writes the number into them.
func TestHyperLogLogsAtRandom(t *testing.T) {
	compareAtRandom(t, 8000, func(d drawer) []string {
		key := d.pick("a", "b", "c", "d", "e")
		switch d.IntN(16) {
		case 0:
			return []string{"PFCOUNT", key, d.pick("a", "b", "none"), "none"}
		case 1:
			return []string{"PFMERGE", d.pick("c", "d", "e"), key, d.pick("a", "b", "c", "none")}[:2+d.IntN(3)]
		case 2:
			if d.IntN(20) > 0 {
				return []string{"STRLEN", key}
			}
			return []string{"DEL", key}
		case 3:
			if d.IntN(10) > 0 {
				return []string{"GET", key}
			}
			return []string{"SET", key, d.sparse()}
		}
		words := []string{"PFADD", key}
		for range d.IntN(1 + d.IntN(60)) {
			words = append(words, strings.Repeat("x", d.IntN(20))+itoa(d.IntN(3000)))
		}
		return words
	})
}

// sparse returns a HyperLogLog of few values, in ops that Redis would have
// joined or split otherwise, so that neighbours are often equal.
func (d drawer) sparse() string {
	ops := []byte("HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80")
	left := 16384
	for left > 0 {
		run := min(left, 1+d.IntN(4))
		switch d.IntN(4) {
		case 0:
			run = min(left, 1+d.IntN(64))
			ops = append(ops, byte(run-1))
		case 1:
			run = min(left, 1+d.IntN(400))
			ops = append(ops, 0x40|byte((run-1)>>8), byte(run-1))
		default:
			ops = append(ops, 0x80|byte(d.IntN(4))<<2|byte(run-1))
		}
		left -= run
	}
	return string(ops)
}

// The estimates of large ones, up to millions of elements.
func TestHyperLogLogEstimates(t *testing.T) {
	step := 0
	compareAtRandom(t, 400, func(d drawer) []string {
		step++
		if step%4 == 0 {
			return []string{"PFCOUNT", "a"}
		}
		words := []string{"PFADD", "a"}
		for range 3 * step {
			words = append(words, itoa(int(d.Uint64()>>1)))
		}
		return words
	})
}

// Any six bits are a register of the dense encoding.
func TestHyperLogLogOfAnyBytes(t *testing.T) {
	step := 0
	compareAtRandom(t, 200, func(d drawer) []string {
		step++
		if step%2 == 0 {
			return []string{"PFCOUNT", "a"}
		}
		b := make([]byte, 12304)
		mask := byte(d.IntN(256)) | byte(d.IntN(256))
		for i := range b {
			b[i] = byte(d.Uint64()) & mask
			if step < 20 {
				b[i] = []byte{0, 0xff, 0xcc, 0x33}[step/2%4]
			}
		}
		copy(b, "HYLL\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80")
		return []string{"SET", "a", string(b)}
	})
}
