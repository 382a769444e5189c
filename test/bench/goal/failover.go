package goal

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/trivetdb/trivet/test/bench/load"
	"github.com/trivetdb/trivet/test/bench/peer"
	"github.com/trivetdb/trivet/test/bench/report"
)

// failover kills the leader again and again.
func failover(ctx context.Context, e *Env) ([]report.Goal, error) {
	s, err := peer.Trivet.Start(ctx, e.Machine)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	var took []float64
	for range e.scale(11, 2) {
		d, err := killLeader(ctx, s)
		if err != nil {
			return nil, err
		}
		took = append(took, d.Seconds())
		e.Say("kill -9 to the first write: %.3f s", d.Seconds())
		if err := s.Processes[s.Lead].Start(); err != nil {
			return nil, err
		}
		if err := s.Settle(ctx); err != nil {
			return nil, err
		}
	}
	return []report.Goal{{
		Name: "kill -9 of the leader to the first write acknowledged", Bound: 0.6, Unit: "s", Measured: report.Median(took),
		Note: fmt.Sprintf("median of %d kills, %.2f to %.2f s; the write goes to either survivor", len(took), slices.Min(took), slices.Max(took)),
	}}, nil
}

// killLeader returns the time from the leader's end to the first
// acknowledgement of a write that was sent after it.
func killLeader(ctx context.Context, s *peer.Server) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	conns, err := dialAll(ctx, others(s))
	if err != nil {
		return 0, err
	}
	s.Processes[s.Lead].Kill()
	begin := time.Now()
	acknowledged := make(chan time.Duration, len(conns))
	for _, c := range conns {
		go func() {
			for ctx.Err() == nil {
				if _, err := c.Do("SET", "probe", "x"); err == nil {
					acknowledged <- time.Since(begin)
					return
				} else if !isReply(err) {
					return // the other one will do
				}
				time.Sleep(time.Millisecond)
			}
		}()
	}
	select {
	case d := <-acknowledged:
		return d, nil
	case <-ctx.Done():
		return 0, fmt.Errorf("no write was acknowledged: %w", ctx.Err())
	}
}

func isReply(err error) bool {
	_, ok := err.(load.Error)
	return ok
}

// others returns the addresses of the nodes that do not lead.
func others(s *peer.Server) []string {
	return slices.Delete(slices.Clone(s.Addrs), s.Lead, s.Lead+1)
}
