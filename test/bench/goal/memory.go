package goal

import (
	"context"
	"fmt"
	"time"

	"github.com/trivetdb/trivet/test/bench/load"
	"github.com/trivetdb/trivet/test/bench/peer"
	"github.com/trivetdb/trivet/test/bench/report"
)

// memory sets many keys and looks at what each process grew by.
func memory(ctx context.Context, e *Env) ([]report.Goal, error) {
	keys := e.scale(1_000_000, 20_000)
	mine, peak, err := perKey(ctx, e, peer.Trivet, keys)
	if err != nil {
		return nil, err
	}
	theirs, theirPeak, err := perKey(ctx, e, peer.Redis, keys)
	if err != nil {
		return nil, err
	}
	return []report.Goal{{
		Name: fmt.Sprintf("memory per key, %d keys, 64 B values", keys), Against: "redis-server", Bound: 1.5, Unit: "×", Measured: mine / theirs,
		Note: fmt.Sprintf("%.0f B of resident memory a key in the node that has most, against %.0f B, %d s after the load; at its peak %.0f B against %.0f B",
			mine, theirs, atRest, peak, theirPeak),
	}}, nil
}

// atRest is for how many seconds a server has nothing to do before it is measured.
const atRest = 20

// perKey returns by how many bytes a key the largest process of a server grew, and
// by how many at its peak.
func perKey(ctx context.Context, e *Env, k peer.Kind, keys int) (rest, peak float64, err error) {
	s, err := k.Start(ctx, e.Machine)
	if err != nil {
		return 0, 0, err
	}
	defer s.Close()
	before := make([]int64, len(s.Processes))
	for i, p := range s.Processes {
		if before[i], _, err = p.Resident(); err != nil {
			return 0, 0, err
		}
	}
	if err := load.LoadKeys(ctx, s.Addrs[s.Lead], keys, 64); err != nil {
		return 0, 0, err
	}
	sleep(ctx, time.Duration(e.scale(atRest, 1))*time.Second)
	for i, p := range s.Processes {
		now, highest, err := p.Resident()
		if err != nil {
			return 0, 0, err
		}
		rest = max(rest, float64(now-before[i])/float64(keys))
		peak = max(peak, float64(highest-before[i])/float64(keys))
	}
	return rest, peak, nil
}
