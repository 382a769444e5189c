package main

import (
	"fmt"
	"os"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/trivetdb/trivet/cmd/trivet/ingest"
)

func importCommand() *cobra.Command {
	t := &target{}
	replace := false
	cmd := &cobra.Command{
		Use:   "import FILE.rdb | redis://[user:password@]host:port[/db]",
		Short: "Bring all keys of a Redis, or of its RDB file, into a running cluster",
		Long: `Write all keys of an RDB file, or of a Redis that runs, to a cluster that runs,
with their deadlines, in the databases of the same numbers, and the libraries of
functions. With a database in the URL only its keys; rediss:// speaks TLS. A
password that is not in the URL is taken from REDISCLI_AUTH.

A Redis sends its data as to a replica. Where it refuses that, as managed ones do,
they are read with SCAN, DUMP and PTTL: what is written to it meanwhile may be
missed. docs/import.md tells how to move.

The exit status is 1 where a key could not be written, and the report says why.`,
		Args: func(cmd *cobra.Command, args []string) error { return usage(cobra.ExactArgs(1)(cmd, args)) },
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := usage(fromEnvironment(cmd.Flags())); err != nil {
				return err
			}
			return t.importFrom(cmd, args[0], replace)
		},
	}
	t.flags(cmd)
	cmd.Flags().BoolVar(&replace, "replace", false, "overwrite keys and libraries that exist (default false)")
	return cmd
}

// importTime is how long a node may take to answer to a pipeline: a large value
// goes to all disks first.
const importTime = time.Minute

func (t *target) importFrom(cmd *cobra.Command, from string, replace bool) error {
	ctx := cmd.Context()
	conf, err := t.secure()
	if err != nil {
		return err
	}
	progress := &ingest.Progress{Out: cmd.ErrOrStderr(), Terminal: term.IsTerminal(int(os.Stderr.Fd()))}
	defer progress.Finish()
	src, err := openSource(cmd, from, progress)
	if err != nil {
		return err
	}
	defer src.Close()
	to := ingest.Target{Addresses: t.addresses, Replace: replace, Client: func(addr string, db int) *redis.Client {
		opt := t.options(addr, conf)
		opt.DB, opt.ReadTimeout, opt.WriteTimeout = db, importTime, importTime
		return redis.NewClient(opt)
	}}
	report, err := ingest.Run(ctx, src, to, progress)
	progress.Finish()
	report.Print(cmd.OutOrStdout())
	if err != nil {
		return fmt.Errorf("the import ended before all was written; import again with --replace: %w", err)
	}
	if n := report.Failures(); n > 0 {
		return fmt.Errorf("%d failed; see above", n)
	}
	return nil
}

func openSource(cmd *cobra.Command, from string, p *ingest.Progress) (ingest.Source, error) {
	if !ingest.IsURL(from) {
		return ingest.OpenFile(from)
	}
	origin, err := ingest.ParseURL(from)
	if err != nil {
		return nil, usageError{err}
	}
	return origin.Open(cmd.Context(), p)
}
