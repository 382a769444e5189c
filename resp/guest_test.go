package resp

import (
	"strings"
	"testing"
)

func TestGuestLimits(t *testing.T) {
	for in, want := range map[string]string{
		"*11\r\n":              "ERR Protocol error: unauthenticated multibulk length",
		"*1\r\n$16385\r\n":     "ERR Protocol error: unauthenticated bulk length",
		"*1\r\n$-2\r\n":        "ERR Protocol error: invalid bulk length",
		"*1\r\n$4\r\nPING\r\n": "",
	} {
		r := NewReader(strings.NewReader(in), DefaultLimits)
		r.SetLimits(GuestLimits)
		got := ""
		if _, err := r.ReadCommand(); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
