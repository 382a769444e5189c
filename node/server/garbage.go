package server

import (
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"sync/atomic"
)

const (
	// lookEvery is after how many bytes of large replies the heap is looked at.
	lookEvery = 8 << 20
	// leastGarbage is how much of it is collected at once where the data alone fill
	// the memory.
	leastGarbage = 32 << 20
)

// garbage is what is left of large replies that were sent or given up. The collector
// alone does not bound it: a cycle that has to wait for a processor can take most of
// a second, and what is made and dropped meanwhile is there until the next one. So large
// replies wait for it before the heap comes near its limit.
type garbage struct {
	made atomic.Int64 // bytes of large replies since the last look

	mu    sync.Mutex
	floor int64 // bytes of the heap that were no garbage at the last collection
}

// makeRoom returns once there is memory for a large reply.
func (g *garbage) makeRoom() {
	if g.made.Load() < lookEvery {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.made.Load() < lookEvery {
		return // somebody has looked meanwhile
	}
	g.made.Store(0)
	if limit := debug.SetMemoryLimit(-1); limit < math.MaxInt64 && heap() > max(limit/8*7, g.floor+leastGarbage) {
		runtime.GC()
		g.floor = heap()
	}
}

// heap returns the bytes of all objects, garbage included.
func heap() int64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return int64(sample[0].Value.Uint64())
}
