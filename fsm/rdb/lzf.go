package rdb

import "fmt"

// maxExpansion is how much LZF makes of a byte at most: three of them stand for
// 264 that were there before.
const maxExpansion = 88

// decompress undoes LZF. The result has size bytes. A control byte below 32 says
// how many bytes follow as they are, less one; another one that bytes are
// repeated: how many, and from how far back.
func decompress(b []byte, size uint64) ([]byte, error) {
	if size > maxExpansion*uint64(len(b)) {
		return nil, fmt.Errorf("%d bytes of LZF for %d: %w", len(b), size, ErrFormat)
	}
	out := make([]byte, 0, size)
	c := cursor{b: b}
	for len(c.b) > 0 && uint64(len(out)) <= size {
		ctrl := int(c.byte())
		if ctrl < 32 {
			out = append(out, c.take(uint64(ctrl)+1)...)
			continue
		}
		n := ctrl >> 5
		if n == 7 {
			n += int(c.byte())
		}
		n += 2
		from := len(out) - ((ctrl&31)<<8 | int(c.byte())) - 1
		if c.bad || from < 0 {
			return nil, fmt.Errorf("LZF that reaches too far back: %w", ErrFormat)
		}
		for ; n > 0; n-- {
			out = append(out, out[from])
			from++
		}
	}
	if c.bad || uint64(len(out)) != size {
		return nil, fmt.Errorf("LZF of a wrong length: %w", ErrFormat)
	}
	return out, nil
}
