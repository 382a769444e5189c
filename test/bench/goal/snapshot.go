package goal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/trivetdb/trivet/test/bench/load"
	"github.com/trivetdb/trivet/test/bench/peer"
	"github.com/trivetdb/trivet/test/bench/report"
)

// all are the nodes of trivet.
var all = []int{0, 1, 2}

// snapshot has nodes with many keys take snapshots under full load of writes, and
// a redis-server rewrite its file.
func snapshot(ctx context.Context, e *Env) ([]report.Goal, error) {
	keys := e.scale(5_000_000, 20_000)
	s, err := loaded(ctx, e, peer.Trivet, keys)
	if err != nil {
		return nil, err
	}
	var watch load.Watch
	stop := overwrite(ctx, s, keys, &watch)
	goals, err := underLoad(ctx, e, s, &watch, keys)
	err = errors.Join(err, stop())
	s.Close()
	if err != nil {
		return nil, err
	}
	theirs, err := rewriteUnderLoad(ctx, e, keys)
	if err != nil {
		return nil, err
	}
	for i := range goals {
		goals[i].Note += "; " + theirs
	}
	return goals, nil
}

// overwrite sets keys at random until it is stopped.
func overwrite(ctx context.Context, s *peer.Server, keys int, watch *load.Watch) (stop func() error) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	w := load.Work{Name: "SET", Size: 64, Clients: 50, Pipeline: 16}
	go func() {
		_, err := load.Batches(ctx, s.Addrs[s.Lead], w, time.Hour, watch, setter(keys, 64))
		ended <- err
	}()
	return func() error {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			return err
		}
		return nil
	}
}

// rewriteUnderLoad says how a redis-server with two replicas does at BGREWRITEAOF,
// its likeness of a snapshot.
func rewriteUnderLoad(ctx context.Context, e *Env, keys int) (string, error) {
	s, err := loaded(ctx, e, peer.Replicated, keys)
	if err != nil {
		return "", err
	}
	defer s.Close()
	c, err := load.Dial(ctx, s.Addrs[s.Lead])
	if err != nil {
		return "", err
	}
	defer c.Close()
	var watch load.Watch
	stop := overwrite(ctx, s, keys, &watch)
	longest, during, rate, err := rewrite(ctx, e, c, &watch)
	if err := errors.Join(err, stop()); err != nil {
		return "", err
	}
	return fmt.Sprintf("redis-server with two replicas at BGREWRITEAOF of its own: %.0f ms, %.2f × of %s a second",
		milliseconds(longest), during/rate, report.Count(rate)), nil
}

// rewrite has a redis-server rewrite its file, and returns the longest stall
// meanwhile, how much was written a second, and how much without.
func rewrite(ctx context.Context, e *Env, c *load.Conn, watch *load.Watch) (longest time.Duration, during, without float64, err error) {
	second := time.Duration(e.scale(1000, 200)) * time.Millisecond
	if err := rewritten(ctx, c); err != nil { // one that loading has caused
		return 0, 0, 0, err
	}
	sleep(ctx, second)
	watch.Since()
	sleep(ctx, 5*second)
	_, n := watch.Since()
	without = float64(n) / (5 * second).Seconds()
	begin := time.Now()
	if _, err := c.Do("BGREWRITEAOF"); err != nil {
		return 0, 0, 0, fmt.Errorf("BGREWRITEAOF: %w", err)
	}
	if err := rewritten(ctx, c); err != nil {
		return 0, 0, 0, err
	}
	longest, n = watch.Since()
	return longest, float64(n) / time.Since(begin).Seconds(), without, nil
}

// rewritten waits until a redis-server does not rewrite its file.
func rewritten(ctx context.Context, c *load.Conn) error {
	for ctx.Err() == nil {
		reply, err := c.Do("INFO", "persistence")
		if err != nil {
			return err
		}
		text := fmt.Sprintf("%s", reply)
		if strings.Contains(text, "aof_rewrite_in_progress:0") && strings.Contains(text, "aof_rewrite_scheduled:0") {
			return nil
		}
		sleep(ctx, 20*time.Millisecond)
	}
	return ctx.Err()
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
	sleep(ctx, second)
	// After these none becomes due while the load is measured without.
	if _, err := saveAll(ctx, s, all); err != nil {
		return nil, err
	}
	sleep(ctx, second)
	watch.Since()
	sleep(ctx, 5*second)
	without, n := watch.Since()
	rate := float64(n) / (5 * second).Seconds()
	for _, of := range []struct {
		name  string
		nodes []int
	}{{"on the leader", []int{s.Lead}}, {"on all nodes at once", all}} {
		watch.Since()
		took, err := saveAll(ctx, s, of.nodes)
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
func saveAll(ctx context.Context, s *peer.Server, nodes []int) (time.Duration, error) {
	begin := time.Now()
	took, faults := make([]time.Duration, len(nodes)), make([]error, len(nodes))
	var saves sync.WaitGroup
	for i, n := range nodes {
		saves.Go(func() {
			faults[i] = save(ctx, s, n)
			took[i] = time.Since(begin)
		})
	}
	saves.Wait()
	return slices.Max(took), errors.Join(faults...)
}

// save has a node take a snapshot and waits for it.
func save(ctx context.Context, s *peer.Server, node int) error {
	before, err := s.Status(ctx, node)
	if err != nil {
		return err
	}
	c, err := load.Dial(ctx, s.Addrs[node])
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.Do("SAVE"); err != nil {
		return fmt.Errorf("SAVE: %w", err)
	}
	after, err := s.Status(ctx, node)
	if err == nil && after.Node.SnapshotAt <= before.Node.SnapshotAt {
		return fmt.Errorf("node %d took no snapshot: index %d after %d", node, after.Node.SnapshotAt, before.Node.SnapshotAt)
	}
	return err
}
