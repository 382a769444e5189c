package goal

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/trivetdb/trivet/test/bench/load"
	"github.com/trivetdb/trivet/test/bench/peer"
	"github.com/trivetdb/trivet/test/bench/report"
)

// snapshot has nodes with many keys take snapshots under full load of writes.
func snapshot(ctx context.Context, e *Env) ([]report.Goal, error) {
	keys := e.scale(5_000_000, 20_000)
	s, err := loaded(ctx, e, peer.Trivet, keys)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	// With fresh snapshots none becomes due while the load is measured without.
	if _, err := saveAll(ctx, s.Addrs); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var watch load.Watch
	ended := make(chan error, 1)
	w := load.Work{Name: "SET", Size: 64, Clients: 50, Pipeline: 16}
	go func() {
		_, err := load.Batches(ctx, s.Addrs[s.Lead], w, time.Hour, &watch, setter(keys, 64))
		ended <- err
	}()
	goals, err := underLoad(ctx, e, s, &watch, keys)
	cancel()
	if fault := <-ended; !errors.Is(fault, context.Canceled) {
		return nil, fault
	}
	return goals, err
}

// loaded starts a server and sets keys of 64 bytes.
func loaded(ctx context.Context, e *Env, k peer.Kind, keys int) (*peer.Server, error) {
	s, err := k.Start(ctx, e.Machine)
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	if err := load.LoadKeys(ctx, s.Addrs[s.Lead], keys, 64); err != nil {
		s.Close()
		return nil, err
	}
	e.Say("%s: %d keys set in %.1f s", k.Name, keys, time.Since(begin).Seconds())
	return s, nil
}

// underLoad compares spans of time without a snapshot, with one of the leader
// and with one of all nodes at once, as they would be due by themselves.
func underLoad(ctx context.Context, e *Env, s *peer.Server, watch *load.Watch, keys int) (goals []report.Goal, err error) {
	second := time.Duration(e.scale(1000, 200)) * time.Millisecond
	sleep(ctx, 2*second)
	watch.Since()
	sleep(ctx, 5*second)
	without, n := watch.Since()
	rate := float64(n) / (5 * second).Seconds()
	for _, of := range []struct {
		name  string
		addrs []string
	}{{"on the leader", s.Addrs[s.Lead : s.Lead+1]}, {"on all nodes at once", s.Addrs}} {
		watch.Since()
		took, err := saveAll(ctx, of.addrs)
		if err != nil {
			return nil, err
		}
		longest, n := watch.Since()
		during := float64(n) / took.Seconds()
		name := fmt.Sprintf("snapshot of %d keys under full load, %s", keys, of.name)
		goals = append(goals,
			report.Goal{Name: name + ": longest stall", Bound: 20, Unit: "ms", Measured: milliseconds(longest),
				Note: fmt.Sprintf("longest time in which none of 50 clients got an answer; %.1f ms without a snapshot; it took %.1f s", milliseconds(without), took.Seconds())},
			report.Goal{Name: name + ": throughput", Against: "without", Bound: 0.7, AtLeast: true, Unit: "×", Measured: during / rate,
				Note: fmt.Sprintf("%s against %s a second, SET, pipeline 16", report.Count(during), report.Count(rate))})
		sleep(ctx, second)
	}
	return goals, nil
}

// saveAll has nodes take a snapshot at once, and returns how long all took.
func saveAll(ctx context.Context, addrs []string) (time.Duration, error) {
	conns, err := dialAll(ctx, addrs)
	if err != nil {
		return 0, err
	}
	begin := time.Now()
	for _, c := range conns {
		defer c.Close()
		if _, err := c.Do("BGSAVE"); err != nil {
			return 0, err
		}
	}
	for _, c := range conns {
		for {
			reply, err := c.Do("INFO", "persistence")
			if err != nil {
				return 0, err
			}
			text, _ := reply.(string)
			if strings.Contains(text, "rdb_last_bgsave_status:err") {
				return 0, fmt.Errorf("the snapshot failed; see INFO persistence:\n%s", text)
			}
			if strings.Contains(text, "rdb_bgsave_in_progress:0") {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	return time.Since(begin), nil
}
