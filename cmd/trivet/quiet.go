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
	// worthwhile is how much must have been allocated since the last time, and a
	// quarter of the data.
	worthwhile = 32 << 20
)

// A quiet gives memory back to the system once the process has little to do. Go
// keeps about as much room for garbage as there is data, and the most that it ever
// had: a gain in speed under load, and a waste without.
type quiet struct {
	samples   []metrics.Sample
	allocated uint64 // at the last look
	given     uint64 // the same when memory was given back
	looks     int    // without work
}

func newQuiet() *quiet {
	q := &quiet{}
	for _, name := range []string{"/gc/heap/allocs:bytes", "/gc/heap/live:bytes"} {
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
	allocated, live := q.samples[0].Value.Uint64(), q.samples[1].Value.Uint64()
	if allocated-q.allocated > quietBytes {
		q.looks = 0
	}
	q.allocated = allocated
	q.looks++
	if q.looks <= quietFor || allocated-q.given < max(worthwhile, live/4) {
		return false
	}
	q.given = allocated
	debug.FreeOSMemory()
	return true
}
