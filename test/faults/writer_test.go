package faults

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trivetdb/trivet/test/cluster"
)

// A load is writers on every node that count what was acknowledged.
type load struct {
	t       *testing.T
	writers []*writer
	stop    chan struct{}
	wait    sync.WaitGroup
	acked   atomic.Int64 // by all writers
	lastAck sync.Map     // *cluster.Node -> time.Time of the newest acknowledgement
}

// A writer has one connection to one node, and keys of its own: a counter
// that it increments, and a key for each increment.
type writer struct {
	node    *cluster.Node
	counter string
	acked   int64 // increments that were acknowledged
	unknown int64 // increments whose outcome is not known
	last    int64 // the newest reply
	open    int64 // increments of unknown outcome since that
	sets    []int64
	errs    []error // while the node was to live
	mayFail atomic.Bool
}

func startLoad(t *testing.T, nodes []*cluster.Node, each int) *load {
	l := &load{t: t, stop: make(chan struct{})}
	for _, n := range nodes {
		for i := range each {
			w := &writer{node: n, counter: fmt.Sprintf("counter:%s:%d", n.Name, i)}
			l.writers = append(l.writers, w)
			l.wait.Add(1)
			go func() {
				defer l.wait.Done()
				l.run(w)
			}()
		}
	}
	return l
}

// mayFail says that a node is about to end, or is back.
func (l *load) mayFail(n *cluster.Node, may bool) {
	for _, w := range l.writers {
		if w.node == n {
			w.mayFail.Store(may)
		}
	}
}

func (l *load) run(w *writer) {
	ctx := context.Background()
	var conn *redis.Client
	for {
		select {
		case <-l.stop:
			if conn != nil {
				conn.Close()
			}
			return
		default:
		}
		if conn == nil {
			conn = redis.NewClient(&redis.Options{Addr: w.node.Redis, MaxRetries: -1, DialerRetries: 1, PoolSize: 1,
				DialTimeout: time.Second, ReadTimeout: 15 * time.Second})
		}
		if err := l.step(ctx, w, conn); err != nil {
			if !w.mayFail.Load() {
				w.errs = append(w.errs, err)
			}
			conn.Close()
			conn = nil
			time.Sleep(20 * time.Millisecond)
		}
	}
}

// step increments the counter and sets the key that belongs to the result.
func (l *load) step(ctx context.Context, w *writer, conn *redis.Client) error {
	got, err := conn.Incr(ctx, w.counter).Result()
	if err != nil {
		if !notApplied(err) {
			w.unknown++
			w.open++
		}
		return err
	}
	if got <= w.last || got > w.last+1+w.open {
		w.errs = append(w.errs, fmt.Errorf("INCR answered %d after %d with %d of unknown outcome", got, w.last, w.open))
	}
	w.last, w.open = got, 0
	w.acked++
	l.acked.Add(1)
	l.lastAck.Store(w.node, time.Now())
	if err := conn.Set(ctx, fmt.Sprintf("%s:%d", w.counter, got), got, 0).Err(); err != nil {
		return err
	}
	w.sets = append(w.sets, got)
	l.acked.Add(1)
	return nil
}

// notApplied reports whether an error is sure to mean that nothing was done:
// the connection could not be made, or the node said so.
func notApplied(err error) bool {
	return strings.Contains(err.Error(), "connection refused") || strings.HasPrefix(err.Error(), "LOADING") ||
		strings.HasPrefix(err.Error(), "MOVED")
}

// untilAck waits until a write that was sent after now is acknowledged by one
// of the nodes, and returns how long that took.
func (l *load) untilAck(by []*cluster.Node, since time.Time, within time.Duration) time.Duration {
	l.t.Helper()
	for time.Since(since) < within {
		for _, n := range by {
			// A write acknowledged this long after the fault was under way
			// through it, or is newer.
			if at, ok := l.lastAck.Load(n); ok && at.(time.Time).Sub(since) > 20*time.Millisecond {
				return at.(time.Time).Sub(since)
			}
		}
		time.Sleep(time.Millisecond)
	}
	l.t.Fatalf("no write was acknowledged for %v", within)
	return 0
}

// finish stops the writers and checks every acknowledgement.
func (l *load) finish(c *cluster.Cluster) {
	l.t.Helper()
	close(l.stop)
	l.wait.Wait()
	leader := c.Settled()
	conn := leader.Client()
	defer conn.Close()
	ctx := context.Background()
	var acked, unknown int64
	for _, w := range l.writers {
		for _, err := range w.errs {
			l.t.Errorf("%s: %v", w.counter, err)
		}
		got, err := conn.Get(ctx, w.counter).Int64()
		if err != nil && !errors.Is(err, redis.Nil) {
			l.t.Fatal(err)
		}
		if got < w.acked || got > w.acked+w.unknown {
			l.t.Errorf("%s is %d, with %d increments acknowledged and %d unknown", w.counter, got, w.acked, w.unknown)
		}
		if w.acked == 0 {
			l.t.Errorf("%s: nothing was acknowledged", w.counter)
		}
		l.checkSets(ctx, conn, w)
		acked += w.acked + int64(len(w.sets))
		unknown += w.unknown
	}
	c.SameState()
	l.t.Logf("%d writes acknowledged, %d increments of unknown outcome, none lost, none applied twice", acked, unknown)
}

func (l *load) checkSets(ctx context.Context, conn *redis.Client, w *writer) {
	const page = 500
	for from := 0; from < len(w.sets); from += page {
		part := w.sets[from:min(from+page, len(w.sets))]
		var keys []string
		for _, n := range part {
			keys = append(keys, fmt.Sprintf("%s:%d", w.counter, n))
		}
		values, err := conn.MGet(ctx, keys...).Result()
		if err != nil {
			l.t.Fatal(err)
		}
		for i, v := range values {
			if v != fmt.Sprint(part[i]) {
				l.t.Errorf("%s was acknowledged and is %v", keys[i], v)
			}
		}
	}
}
