package goal

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/trivetdb/trivet/test/bench/load"
	"github.com/trivetdb/trivet/test/bench/peer"
	"github.com/trivetdb/trivet/test/bench/report"
)

// elections puts full load on all nodes, for as long as the run's load so far
// falls short of ten minutes, and counts new terms.
func elections(ctx context.Context, e *Env) ([]report.Goal, error) {
	long := max(10*time.Minute-e.Busy, 10*time.Second)
	if e.Short {
		long = time.Second
	}
	s, err := peer.Trivet.Start(ctx, e.Machine)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	before, err := s.Status(ctx, s.Lead)
	if err != nil {
		return nil, err
	}
	e.Say("full load for %v", long.Round(time.Second))
	if err := fullLoad(ctx, s, long); err != nil {
		return nil, err
	}
	after, err := s.Status(ctx, s.Lead)
	if err != nil {
		return nil, err
	}
	e.Busy += long
	e.Changes += after.Node.Term - before.Node.Term
	return []report.Goal{{
		Name: "false elections under full load", Bound: 0, Unit: "elections", Measured: float64(e.Changes),
		Note: fmt.Sprintf("new terms in %.1f minutes: all of this run's load on trivet, and SET with GET on all nodes at once", e.Busy.Minutes()),
	}}, nil
}

// fullLoad writes to the leader and reads from all nodes.
func fullLoad(ctx context.Context, s *peer.Server, d time.Duration) error {
	faults := make([]error, len(s.Addrs)+1)
	var all sync.WaitGroup
	all.Go(func() {
		_, faults[0] = load.Batches(ctx, s.Addrs[s.Lead], load.Work{Name: "SET", Clients: 50, Pipeline: 16}, d, nil, setter(load.Keyspace, 64))
	})
	for i, addr := range s.Addrs {
		all.Go(func() {
			_, faults[i+1] = load.Batches(ctx, addr, load.Work{Name: "GET", Clients: 20, Pipeline: 1}, d, nil, func(c *load.Conn, _, k int) {
				c.Send("GET", fmt.Sprintf("key:%012d", k%load.Keyspace))
			})
		})
	}
	all.Wait()
	return errors.Join(faults...)
}
