package goal

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/trivetdb/trivet/test/bench/load"
	"github.com/trivetdb/trivet/test/bench/peer"
	"github.com/trivetdb/trivet/test/bench/report"
)

// idle has clients of all nodes wait for a list that nobody pushes to.
func idle(ctx context.Context, e *Env) ([]report.Goal, error) {
	n := e.scale(10_000, 300)
	s, err := peer.TrivetWith("--max-clients", fmt.Sprint(n+100)).Start(ctx, e.Machine)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	watch := time.Duration(e.scale(8000, 500)) * time.Millisecond
	sleep(ctx, watch/2) // until nothing of the start is left to do
	cpuBefore, memoryBefore, err := rest(ctx, s, watch)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // which closes the connections
	if err := block(ctx, s.Addrs, n); err != nil {
		return nil, err
	}
	sleep(ctx, watch/2)
	cpu, memory, err := rest(ctx, s, watch)
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("%d idle blocked clients", n)
	return []report.Goal{
		{Name: name + ", memory of each", Bound: 20, Unit: "KB", Measured: float64(memory-memoryBefore) / 1000 / float64(n),
			Note: "growth of the resident memory of all three nodes; a third of the clients on each"},
		{Name: name + ", processor", Bound: 1, Unit: "% of a core", Measured: max(0, 100*(cpu-cpuBefore)),
			Note: fmt.Sprintf("%.1f %% of a core with them, %.1f %% before, all three nodes together", 100*cpu, 100*cpuBefore)},
	}, nil
}

// rest watches a server that nobody asks anything: cores that it uses, and bytes
// of memory.
func rest(ctx context.Context, s *peer.Server, d time.Duration) (cores float64, memory int64, err error) {
	before, err := s.CPU()
	if err != nil {
		return 0, 0, err
	}
	sleep(ctx, d)
	after, err := s.CPU()
	if err != nil {
		return 0, 0, err
	}
	memory, _, err = s.Resident()
	return (after - before) / d.Seconds(), memory, err
}

// block connects n clients that wait for ever. Their connections close when ctx
// ends.
func block(ctx context.Context, addrs []string, n int) error {
	const dialers = 20
	faults := make([]error, dialers)
	var all sync.WaitGroup
	for d := range dialers {
		all.Go(func() {
			for i := d; i < n && faults[d] == nil; i += dialers {
				faults[d] = blockOne(ctx, addrs[i%len(addrs)])
			}
		})
	}
	all.Wait()
	for _, err := range faults {
		if err != nil {
			return fmt.Errorf("connect %d clients (is the limit of open files, ulimit -n, above %d?): %w", n, n+100, err)
		}
	}
	return nil
}

func blockOne(ctx context.Context, addr string) error {
	c, err := load.Dial(ctx, addr)
	if err != nil {
		return err
	}
	c.Send("BRPOP", "idle", "0")
	return c.Flush()
}
