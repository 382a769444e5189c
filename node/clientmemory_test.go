package node

import (
	"runtime/debug"
	"testing"
)

func TestClientMemory(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "7mb": 7 << 20} {
		if got := (&Config{MaxClientMemory: text}).clientMemory(); got != want {
			t.Errorf("max-client-memory %q: %d", text, got)
		}
	}
	if got := (&Config{}).clientMemory(); got < leastClientMemory {
		t.Errorf("by default clients may hold %d bytes", got)
	}
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(2 << 30))
	if got := (&Config{}).clientMemory(); got > 256<<20 {
		t.Errorf("of 2 GB clients may hold %d bytes", got)
	}
}
