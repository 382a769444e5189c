package main

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// quietLook is how often the process is looked at.
	quietLook = time.Second
	// quietFor is after how many looks without work memory is given back.
	quietFor = 3
	// quietBytes is how much is allocated between two looks without work: an idle
	// leader's messages take a third of it.
	quietBytes = 4 << 20
	// worthwhile is how much must be there to give back, and an eighth of the data.
	worthwhile = 32 << 20
)

// What is asked of the runtime, as metrics.Sample has it.
const (
	sampleAllocated = iota // since the start
	sampleObjects          // in use, and not yet known to be garbage
	sampleLive             // in use, at the last collection
	sampleFree             // collected, and not given back
)

// A quiet gives memory back to the system once the process has little to do. Go
// keeps about as much room for garbage as there is data, and the most that it ever
// had: a gain in speed under load, and a waste without.
type quiet struct {
	samples   []metrics.Sample
	allocated uint64 // at the last look
	looks     int    // without work
}

func newQuiet() *quiet {
	q := &quiet{}
	for _, name := range []string{
		"/gc/heap/allocs:bytes", "/memory/classes/heap/objects:bytes", "/gc/heap/live:bytes", "/memory/classes/heap/free:bytes",
	} {
		q.samples = append(q.samples, metrics.Sample{Name: name})
	}
	return q
}

// run looks until ctx ends.
func (q *quiet) run(ctx context.Context) {
	tick := time.NewTicker(quietLook)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			q.look()
		case <-ctx.Done():
			return
		}
	}
}

// look gives memory back where that is due and worthwhile, and reports whether it
// did.
func (q *quiet) look() bool {
	metrics.Read(q.samples)
	sample := func(i int) uint64 { return q.samples[i].Value.Uint64() }
	if sample(sampleAllocated)-q.allocated > quietBytes {
		q.looks = 0
	}
	q.allocated = sample(sampleAllocated)
	q.looks++
	live := sample(sampleLive)
	garbage := max(sample(sampleObjects), live) - live
	if q.looks <= quietFor || garbage+sample(sampleFree) < max(worthwhile, live/8) {
		return false
	}
	debug.FreeOSMemory()
	return true
}
