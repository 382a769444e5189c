package fsm

import (
	"strings"
	"testing"
)

// A list is a listpack up to 8 KiB, its elements with their heads and lengths.
func TestListEncoding(t *testing.T) {
	m := newMachine(t)
	m.check = false
	encoding := func() string { return m.do(0, "OBJECT|ENCODING", "", "l").Str }
	for name, tt := range map[string]struct {
		elem string
		most int
	}{
		"short":     {"abcdef", 8185 / 8},
		"longer":    {strings.Repeat("a", 64), 8185 / 67},
		"long":      {strings.Repeat("a", 200), 8185 / 204},
		"very long": {strings.Repeat("a", 5000), 1},
		"too long":  {strings.Repeat("a", 8200), 0},
		"digit":     {"7", 8185 / 2},
		"number":    {"-4096", 8185 / 3},
		"16 bits":   {"-4097", 8185 / 4},
		"24 bits":   {"8388607", 8185 / 5},
		"32 bits":   {"8388608", 8185 / 6},
		"64 bits":   {"-9223372036854775808", 8185 / 10},
		"no number": {"007", 8185 / 5},
	} {
		m.do(0, "DEL", "l")
		for range tt.most {
			m.do(0, "RPUSH", "l", tt.elem)
		}
		if got := encoding(); tt.most > 0 && got != "listpack" {
			t.Errorf("%s: %d elements are a %s", name, tt.most, got)
		}
		m.do(0, "RPUSH", "l", tt.elem)
		if got := encoding(); got != "quicklist" {
			t.Errorf("%s: %d elements are a %s", name, tt.most+1, got)
		}
	}
}
