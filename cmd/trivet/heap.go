package main

import (
	"log/slog"
	"math"
	"os"
	"runtime/debug"

	"github.com/trivetdb/trivet/node/memory"
)

// heapShare is the part of the memory that this process may have, in percent, that
// is the goal of the garbage collector. The rest is for stacks, for what the
// collector is late with, and for the kernel's copies of the log's pages.
const heapShare = 80

// limitHeap makes the garbage collector work harder as the memory that the control
// group allows comes to its end: without it the process is killed with half of
// that memory garbage. GOMEMLIMIT in the environment goes before.
func limitHeap(log *slog.Logger) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	allowed := memory.Allowed("/")
	if allowed == math.MaxInt64 {
		return
	}
	limit := allowed / 100 * heapShare
	debug.SetMemoryLimit(limit)
	log.Info("the control group bounds the memory", "bytes", allowed, "heap", limit)
}
