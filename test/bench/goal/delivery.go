package goal

import (
	"context"
	"fmt"
	"time"

	"github.com/trivetdb/trivet/test/bench/load"
	"github.com/trivetdb/trivet/test/bench/peer"
	"github.com/trivetdb/trivet/test/bench/report"
)

// delivery compares an LPUSH nobody waits for with one that ends a BRPOP.
func delivery(ctx context.Context, e *Env) ([]report.Goal, error) {
	s, err := peer.Trivet.Start(ctx, e.Machine)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	conns, err := dialAll(ctx, []string{s.Addrs[s.Lead], s.Addrs[s.Lead]})
	if err != nil {
		return nil, err
	}
	n := e.scale(1000, 20)
	var alone, delivered []float64
	for range n {
		begin := time.Now()
		if _, err := conns[0].Do("LPUSH", "alone", "job"); err != nil {
			return nil, err
		}
		alone = append(alone, milliseconds(time.Since(begin)))
		took, err := deliverOne(conns[0], conns[1])
		if err != nil {
			return nil, err
		}
		delivered = append(delivered, milliseconds(took))
	}
	a, d := report.Median(alone), report.Median(delivered)
	return []report.Goal{{
		Name: "delivery to a blocked BRPOP after an LPUSH", Against: "one LPUSH", Bound: 2, Unit: "×", Measured: d / a,
		Note: fmt.Sprintf("medians of %d: %.2f ms from the LPUSH to the BRPOP's reply, %.2f ms an LPUSH", n, d, a),
	}}, nil
}

// deliverOne has worker wait, and returns the time from the producer's LPUSH to
// the arrival of the job.
func deliverOne(producer, worker *load.Conn) (time.Duration, error) {
	worker.Send("BRPOP", "jobs", "0")
	if err := worker.Flush(); err != nil {
		return 0, err
	}
	time.Sleep(5 * time.Millisecond) // until it waits in the line
	arrived := make(chan error, 1)
	begin := time.Now()
	var took time.Duration
	go func() {
		_, err := worker.Receive()
		took = time.Since(begin)
		arrived <- err
	}()
	if _, err := producer.Do("LPUSH", "jobs", "job"); err != nil {
		return 0, err
	}
	err := <-arrived
	return took, err
}
