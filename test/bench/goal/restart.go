package goal

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/trivetdb/trivet/test/bench/load"
	"github.com/trivetdb/trivet/test/bench/peer"
	"github.com/trivetdb/trivet/test/bench/report"
)

// restart stops one process that has many keys, and starts it again.
func restart(ctx context.Context, e *Env) ([]report.Goal, error) {
	keys := e.scale(5_000_000, 20_000)
	mine, err := restarts(ctx, e, peer.Trivet, keys)
	if err != nil {
		return nil, err
	}
	theirs, err := restarts(ctx, e, peer.Redis, keys)
	if err != nil {
		return nil, err
	}
	a, b := report.Median(mine), report.Median(theirs)
	return []report.Goal{{
		Name: fmt.Sprintf("restart with %d keys", keys), Against: "redis-server from its AOF", Bound: 1.5, Unit: "×", Measured: a / b,
		Note: fmt.Sprintf("from the start of the process to the first GET: %.2f s for a follower, %.2f s; medians of %d", a, b, len(mine)),
	}}, nil
}

// restarts returns the seconds from a process's start to its first answer. Of
// trivet it takes a follower, which others must not serve for meanwhile.
func restarts(ctx context.Context, e *Env, k peer.Kind, keys int) (seconds []float64, err error) {
	s, err := loaded(ctx, e, k, keys)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	which := (s.Lead + 1) % len(s.Processes)
	for range e.scale(3, 1) {
		p := s.Processes[which]
		if err := p.Signal(syscall.SIGTERM); err != nil {
			return nil, err
		}
		if !p.Wait(time.Minute) {
			return nil, fmt.Errorf("%s %s does not stop within a minute", k.Name, p.Name)
		}
		begin := time.Now()
		if err := p.Start(); err != nil {
			return nil, err
		}
		if err := untilRead(ctx, p, s.Addrs[which], fmt.Sprintf("key:%012d", keys-1)); err != nil {
			return nil, fmt.Errorf("%s: %w\n%s", k.Name, err, p.LogTail())
		}
		seconds = append(seconds, time.Since(begin).Seconds())
		e.Say("%s: restarted in %.2f s", k.Name, seconds[len(seconds)-1])
	}
	return seconds, nil
}

// untilRead waits until a key has a value at addr.
func untilRead(ctx context.Context, p *peer.Process, addr, key string) error {
	for {
		err := func() error {
			c, err := load.Dial(ctx, addr)
			if err != nil {
				return err
			}
			defer c.Close()
			reply, err := c.Do("GET", key)
			if err == nil && reply == nil {
				return errors.New("the key is not there")
			}
			return err
		}()
		if err == nil || ctx.Err() != nil || p.Ended() {
			return err
		}
		time.Sleep(5 * time.Millisecond)
	}
}
