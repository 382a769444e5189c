package load

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Batches has each client send batch after batch of a pipeline's length; send
// puts the i-th request of a client into the buffer. A Watch, which may be nil,
// hears of each batch that was answered.
func Batches(ctx context.Context, addr string, w Work, d time.Duration, watch *Watch, send func(c *Conn, client, i int)) (Result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	conns := make([]*Conn, w.Clients)
	for i := range conns {
		var err error
		if conns[i], err = Dial(ctx, addr); err != nil {
			return Result{}, err
		}
		defer conns[i].Close()
	}
	recorders := make([]*recorder, w.Clients)
	var clients sync.WaitGroup
	start := time.Now()
	for i, c := range conns {
		recorders[i] = newRecorder()
		clients.Go(func() {
			for n := 0; time.Since(start) < d; n += w.Pipeline {
				begin := time.Now()
				if err := c.batch(w.Pipeline, func(k int) { send(c, i, n+k) }); err != nil {
					cancel(err)
					return
				}
				recorders[i].add(time.Since(begin), w.Pipeline)
				watch.answered(w.Pipeline)
			}
		})
	}
	clients.Wait()
	if err := context.Cause(ctx); err != nil {
		return Result{}, fmt.Errorf("%v: %w", w, err)
	}
	return result(recorders, time.Since(start)), nil
}

// batch sends n requests and reads their replies.
func (c *Conn) batch(n int, send func(i int)) error {
	for i := range n {
		send(i)
	}
	if err := c.Flush(); err != nil {
		return err
	}
	for range n {
		if _, err := c.Receive(); err != nil {
			return err
		}
	}
	return nil
}

// A Watch looks for pauses in which no client got an answer.
type Watch struct {
	last, longest, count atomic.Int64 // nanoseconds since the epoch; nanoseconds; requests
}

// Since returns the longest pause and the number of answers since the last
// call, and begins anew.
func (w *Watch) Since() (longest time.Duration, answers int64) {
	return time.Duration(w.longest.Swap(0)), w.count.Swap(0)
}

func (w *Watch) answered(n int) {
	if w == nil {
		return
	}
	now := time.Now().UnixNano()
	last := w.last.Swap(now)
	w.count.Add(int64(n))
	if last == 0 {
		return
	}
	for pause := now - last; ; {
		longest := w.longest.Load()
		if pause <= longest || w.longest.CompareAndSwap(longest, pause) {
			return
		}
	}
}

// pushPop pushes to one end of a list and pops from the other, by turns, so that
// it keeps its length: Keys elements.
func pushPop(ctx context.Context, addr string, w Work, d time.Duration) (Result, error) {
	value := strings.Repeat("x", w.Size)
	return Batches(ctx, addr, w, d, nil, func(c *Conn, _, i int) {
		if i%2 == 0 {
			c.Send("LPUSH", benchList, value)
		} else {
			c.Send("RPOP", benchList)
		}
	})
}
