package server

import "sync/atomic"

// thresholds say what SLOWLOG, LATENCY and ACL LOG keep, and how much may wait for
// a client. Any goroutine may set them; the
// names in the comments are those of Redis's parameters.
type thresholds struct {
	slowerThan atomic.Int64 // slowlog-log-slower-than: microseconds; 0 keeps all, less keeps none
	slowMaxLen atomic.Int64 // slowlog-max-len: entries
	latency    atomic.Int64 // latency-monitor-threshold: milliseconds; 0 keeps none
	denied     atomic.Int64 // acllog-max-len: entries
	replies    atomic.Int64 // client-output-buffer-limit normal: bytes; 0 for any number
	messages   atomic.Int64 // client-output-buffer-limit pubsub: the same
}

// The defaults are Redis's.
const (
	defaultSlowerThan = 10_000
	defaultSlowMaxLen = 128
	defaultDenied     = 128
)
