package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"

	"github.com/trivetdb/trivet/fsm/rdb"
)

func importCommand() *cobra.Command {
	t := &target{}
	replace := false
	cmd := &cobra.Command{
		Use: "import FILE.rdb | redis://[user:password@]host:port[/db]", Short: "Copy the keys of a Redis into a running cluster",
		Long: `Copy the keys and functions of a Redis into a running cluster, from one of its
RDB files or from the running server: as a replica would get them or, where that
is refused, key by key with SCAN and DUMP, which misses what changes meanwhile.
Keys that exist are refused unless --replace is given.`,
		Args: func(cmd *cobra.Command, args []string) error { return usage(cobra.ExactArgs(1)(cmd, args)) },
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := usage(fromEnvironment(cmd.Flags())); err != nil {
				return err
			}
			i, err := t.importer(replace)
			if err != nil {
				return err
			}
			defer i.close()
			err = i.from(cmd.Context(), args[0])
			i.progress.done()
			i.summary(cmd.OutOrStdout())
			if err == nil && i.failures() > 0 {
				err = fmt.Errorf("%d keys or libraries were not imported", i.failures())
			}
			return err
		},
	}
	t.flags(cmd)
	cmd.Flags().BoolVar(&replace, "replace", false, "replace keys and libraries that exist (default false)")
	return cmd
}

// Bounds of a pipeline.
const (
	importKeys  = 500
	importBytes = 4 << 20
)

// databases is how many a cluster has.
const databases = 16

// An importer writes keys into a cluster, in pipelines.
type importer struct {
	open     func(addr string, db int) *redis.Client
	addr     string // of the node that takes writes
	clients  map[int]*redis.Client
	replace  bool
	progress *progress

	db      int      // of the keys that wait
	waiting []item   // not written yet
	bytes   int      // of these
	done    int      // keys that were written
	expired int      // keys that were due before they were written
	failed  []string // reasons, in the order in which they came first
	counts  map[string]int
	first   map[string]string // the first key of each reason
}

// An item is a key to write.
type item struct {
	name, dump string
	expireAt   int64 // milliseconds since 1970, 0 for never
}

func (t *target) importer(replace bool) (*importer, error) {
	conf, err := t.secure()
	if err != nil {
		return nil, err
	}
	return &importer{
		open: func(addr string, db int) *redis.Client {
			o := *t.client(addr, conf).Options()
			o.DB, o.ReadTimeout = db, wireIdle
			return redis.NewClient(&o)
		},
		addr: t.addresses[0], clients: map[int]*redis.Client{}, replace: replace,
		progress: newProgress("import", "keys"), counts: map[string]int{}, first: map[string]string{},
	}, nil
}

func (i *importer) close() {
	for _, c := range i.clients {
		c.Close()
	}
	clear(i.clients)
}

func (i *importer) client(db int) *redis.Client {
	if i.clients[db] == nil {
		i.clients[db] = i.open(i.addr, db)
	}
	return i.clients[db]
}

// from imports from a file or a server.
func (i *importer) from(ctx context.Context, source string) error {
	if strings.HasPrefix(source, "redis://") || strings.HasPrefix(source, "rediss://") {
		return i.fromServer(ctx, source)
	}
	f, err := os.Open(source)
	if err != nil {
		return err
	}
	defer f.Close()
	return i.fromFile(ctx, f, -1)
}

// fromFile imports the keys of an RDB file, or those of one database where that is
// not negative.
func (i *importer) fromFile(ctx context.Context, f io.Reader, only int) error {
	r := rdb.NewReader(f)
	libraries := 0
	for {
		k, err := r.Next()
		var module *rdb.ModuleError
		switch {
		case errors.As(err, &module):
			i.fail("the value is a module's", module.Key)
			continue
		case err != nil && !errors.Is(err, io.EOF):
			return errors.Join(err, i.flush(ctx))
		}
		for ; libraries < len(r.Libraries()); libraries++ {
			if err := i.library(ctx, r.Libraries()[libraries]); err != nil {
				return err
			}
		}
		if err != nil {
			return i.flush(ctx)
		}
		if only >= 0 && k.DB != only || k.Value.Empty() {
			continue
		}
		it := item{k.Name, string(rdb.AppendDump(nil, &k.Value)), k.ExpireAt}
		if err := i.add(ctx, k.DB, it); err != nil {
			return err
		}
	}
}

