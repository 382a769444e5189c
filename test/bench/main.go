// Command bench measures trivet and the servers that a user would pick instead,
// on this machine, one after the other in the same run.
//
//	cd test/bench && go run . -out DIR
//
// docs/performance.md says what is measured, and how.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/trivetdb/trivet/test/bench/goal"
	"github.com/trivetdb/trivet/test/bench/peer"
	"github.com/trivetdb/trivet/test/bench/report"
)

type options struct {
	out, tmp, only, render string
	compare, short         bool
	rounds                 int
	cell                   time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.out, "out", "", "directory for results.json and results.txt (default: none is written)")
	flag.StringVar(&o.tmp, "tmp", os.TempDir(), "directory on a real disk, for data that is removed at the end")
	flag.StringVar(&o.only, "only", "", "measure only what this regular expression matches: cell/SERVER/WORK, goal/NAME, growth/NAME")
	flag.BoolVar(&o.short, "short", false, "measure briefly, to see that all works; the figures mean nothing")
	flag.IntVar(&o.rounds, "rounds", 0, "how often each cell is measured (default: 3; 1 with -short; 6 with -compare)")
	flag.DurationVar(&o.cell, "time", 0, "for how long a cell is measured in a round (default: 1.5s; 0.2s with -short)")
	flag.StringVar(&o.render, "render", "", "write the tables and plots of this results.json into docs, and measure nothing")
	flag.BoolVar(&o.compare, "compare", false, "compare two commits, which are the arguments, by benchstat")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	if err := start(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func start(ctx context.Context, o options) error {
	if o.render != "" {
		return report.Render(o.render, "../../docs")
	}
	only, err := regexp.Compile(o.only)
	if err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	tmp, err := os.MkdirTemp(o.tmp, "trivet-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	b := &bench{only: only, short: o.short, rounds: o.rounds, cell: o.cell, out: o.out, begun: time.Now()}
	b.defaults(o)
	if m := missing(); len(m) > 0 {
		b.say("programs are missing, and what needs them will fail: apt-get install %s", strings.Join(m, " "))
	}
	b.say("building")
	if b.machine, err = build(ctx, tmp); err != nil {
		return err
	}
	b.env = goal.Env{Machine: b.machine, Short: b.short, Say: b.say}
	if o.compare {
		return compare(ctx, b, flag.Args())
	}
	return measureAll(ctx, b)
}

// defaults sets what was not chosen.
func (b *bench) defaults(o options) {
	rounds, cell := 3, 1500*time.Millisecond
	switch {
	case o.short:
		rounds, cell = 1, 200*time.Millisecond
	case o.compare:
		rounds = 6
	}
	if b.rounds == 0 {
		b.rounds = rounds
	}
	if b.cell == 0 {
		b.cell = cell
	}
}

// measureAll does the whole run, writes its results as they come, and prints its
// tables, also where something failed.
func measureAll(ctx context.Context, b *bench) error {
	b.run = &report.Run{
		Commit: output("git", "describe", "--always", "--dirty", "--abbrev=12"), Began: b.begun.Format(time.RFC3339),
		Machine: machine(b.machine.Dir), Versions: versions(b.machine), Rounds: b.rounds, Seconds: b.cell.Seconds(),
	}
	for _, k := range peer.Kinds {
		b.run.Peers = append(b.run.Peers, report.Peer{Name: k.Name, What: k.What})
	}
	steps := slices.Concat(b.roundSteps(peer.Kinds), b.growthSteps(), b.goalSteps())
	if len(steps) == 0 {
		return fmt.Errorf("-only %v matches nothing; names are such as cell/trivet/%v, goal/%s, growth/%s",
			b.only, cells()[0], goal.Kinds[0].Name, growth(b.short)[0].name)
	}
	b.all(ctx, steps)
	r := b.results()
	fmt.Printf("%s\n%s\n%s", r.CellTable(), r.GrowthTable(), r.GoalTable())
	var faults []error
	for _, f := range r.Failures {
		faults = append(faults, errors.New(f))
	}
	return errors.Join(append(faults, r.Check())...)
}

// results returns what was measured until now.
func (b *bench) results() *report.Run {
	r := *b.run
	r.Goals = append(r.Ratios(), r.Goals...)
	r.Minutes = time.Since(b.begun).Minutes()
	return &r
}

// save writes the results into the directory that was asked for, if one was.
func (b *bench) save() error {
	if b.out == "" {
		return nil
	}
	if err := os.MkdirAll(b.out, 0o755); err != nil {
		return err
	}
	r := b.results()
	return errors.Join(r.Write(filepath.Join(b.out, "results.json")), os.WriteFile(filepath.Join(b.out, "results.txt"), []byte(r.Lines()), 0o644))
}
