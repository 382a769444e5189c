package server

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// A histogram counts durations in eight buckets an octave, from a microsecond to
// half a minute. All methods may be called from many goroutines.
type histogram struct {
	buckets [octaves * perOctave]atomic.Uint64
}

const (
	perOctave = 8
	octaves   = 25
	unit      = 10 // the first octave begins at 2^10 ns, as Redis's does
)

// bucketOf returns the bucket of a duration; those that are too short or too long
// are in the first and the last.
func bucketOf(d time.Duration) int {
	n := uint64(max(d, 1<<unit))
	octave := bits.Len64(n) - 1
	return min((octave-unit)*perOctave+int(n>>(octave-3))&(perOctave-1), octaves*perOctave-1)
}

// upTo returns where a bucket ends.
func upTo(bucket int) time.Duration {
	octave, part := bucket/perOctave, bucket%perOctave
	return time.Duration((perOctave+part+1)<<(octave+unit-3)) - 1
}

func (h *histogram) add(d time.Duration) { h.buckets[bucketOf(d)].Add(1) }

func (h *histogram) total() (n uint64) {
	for i := range h.buckets {
		n += h.buckets[i].Load()
	}
	return n
}

// percentile returns what a part of the durations, in percent, do not exceed.
func (h *histogram) percentile(percent float64) time.Duration {
	need := percent / 100 * float64(h.total())
	var n uint64
	for i := range h.buckets {
		if n += h.buckets[i].Load(); n > 0 && float64(n) >= need {
			return upTo(i)
		}
	}
	return 0
}

// octave is a part of what LATENCY HISTOGRAM shows: how many durations were
// shorter than a number of microseconds.
type octave struct{ usec, count uint64 }

// cumulated returns the octaves in which something was counted.
func (h *histogram) cumulated() []octave {
	var list []octave
	var n uint64
	for i := range octaves {
		before := n
		for j := range perOctave {
			n += h.buckets[i*perOctave+j].Load()
		}
		if n > before {
			list = append(list, octave{uint64(upTo(i*perOctave+perOctave-1)+1) / 1000, n})
		}
	}
	return list
}

// histogram returns the durations of a row's commands; nil where there was none.
func (r *rowStats) histogram() *histogram { return r.times.Load() }

// timed counts how long a command took.
func (r *rowStats) timed(d time.Duration) {
	h := r.times.Load()
	if h == nil {
		h = new(histogram)
		if !r.times.CompareAndSwap(nil, h) {
			h = r.times.Load()
		}
	}
	if h != nil {
		h.add(d)
	}
}
