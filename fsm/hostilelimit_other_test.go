//go:build race || !linux

package fsm

import "time"

// With the race detector all takes much longer and more memory, and elsewhere
// nothing bounds memory as Linux does.
const hostileRuns = false

func limitMemory(uint64) error { return nil }
func cpuTime() time.Duration   { return 0 }
