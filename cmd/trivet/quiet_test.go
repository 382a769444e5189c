package main

import (
	"runtime"
	"runtime/metrics"
	"testing"
)

// TestQuiet makes garbage, and looks at what the process holds.
func TestQuiet(t *testing.T) {
	q := newQuiet()
	held := func() uint64 {
		s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/free:bytes"}}
		metrics.Read(s)
		return s[0].Value.Uint64() + s[1].Value.Uint64()
	}
	q.look()
	waste()
	runtime.GC() // the runtime does it by itself after two minutes
	before := held()
	for i := range quietFor {
		if q.look() {
			t.Fatalf("memory was given back at look %d after work", i+1)
		}
	}
	if !q.look() {
		t.Fatalf("memory was not given back: %v", q.samples)
	}
	if after := held(); after+3*worthwhile > before {
		t.Errorf("%d bytes are held after %d", after, before)
	}
	if q.look() {
		t.Error("memory was given back again")
	}
}

//go:noinline
func waste() {
	garbage := make([]byte, 4*worthwhile)
	for i := range garbage {
		garbage[i] = 1
	}
	runtime.KeepAlive(garbage)
}
