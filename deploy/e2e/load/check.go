package load

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// readAt is the target that is asked what the store holds.
const readAt = "trivet"

// check compares what the clients of a round remember with what the store
// holds.
func (l *Load) check(ctx context.Context, round int) (Report, error) {
	l.mu.Lock()
	config := l.config
	var histories []*history
	if round < len(l.rounds) {
		histories = l.rounds[round].histories
	}
	l.mu.Unlock()
	var r Report
	if len(histories) == 0 {
		return r, nil
	}
	o, err := config.options(config.Targets[readAt], Default)
	if err != nil {
		return r, err
	}
	o.OnConnect = func(ctx context.Context, conn *redis.Conn) error {
		return conn.Process(ctx, redis.NewStatusCmd(ctx, "client", "reads", "linearizable"))
	}
	conn := redis.NewClient(o)
	defer conn.Close()
	for _, h := range histories {
		h.mu.Lock()
		r.sum(h)
		h.mu.Unlock()
		lost, doubled, err := again(ctx, func() (int64, int64, error) { return h.check(ctx, conn) })
		if err != nil {
			return r, fmt.Errorf("read %s: %w", h.key, err)
		}
		r.Lost += lost
		r.Doubled += doubled
		if lost+doubled > 0 && len(r.Faults) < mostFaults {
			r.Faults = append(r.Faults, fmt.Sprintf("%s (%s client of %s): %d lost, %d doubled", h.key, h.kind, h.target, lost, doubled))
		}
	}
	return r, nil
}

// again calls f until it succeeds or ctx ends.
func again(ctx context.Context, f func() (int64, int64, error)) (int64, int64, error) {
	for {
		lost, doubled, err := f()
		if err == nil || ctx.Err() != nil {
			return lost, doubled, err
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// check compares one client's history with the store.
func (h *history) check(ctx context.Context, conn *redis.Client) (lost, doubled int64, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	found, err := h.read(ctx, conn)
	if err != nil {
		return 0, 0, err
	}
	lost, doubled = checkIDs(h.ids, found)
	if h.kind != Plain {
		return lost, doubled, nil
	}
	value, err := conn.Get(ctx, h.key+":n").Int64()
	if err != nil && !errors.Is(err, redis.Nil) {
		return 0, 0, err
	}
	l, d := checkCount(h.acks, h.maybes, value)
	return lost + l, doubled + d, nil
}

// read returns how often each id is in the store.
func (h *history) read(ctx context.Context, conn *redis.Client) (map[int]int, error) {
	found := map[int]int{}
	add := func(members []string) error {
		for _, m := range members {
			id, err := strconv.Atoi(m)
			if err != nil {
				return fmt.Errorf("a member that nobody wrote: %q", m)
			}
			found[id]++
		}
		return nil
	}
	if h.kind != Plain {
		members, err := conn.SMembers(ctx, h.key).Result()
		if err != nil {
			return nil, err
		}
		return found, add(members)
	}
	const page = 5000
	for from := int64(0); ; from += page {
		members, err := conn.LRange(ctx, h.key, from, from+page-1).Result()
		if err != nil {
			return nil, err
		}
		if err := add(members); err != nil || len(members) < page {
			return found, err
		}
	}
}
