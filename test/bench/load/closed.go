package load

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Closed runs clients × pipeline loops, each of which calls op again as soon as
// the last call has returned, for so long. Loops of the same client share
// a connection. Any error ends the work.
func Closed(ctx context.Context, w Work, d time.Duration, op func(ctx context.Context, client int) error) (Result, error) {
	ctx, cancel := context.WithTimeout(ctx, d+30*time.Second)
	defer cancel()
	recorders := make([]*recorder, w.Clients)
	var loops sync.WaitGroup
	var once sync.Once
	var fault error
	start := time.Now()
	end := start.Add(d)
	for c := range w.Clients {
		recorders[c] = newRecorder()
		for range w.Pipeline {
			loops.Go(func() {
				for begin := time.Now(); begin.Before(end); {
					if err := op(ctx, c); err != nil {
						once.Do(func() { fault = err; cancel() })
						return
					}
					now := time.Now()
					recorders[c].add(now.Sub(begin), 1)
					begin = now
				}
			})
		}
	}
	loops.Wait()
	if fault != nil {
		return Result{}, fmt.Errorf("%v: %w", w, fault)
	}
	return result(recorders, time.Since(start)), nil
}
