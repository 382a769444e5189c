package main

import (
	"context"
	"fmt"
	"time"

	"github.com/trivetdb/trivet/test/bench/load"
	"github.com/trivetdb/trivet/test/bench/peer"
	"github.com/trivetdb/trivet/test/bench/report"
)

// measure does some work at a server that runs, and what it costs.
func measure(ctx context.Context, s *peer.Server, w load.Work, d time.Duration) (sample report.Sample, err error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	run, err := s.Target.Prepare(ctx, w, d)
	if err != nil {
		return sample, err
	}
	if err := s.ResetPeak(); err != nil {
		return sample, err
	}
	before, err := s.CPU()
	if err != nil {
		return sample, err
	}
	if sample.Result, err = run(ctx); err != nil {
		return sample, err
	}
	after, err := s.CPU()
	if err != nil {
		return sample, err
	}
	sample.CPU = (after - before) * 100_000 / float64(max(sample.Ops, 1))
	_, sample.Peak, err = s.Resident()
	return sample, err
}

// show writes a sample in one line.
func show(s report.Sample) string {
	return fmt.Sprintf("%s/s, p50 %.2f p99 %.2f p99.9 %.2f ms, %.2f CPU s/100K, %d MiB",
		report.Count(s.Rate), s.P50, s.P99, s.P999, s.CPU, s.Peak>>20)
}
