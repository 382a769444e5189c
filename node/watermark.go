package node

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
)

// A watermark is a number that only grows, and that can be waited for.
type watermark struct {
	at      atomic.Uint64
	mu      sync.Mutex
	waiting []waiter
}

type waiter struct {
	index   uint64
	reached chan struct{}
}

func (w *watermark) load() uint64 { return w.at.Load() }

// advance raises the mark and wakes those that waited for it.
func (w *watermark) advance(index uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if index <= w.at.Load() {
		return
	}
	w.at.Store(index)
	w.waiting = slices.DeleteFunc(w.waiting, func(x waiter) bool {
		if x.index > index {
			return false
		}
		close(x.reached)
		return true
	})
}

// wait returns once the mark is index or more, or with ctx's error.
func (w *watermark) wait(ctx context.Context, index uint64) error {
	if w.at.Load() >= index {
		return nil
	}
	w.mu.Lock()
	if w.at.Load() >= index {
		w.mu.Unlock()
		return nil
	}
	x := waiter{index, make(chan struct{})}
	w.waiting = append(w.waiting, x)
	w.mu.Unlock()
	select {
	case <-x.reached:
		return nil
	case <-ctx.Done():
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting = slices.DeleteFunc(w.waiting, func(y waiter) bool { return y == x })
	return ctx.Err()
}
