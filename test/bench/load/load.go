// Package load makes work for a server and measures what its clients see.
//
// Servers that speak the Redis protocol are driven by redis-benchmark, where it
// can do the work, and by Go code where it cannot: jobs, paced load, and load
// whose pauses are watched. Other servers are driven through their Go clients.
package load

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Work says what clients do.
type Work struct {
	Name     string `json:"name"`     // such as SET
	Size     int    `json:"size"`     // bytes of a value
	Clients  int    `json:"clients"`  // connections
	Pipeline int    `json:"pipeline"` // requests under way on each connection
	Keys     int    `json:"keys,omitempty"`
}

// warm is for how long work is done before it is measured.
const warm = 300 * time.Millisecond

// Keyspace is how many keys work is spread over where its Keys is 0.
const Keyspace = 100_000

// String names the work as Go benchmarks are named.
func (w Work) String() string {
	s := fmt.Sprintf("%s/size=%d/clients=%d/pipeline=%d", w.Name, w.Size, w.Clients, w.Pipeline)
	if w.Keys != 0 {
		s += fmt.Sprintf("/keys=%d", w.Keys)
	}
	return s
}

func (w Work) keys() int {
	if w.Keys == 0 {
		return Keyspace
	}
	return w.Keys
}

// A Result is what was measured of some work. Latencies are in milliseconds; with
// a pipeline they are those of a request among the others of its batch.
type Result struct {
	Ops     int64   `json:"ops"`
	Seconds float64 `json:"seconds"`
	Rate    float64 `json:"rate"` // operations a second
	P50     float64 `json:"p50"`
	P99     float64 `json:"p99"`
	P999    float64 `json:"p999"`
}

// A Target is a server that can be given work.
type Target interface {
	// Can reports whether the server knows this work.
	Can(w Work) bool
	// Prepare makes what the work needs, does it for a short time to get warm, and
	// returns a function that does it for about d. That is to be called once.
	Prepare(ctx context.Context, w Work, d time.Duration) (func(ctx context.Context) (Result, error), error)
}

// A recorder collects latencies. Its methods may be called from any goroutine.
type recorder struct {
	mu sync.Mutex
	h  *hdrhistogram.Histogram // microseconds
}

func newRecorder() *recorder {
	return &recorder{h: hdrhistogram.New(1, time.Minute.Microseconds(), 3)}
}

// add notes n operations that took d each.
func (r *recorder) add(d time.Duration, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	us := min(max(d.Microseconds(), 1), time.Minute.Microseconds())
	r.h.RecordValues(us, int64(n)) // never an error: us is within the bounds
}

// result sums up what some recorders have of a span of time.
func result(recorders []*recorder, took time.Duration) Result {
	all := newRecorder()
	for _, r := range recorders {
		all.h.Merge(r.h)
	}
	return Result{
		Ops: all.h.TotalCount(), Seconds: took.Seconds(), Rate: float64(all.h.TotalCount()) / took.Seconds(),
		P50:  float64(all.h.ValueAtPercentile(50)) / 1000,
		P99:  float64(all.h.ValueAtPercentile(99)) / 1000,
		P999: float64(all.h.ValueAtPercentile(99.9)) / 1000,
	}
}
