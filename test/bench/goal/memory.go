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
	mine, err := perKey(ctx, e, peer.Trivet, keys)
	if err != nil {
		return nil, err
	}
	theirs, err := perKey(ctx, e, peer.Redis, keys)
	if err != nil {
		return nil, err
	}
	return []report.Goal{{
		Name: fmt.Sprintf("memory per key, %d keys, 64 B values", keys), Against: "redis-server", Bound: 1.5, Unit: "×", Measured: mine / theirs,
		Note: fmt.Sprintf("%.0f B of resident memory a key in the node that has most, against %.0f B", mine, theirs),
	}}, nil
}

// perKey returns by how many bytes a key the largest process of a server grew.
func perKey(ctx context.Context, e *Env, k peer.Kind, keys int) (float64, error) {
	s, err := k.Start(ctx, e.Machine)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	before := make([]int64, len(s.Processes))
	for i, p := range s.Processes {
		if before[i], _, err = p.Resident(); err != nil {
			return 0, err
		}
	}
	if err := load.LoadKeys(ctx, s.Addrs[s.Lead], keys, 64); err != nil {
		return 0, err
	}
	sleep(ctx, time.Duration(e.scale(5, 1))*time.Second)
	most := int64(0)
	for i, p := range s.Processes {
		now, _, err := p.Resident()
		if err != nil {
			return 0, err
		}
		most = max(most, now-before[i])
	}
	return float64(most) / float64(keys), nil
}
