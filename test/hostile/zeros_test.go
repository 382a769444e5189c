//go:build hostile

package hostile

import (
	"bytes"
	"compress/lzw"
	"io"
	"testing"
)

// TestZeros reads what zeros makes with Go's own reader.
func TestZeros(t *testing.T) {
	in := zeros(30_000)
	n, err := io.Copy(io.Discard, io.LimitReader(lzw.NewReader(bytes.NewReader(in), lzw.LSB, 8), 25<<20))
	if err != nil || n < 25<<20 {
		t.Errorf("%d bytes become %d, %v", len(in), n, err)
	}
}
