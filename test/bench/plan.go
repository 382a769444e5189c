package main

import (
	"context"
	"fmt"
	"time"

	"github.com/trivetdb/trivet/test/bench/goal"
	"github.com/trivetdb/trivet/test/bench/peer"
	"github.com/trivetdb/trivet/test/bench/report"
)

// growthSteps measure each series at a trivet of its own.
func (b *bench) growthSteps() (steps []step) {
	for _, s := range growth(b.short) {
		if !b.only.MatchString("growth/" + s.name) {
			continue
		}
		steps = append(steps, step{
			name:  "growth of " + s.name,
			takes: 20*time.Second + time.Duration(len(s.works))*(b.cell+time.Second),
			do:    func(ctx context.Context) error { return b.grow(ctx, s) },
		})
	}
	return steps
}

func (b *bench) grow(ctx context.Context, s series) error {
	server, err := peer.Trivet.Start(ctx, b.machine)
	if err != nil {
		return err
	}
	defer server.Close()
	for _, w := range s.works {
		sample, err := b.watched(ctx, server, w)
		if err != nil {
			return fmt.Errorf("%v: %w", w, err)
		}
		sample.Round = 1
		b.run.Growth = append(b.run.Growth, &report.Cell{Peer: peer.Trivet.Name, Series: s.name, Work: w, Samples: []report.Sample{sample}})
		b.say("%v: %s", w, show(sample))
	}
	return nil
}

// goalSteps measure the goals that no cell shows.
func (b *bench) goalSteps() (steps []step) {
	for _, k := range goal.Kinds {
		if !b.only.MatchString("goal/" + k.Name) {
			continue
		}
		takes := k.Takes
		if b.short {
			takes = 5 * time.Second
		}
		steps = append(steps, step{name: "goal " + k.Name, takes: takes, do: func(ctx context.Context) error {
			goals, err := k.Do(ctx, &b.env)
			for _, g := range goals {
				b.say("%s: %.2f %s; %s", g.Name, g.Measured, g.Unit, g.Note)
			}
			b.run.Goals = append(b.run.Goals, goals...)
			return err
		}})
	}
	return steps
}
