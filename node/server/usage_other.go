//go:build !unix

package server

import "time"

// cpuTime returns the time that the process has used, where that can be learned.
func cpuTime() (system, user time.Duration) { return 0, 0 }
