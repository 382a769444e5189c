package goal

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/trivetdb/trivet/test/bench/load"
	"github.com/trivetdb/trivet/test/bench/peer"
	"github.com/trivetdb/trivet/test/bench/report"
)

// setter returns a function that sets random keys.
func setter(keys, size int) func(c *load.Conn, client, i int) {
	value := strings.Repeat("x", size)
	return func(c *load.Conn, _, _ int) { c.Send("SET", fmt.Sprintf("key:%012d", rand.IntN(keys)), value) }
}

// halfLoad finds the most that 50 clients can do, and then has them do half.
func halfLoad(ctx context.Context, e *Env) ([]report.Goal, error) {
	s, err := peer.Trivet.Start(ctx, e.Machine)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	second := time.Duration(e.scale(1000, 100)) * time.Millisecond
	w := load.Work{Name: "SET", Size: 64, Clients: 50, Pipeline: 1}
	var most load.Result
	for range 2 { // the first gets warm
		if most, err = load.Batches(ctx, s.Addrs[s.Lead], w, 2*second, nil, setter(load.Keyspace, 64)); err != nil {
			return nil, err
		}
	}
	half, err := load.Paced(ctx, s.Addrs[s.Lead], w, most.Rate/2, 6*second, setter(load.Keyspace, 64))
	if err != nil {
		return nil, err
	}
	return []report.Goal{{
		Name: "p99 of SET at half of the maximal load, 50 clients", Against: "p50", Bound: 5, Unit: "×", Measured: half.P99 / half.P50,
		Note: fmt.Sprintf("%s a second of %s: p50 %.2f, p99 %.2f, p99.9 %.2f ms", report.Count(half.Rate), report.Count(most.Rate), half.P50, half.P99, half.P999),
	}}, nil
}
