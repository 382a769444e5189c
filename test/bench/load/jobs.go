package load

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Jobs has half of the clients push jobs with LPUSH and the other half wait for
// them with BRPOP. No more jobs are on their way than there are workers; the
// latency is that from the push of a job to its arrival.
func Jobs(ctx context.Context, addr string, w Work, d time.Duration) (Result, error) {
	pairs := max(1, w.Clients/2)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	free := make(chan struct{}, pairs) // a worker each that waits for a job
	for range pairs {
		free <- struct{}{}
	}
	begun := time.Now()
	recorders := make([]*recorder, pairs)
	var producers, workers sync.WaitGroup
	for i := range pairs {
		recorders[i] = newRecorder()
		producers.Go(func() {
			if err := produce(ctx, addr, w.Size, begun, begun.Add(d), free); err != nil {
				cancel(err)
			}
		})
		workers.Go(func() {
			if err := work(ctx, addr, begun, recorders[i], free); err != nil {
				cancel(err)
			}
		})
	}
	producers.Wait()
	took := time.Since(begun)
	if err := stopWorkers(ctx, addr, pairs); err != nil {
		cancel(err)
	}
	workers.Wait()
	if err := context.Cause(ctx); err != nil {
		return Result{}, fmt.Errorf("%v: %w", w, err)
	}
	return result(recorders, took), nil
}

const jobList = "jobs"

// produce pushes jobs that carry the time of their push since begun.
func produce(ctx context.Context, addr string, size int, begun, end time.Time, free <-chan struct{}) error {
	c, err := Dial(ctx, addr)
	if err != nil {
		return err
	}
	defer c.Close()
	for time.Now().Before(end) {
		select {
		case <-free:
		case <-ctx.Done():
			return nil
		}
		if _, err := c.Do("LPUSH", jobList, fmt.Sprintf("%-*d", size, time.Since(begun))); err != nil {
			return err
		}
	}
	return nil
}

// work takes jobs until one is empty.
func work(ctx context.Context, addr string, begun time.Time, r *recorder, free chan<- struct{}) error {
	c, err := Dial(ctx, addr)
	if err != nil {
		return err
	}
	defer c.Close()
	for {
		reply, err := c.Do("BRPOP", jobList, "0")
		if err != nil {
			return err
		}
		arrived := time.Since(begun)
		pair, ok := reply.([]any)
		if !ok || len(pair) != 2 {
			return fmt.Errorf("BRPOP answered %v", reply)
		}
		job := pair[1].(string)
		if job == "" {
			return nil
		}
		var pushed time.Duration
		if _, err := fmt.Sscan(strings.TrimSpace(job), (*int64)(&pushed)); err != nil {
			return fmt.Errorf("job %q: %w", job, err)
		}
		r.add(arrived-pushed, 1)
		select {
		case free <- struct{}{}:
		default: // the producers have ended
		}
	}
}

// stopWorkers pushes an empty job for each.
func stopWorkers(ctx context.Context, addr string, n int) error {
	c, err := Dial(ctx, addr)
	if err != nil {
		return err
	}
	defer c.Close()
	for range n {
		if _, err := c.Do("LPUSH", jobList, ""); err != nil {
			return err
		}
	}
	return nil
}
