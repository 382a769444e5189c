// Command trivet runs a node of a trivet cluster, and talks to one.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

//go:generate sh -c "go run . docs > ../../docs/commands.md"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, takeSecrets(os.Args[1:]), os.Stdout)
	stop()
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "trivet:", err)
	var usage usageError
	if errors.As(err, &usage) {
		os.Exit(2)
	}
	os.Exit(1)
}

// A usageError is a mistake in how trivet was called: exit status 2.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// run does what args ask for, until ctx ends.
func run(ctx context.Context, args []string, stdout io.Writer) error {
	root := &cobra.Command{
		Use:           "trivet",
		Short:         "A three-node, highly available queue store that speaks the Redis protocol",
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       readBuild().String(),
		Args:          noArgs,
		RunE:          showHelp,
	}
	root.SetVersionTemplate("trivet {{.Version}}\n")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{withoutValue(err)} })
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(serveCommand(), demoCommand(), statusCommand(), membersCommand(), transferCommand(), checkCommand(),
		backupCommand(), restoreCommand(), importCommand(), secretCommand(), docsCommand(), versionCommand())
	root.SetArgs(args)
	root.SetOut(stdout)
	return root.ExecuteContext(ctx)
}

// noArgs and its kin make usage errors of cobra's.
func noArgs(cmd *cobra.Command, args []string) error { return usage(cobra.NoArgs(cmd, args)) }

// showHelp is what a command does that has only subcommands.
func showHelp(cmd *cobra.Command, _ []string) error { return cmd.Help() }

func usage(err error) error {
	if err == nil {
		return nil
	}
	return usageError{err}
}

// fromEnvironment sets each flag that was not given from its variable:
// TRIVET_ON_FOLLOWER for --on-follower. All faults are reported.
func fromEnvironment(flags *pflag.FlagSet) error {
	var faults []error
	flags.VisitAll(func(f *pflag.Flag) {
		name := environmentName(f.Name)
		value, ok := os.LookupEnv(name)
		if !ok || f.Changed || f.Name == "help" {
			return
		}
		if err := f.Value.Set(value); err != nil {
			faults = append(faults, fmt.Errorf("%s=%q: %w", name, value, err))
		}
	})
	return errors.Join(faults...)
}

func environmentName(flag string) string {
	return "TRIVET_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}
