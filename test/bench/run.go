package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/trivetdb/trivet/test/bench/goal"
	"github.com/trivetdb/trivet/test/bench/load"
	"github.com/trivetdb/trivet/test/bench/peer"
	"github.com/trivetdb/trivet/test/bench/report"
)

// A bench is a run of the whole program.
type bench struct {
	machine peer.Machine
	only    *regexp.Regexp
	short   bool
	out     string // directory of the results; none if empty
	rounds  int
	cell    time.Duration // for which a cell is measured in a round
	run     *report.Run
	begun   time.Time
	env     goal.Env
}

// A step is a part of a run.
type step struct {
	name  string
	takes time.Duration // about; it is stopped after thrice as long and two minutes more
	do    func(ctx context.Context) error
}

// all does the steps, whether or not those before them failed, unless ctx ends.
func (b *bench) all(ctx context.Context, steps []step) {
	var takes time.Duration
	for _, s := range steps {
		takes += s.takes
	}
	b.say("%d steps, about %v", len(steps), takes.Round(time.Second))
	for i, s := range steps {
		if ctx.Err() != nil {
			b.fail("the run", ctx.Err())
			return
		}
		b.say("step %d of %d: %s, about %v", i+1, len(steps), s.name, s.takes.Round(time.Second))
		one, cancel := context.WithTimeout(ctx, 3*s.takes+2*time.Minute)
		if err := errors.Join(b.rest(one), s.do(one)); err != nil {
			b.fail(s.name, err)
		}
		cancel()
		if err := b.save(); err != nil {
			b.fail("results", err)
		}
	}
}

// say prints progress.
func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%6.1fs  %s\n", time.Since(b.begun).Seconds(), fmt.Sprintf(format, args...))
}

// fail notes that something could not be measured.
func (b *bench) fail(what string, err error) {
	b.say("FAILED: %s: %v", what, err)
	first, _, _ := strings.Cut(err.Error(), "\n")
	b.run.Failures = append(b.run.Failures, what+": "+first)
}

// roundSteps are the cells, server by server in each round.
func (b *bench) roundSteps(kinds []peer.Kind) (steps []step) {
	for round := 1; round <= b.rounds; round++ {
		for _, k := range kinds {
			works := b.worksOf(k.Name)
			if len(works) == 0 {
				continue
			}
			steps = append(steps, step{
				name:  fmt.Sprintf("round %d of %d, %s", round, b.rounds, k.Name),
				takes: 3*time.Second + time.Duration(len(works))*(b.cell+time.Second),
				do:    func(ctx context.Context) error { return b.round(ctx, k, round, works) },
			})
		}
	}
	return steps
}

// worksOf returns the cells of a server that were asked for.
func (b *bench) worksOf(name string) (works []load.Work) {
	for _, w := range cells() {
		if knows(name, w) && b.only.MatchString(fmt.Sprintf("cell/%s/%v", name, w)) {
			works = append(works, w)
		}
	}
	return works
}

// knows reports whether a kind of server has a cell. Targets know what they can
// do; for linearizable reads only GET tells something.
func knows(name string, w load.Work) bool {
	switch name {
	case peer.Linearizable:
		return w.Name == "GET" && w.Clients <= 50
	case "etcd":
		return (*load.Etcd)(nil).Can(w)
	case "nats":
		return (*load.NATS)(nil).Can(w)
	case "redis", "redis+2":
		return load.Redis{}.Can(w)
	}
	return true
}

// round starts a server and measures all its cells once.
func (b *bench) round(ctx context.Context, k peer.Kind, round int, works []load.Work) error {
	s, err := k.Start(ctx, b.machine)
	if err != nil {
		return err
	}
	defer s.Close()
	var faults []error
	for _, w := range works {
		sample, err := b.watched(ctx, s, w)
		if err != nil {
			faults = append(faults, fmt.Errorf("%v: %w", w, err))
			b.say("%s %v: %v", k.Name, w, err)
			if ctx.Err() != nil {
				break
			}
			continue
		}
		sample.Round = round
		b.run.Add(k.Name, w, sample)
		b.say("%s %v: %s", k.Name, w, show(sample))
	}
	return errors.Join(faults...)
}

// watched measures, and counts trivet's elections meanwhile.
func (b *bench) watched(ctx context.Context, s *peer.Server, w load.Work) (report.Sample, error) {
	if s.Kind.Name != peer.Trivet.Name {
		return measure(ctx, s, w, b.cell)
	}
	before, err := s.Status(ctx, s.Lead)
	if err != nil {
		return report.Sample{}, err
	}
	begin := time.Now()
	sample, err := measure(ctx, s, w, b.cell)
	if err != nil {
		return sample, err
	}
	b.env.Busy += time.Since(begin)
	after, err := s.Status(ctx, s.Lead)
	b.env.Changes += after.Node.Term - before.Node.Term
	return sample, err
}
