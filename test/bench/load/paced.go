package load

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Paced has the clients send so many requests a second together, one at a time
// each, whether or not those before were quick: a request that had to wait for
// the one before it counts from when it was due.
func Paced(ctx context.Context, addr string, w Work, rate float64, d time.Duration, send func(c *Conn, client, i int)) (Result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	recorders := make([]*recorder, w.Clients)
	every := time.Duration(float64(w.Clients) / rate * float64(time.Second))
	var clients sync.WaitGroup
	start := time.Now()
	for i := range w.Clients {
		recorders[i] = newRecorder()
		clients.Go(func() {
			first := start.Add(every * time.Duration(i) / time.Duration(w.Clients))
			if err := pace(ctx, addr, first, start.Add(d), every, recorders[i], func(c *Conn, k int) { send(c, i, k) }); err != nil {
				cancel(err)
			}
		})
	}
	clients.Wait()
	if err := context.Cause(ctx); err != nil {
		return Result{}, fmt.Errorf("%v: %w", w, err)
	}
	return result(recorders, time.Since(start)), nil
}

// pace is one client of Paced. A sleep that ends late is the client's fault, not
// the server's: then the request counts from when it was sent.
func pace(ctx context.Context, addr string, due, end time.Time, every time.Duration, r *recorder, send func(c *Conn, i int)) error {
	c, err := Dial(ctx, addr)
	if err != nil {
		return err
	}
	defer c.Close()
	for i := 0; due.Before(end); i++ {
		from := due
		if time.Now().Before(due) {
			time.Sleep(time.Until(due))
			from = time.Now()
		}
		if err := c.batch(1, func(int) { send(c, i) }); err != nil {
			return err
		}
		r.add(time.Since(from), 1)
		due = due.Add(every)
	}
	return nil
}
