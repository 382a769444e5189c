package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/trivetdb/trivet/test/bench/peer"
	"github.com/trivetdb/trivet/test/bench/report"
)

// compare measures the cells at two commits by turns, round by round, and prints
// what benchstat makes of it.
func compare(ctx context.Context, b *bench, commits []string) error {
	if len(commits) != 2 {
		return errors.New("-compare takes two commits: go run . -compare main HEAD, after the other flags")
	}
	runs, programs := make([]*report.Run, 2), make([]string, 2)
	for i, commit := range commits {
		runs[i] = &report.Run{Commit: commit}
		var err error
		if programs[i], err = buildCommit(ctx, commit, filepath.Join(b.machine.Dir, fmt.Sprint("commit", i))); err != nil {
			return err
		}
	}
	rounds := b.rounds
	b.rounds = 1
	for round := range rounds {
		for i, commit := range commits {
			b.run, b.machine.Trivet = runs[i], programs[i]
			b.say("round %d of %d, %s", round+1, rounds, commit)
			b.all(ctx, b.roundSteps([]peer.Kind{peer.Trivet}))
		}
	}
	files := make([]string, 2)
	for i := range files {
		// A name in benchstat's head of a column.
		files[i] = fmt.Sprintf("%s=%s", strings.ReplaceAll(commits[i], "/", "-"), filepath.Join(b.machine.Dir, fmt.Sprintf("%d.txt", i)))
		_, path, _ := strings.Cut(files[i], "=")
		if err := os.WriteFile(path, []byte(runs[i].Lines()), 0o600); err != nil {
			return err
		}
	}
	cmd := exec.CommandContext(ctx, "go", append([]string{"tool", "benchstat"}, files...)...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("benchstat: %w", err)
	}
	if failed := append(runs[0].Failures, runs[1].Failures...); len(failed) > 0 {
		return errors.New(strings.Join(failed, "\n"))
	}
	return nil
}

// buildCommit builds trivet as it was at a commit, and returns its path.
func buildCommit(ctx context.Context, commit, dir string) (string, error) {
	archive := exec.CommandContext(ctx, "sh", "-c", `mkdir "$2" && git -C ../.. archive "$1" | tar -x -C "$2"`, "sh", commit, dir)
	if out, err := archive.CombinedOutput(); err != nil {
		return "", fmt.Errorf("commit %s cannot be had: %w\n%s", commit, err, out)
	}
	return buildTrivet(ctx, dir, filepath.Join(dir, "trivet.program"))
}
