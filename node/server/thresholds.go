package server

import "sync/atomic"

// thresholds say what SLOWLOG and LATENCY keep. Any goroutine may set them; the
// names in the comments are those of Redis's parameters.
type thresholds struct {
	slowerThan atomic.Int64 // slowlog-log-slower-than: microseconds; 0 keeps all, less keeps none
	slowMaxLen atomic.Int64 // slowlog-max-len: entries
	latency    atomic.Int64 // latency-monitor-threshold: milliseconds; 0 keeps none
}

// The defaults are Redis's.
const (
	defaultSlowerThan = 10_000
	defaultSlowMaxLen = 128
)
