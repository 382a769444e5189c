package goal

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/trivetdb/trivet/test/bench/load"
	"github.com/trivetdb/trivet/test/bench/peer"
	"github.com/trivetdb/trivet/test/bench/report"
)

// sigterm stops the leader as an operator does, while a client of each node
// writes.
func sigterm(ctx context.Context, e *Env) ([]report.Goal, error) {
	s, err := peer.Trivet.Start(ctx, e.Machine)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	var all []float64
	worst, errors := 0.0, 0
	for range e.scale(7, 1) {
		pause, n, err := stopLeader(ctx, s)
		if err != nil {
			return nil, err
		}
		e.Say("SIGTERM: longest pause %v, %d error replies", pause, n)
		all = append(all, milliseconds(pause))
		worst, errors = max(worst, milliseconds(pause)), errors+n
		if err := s.Processes[s.Lead].Start(); err != nil {
			return nil, err
		}
		if err := s.Settle(ctx); err != nil {
			return nil, err
		}
	}
	return []report.Goal{{
		Name: "SIGTERM of the leader, longest pause of a client", Bound: 50, Unit: "ms", Measured: worst,
		Note: fmt.Sprintf("the longest in %d stops, median %.0f ms; clients of all nodes, the leader's connects to another; %d error replies",
			len(all), report.Median(all), errors),
	}}, nil
}

// stopLeader returns the longest time between two acknowledgements that any
// client saw, and how many replies were errors. A pause that was over before the
// signal does not count.
func stopLeader(ctx context.Context, s *peer.Server) (time.Duration, int, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pauses := make([]time.Duration, len(s.Addrs))
	var faults atomic.Int64
	var signalled atomic.Bool
	var writers sync.WaitGroup
	for i := range s.Addrs {
		writers.Go(func() { pauses[i] = writeOn(ctx, s.Addrs, i, &signalled, &faults) })
	}
	sleep(ctx, 500*time.Millisecond)
	p := s.Processes[s.Lead]
	signalled.Store(true)
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return 0, 0, err
	}
	if !p.Wait(30 * time.Second) {
		return 0, 0, fmt.Errorf("%s does not stop on SIGTERM", p.Name)
	}
	sleep(ctx, 500*time.Millisecond)
	cancel()
	writers.Wait()
	longest := time.Duration(0)
	for _, d := range pauses {
		longest = max(longest, d)
	}
	return longest, int(faults.Load()), nil
}

// writeOn writes one key after the other to the i-th node, or to the next one
// when its connection ends, until ctx ends. It returns the longest pause that
// was not over when the leader was signalled.
func writeOn(ctx context.Context, addrs []string, i int, signalled *atomic.Bool, faults *atomic.Int64) (longest time.Duration) {
	var last time.Time
	for ; ctx.Err() == nil; i++ {
		c, err := load.Dial(ctx, addrs[i%len(addrs)])
		for err == nil {
			if _, err = c.Do("SET", "probe", "x"); err != nil {
				break
			}
			now := time.Now()
			if !last.IsZero() && signalled.Load() {
				longest = max(longest, now.Sub(last))
			}
			last = now
		}
		if c == nil {
			continue
		}
		c.Close()
		if isReply(err) {
			faults.Add(1)
		}
	}
	if last.IsZero() {
		return time.Hour // it never got an answer
	}
	return max(longest, time.Since(last))
}