// add takes a key, and writes those that wait where they are many.
func (i *importer) add(ctx context.Context, db int, it item) error {
	switch {
	case db >= databases:
		i.fail(fmt.Sprintf("trivet has databases 0 to %d", databases-1), it.name)
		return nil
	case it.expireAt != 0 && it.expireAt <= time.Now().UnixMilli():
		i.expired++
		return nil
	}
	if db != i.db || len(i.waiting) >= importKeys || i.bytes >= importBytes {
		if err := i.flush(ctx); err != nil {
			return err
		}
	}
	i.db = db
	i.waiting = append(i.waiting, it)
	i.bytes += len(it.dump)
	return nil
}

// flush writes the keys that wait.
func (i *importer) flush(ctx context.Context) error {
	items := i.waiting
	i.waiting, i.bytes = nil, 0
	for len(items) > 0 {
		p := i.client(i.db).Pipeline()
		for _, it := range items {
			words := []any{"RESTORE", it.name, it.expireAt, it.dump, "ABSTTL"}
			if i.replace {
				words = append(words, "REPLACE")
			}
			p.Do(ctx, words...)
		}
		replies, _ := p.Exec(ctx) // each reply has its own error
		var again []item
		var why error
		for n, r := range replies {
			err := r.Err()
			var refused redis.Error
			switch {
			case err == nil:
				i.done++
				i.progress.add(1)
			case !errors.As(err, &refused):
				return fmt.Errorf("the connection ended; what was sent last may be there or not, so go on with --replace: %w", err)
			case elsewhere(err):
				again, why = append(again, items[n]), err
			default:
				i.fail(reason(err), items[n].name)
			}
		}
		if items = again; len(items) > 0 {
			if err := i.move(ctx, why); err != nil {
				return err
			}
		}
	}
	return nil
}

// elsewhere reports whether an error says to ask another node, or later.
func elsewhere(err error) bool {
	return strings.HasPrefix(err.Error(), "MOVED ") || strings.HasPrefix(err.Error(), "LOADING ")
}

// move goes to the node that the answer names, or waits for there to be one.
func (i *importer) move(ctx context.Context, answer error) error {
	if words := strings.Fields(answer.Error()); words[0] == "MOVED" && len(words) == 3 && words[2] != i.addr {
		i.close()
		i.addr = words[2]
		return nil
	}
	select {
	case <-time.After(200 * time.Millisecond):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// library loads a function library.
func (i *importer) library(ctx context.Context, code string) error {
	words := []any{"FUNCTION", "LOAD", code}
	if i.replace {
		words = []any{"FUNCTION", "LOAD", "REPLACE", code}
	}
	for {
		err := i.client(0).Do(ctx, words...).Err()
		var refused redis.Error
		switch {
		case err == nil:
			return nil
		case !errors.As(err, &refused):
			return err
		case !elsewhere(err):
			head, _, _ := strings.Cut(code, "\n")
			i.fail(reason(err), head)
			return nil
		}
		if err := i.move(ctx, err); err != nil {
			return err
		}
	}
}

// reason is an error without what differs from key to key.
func reason(err error) string {
	if strings.HasPrefix(err.Error(), "BUSYKEY") {
		return "the key exists already: --replace would replace it"
	}
	return err.Error()
}

func (i *importer) fail(why, key string) {
	if i.counts[why]++; i.counts[why] == 1 {
		i.failed = append(i.failed, why)
		i.first[why] = key
	}
}

func (i *importer) failures() (n int) {
	for _, c := range slices.Collect(maps.Values(i.counts)) {
		n += c
	}
	return n
}

func (i *importer) summary(out io.Writer) {
	fmt.Fprintf(out, "imported  %d\nexpired   %d\nfailed    %d\n", i.done, i.expired, i.failures())
	for _, why := range i.failed {
		fmt.Fprintf(out, "  %d: %s; the first is %q\n", i.counts[why], why, i.first[why])
	}
}
