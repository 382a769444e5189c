// Package goal measures what a table of throughput cannot show: memory, pauses,
// restarts and failovers. Each file has one kind of goal.
package goal

import (
	"context"
	"time"

	"github.com/trivetdb/trivet/test/bench/load"
	"github.com/trivetdb/trivet/test/bench/peer"
	"github.com/trivetdb/trivet/test/bench/report"
)

// An Env is what a run gives to each goal.
type Env struct {
	Machine peer.Machine
	Short   bool // do a little of all
	Say     func(format string, args ...any)
	Busy    time.Duration // of full load on trivet so far in this run
	Changes uint64        // of trivet's leader under that load
}

// scale chooses how much is done.
func (e *Env) scale(full, short int) int {
	if e.Short {
		return short
	}
	return full
}

// A Kind is some goals that are measured together.
type Kind struct {
	Name  string
	Takes time.Duration // about, in a full run
	Do    func(ctx context.Context, e *Env) ([]report.Goal, error)
}

// Kinds are all, in the order of a run.
var Kinds = []Kind{
	{"half-load", 15 * time.Second, halfLoad},
	{"delivery", 10 * time.Second, delivery},
	{"idle", 30 * time.Second, idle},
	{"memory", 40 * time.Second, memory},
	{"snapshot", 5 * time.Minute, snapshot},
	{"restart", 100 * time.Second, restart},
	{"failover", 50 * time.Second, failover},
	{"sigterm", 40 * time.Second, sigterm},
	{"elections", 6 * time.Minute, elections}, // last: it makes the run's load up to ten minutes
}

// dialAll connects to each address.
func dialAll(ctx context.Context, addrs []string) (conns []*load.Conn, err error) {
	for _, addr := range addrs {
		c, err := load.Dial(ctx, addr)
		if err != nil {
			return nil, err
		}
		conns = append(conns, c)
	}
	return conns, nil
}

// milliseconds returns d as a number.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// sleep waits for d, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
