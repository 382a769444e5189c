package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trivetdb/trivet/node/server"
)

// trimPause is how often the state of members that are to go is looked at.
const trimPause = time.Second

func (t *target) trimCommand() *cobra.Command {
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "trim NAME REPLICAS",
		Short: "Take out the members NAME-N of a StatefulSet that has been scaled down",
		Long: `Take out the members that are called NAME-N, where N is REPLICAS or more: those
whose pods a StatefulSet of so many replicas does not have. It waits until each
has stopped, and takes out none that runs. A removal that would leave too few
for a quorum is refused.`,
		Args: func(cmd *cobra.Command, args []string) error { return usage(cobra.ExactArgs(2)(cmd, args)) },
		RunE: func(cmd *cobra.Command, args []string) error {
			err := fromEnvironment(cmd.Flags())
			replicas, fault := strconv.Atoi(args[1])
			if fault != nil || replicas < 1 {
				err = errors.Join(err, fmt.Errorf("%q replicas: use a number from 1 on", args[1]))
			}
			if err != nil {
				return usage(err)
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
			defer cancel()
			return t.trim(ctx, cmd, args[0], replicas)
		},
	}
	cmd.Flags().DurationVar(&timeout, "timeout", 2*time.Minute, "how long to wait for members to stop")
	return cmd
}

// trim removes surplus members as they stop, until there is none.
func (t *target) trim(ctx context.Context, cmd *cobra.Command, name string, replicas int) error {
	for {
		s, _, err := t.status(ctx)
		if err != nil {
			return err
		}
		var running []string
		for _, m := range scaledAway(s.Members, name, replicas) {
			if m.Alive {
				running = append(running, m.Name)
				continue
			}
			if _, err := t.do(ctx, "RAFT", "REMOVE", m.Name); err != nil {
				return fmt.Errorf("remove %s: %w", m.Name, err)
			}
			fmt.Fprintln(cmd.OutOrStdout(), "removed", m.Name)
		}
		if len(running) == 0 {
			return nil
		}
		select {
		case <-time.After(trimPause):
		case <-ctx.Done():
			return fmt.Errorf("still running, so not taken out: %s; scale the StatefulSet down to %d first",
				strings.Join(running, ", "), replicas)
		}
	}
}

// scaledAway returns the members called NAME-N with N from replicas on.
func scaledAway(members []server.Member, name string, replicas int) (found []server.Member) {
	for _, m := range members {
		ordinal, ok := strings.CutPrefix(m.Name, name+"-")
		if n, err := strconv.Atoi(ordinal); ok && err == nil && n >= replicas {
			found = append(found, m)
		}
	}
	slices.SortFunc(found, func(a, b server.Member) int { return strings.Compare(a.Name, b.Name) })
	return found
}
