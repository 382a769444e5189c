package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"
)

// checkTime is how long one write or read of a check may take, and how long its
// keys live.
const checkTime = 20 * time.Second

func checkCommand() *cobra.Command {
	t := &target{}
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Write through every address, and read back through all of them",
		Long: `Write a key through each address that is given, and read each key back through
all of them, linearizably. The keys are called trivet:check:..., and expire
within a minute. A node that redirects its clients is followed to the leader.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := usage(fromEnvironment(cmd.Flags())); err != nil {
				return err
			}
			return t.check(cmd)
		},
	}
	t.flags(cmd)
	return cmd
}

// check reports on each address, and fails if any did.
func (t *target) check(cmd *cobra.Command) error {
	conf, err := t.secure()
	if err != nil {
		return err
	}
	dial := func(addr string) *redis.Client { return t.client(addr, conf) }
	run := "trivet:check:" + rand.Text()
	var faults []error
	reached := make([]string, len(t.addresses)) // the address that took the write
	for i, addr := range t.addresses {
		var err error
		if reached[i], err = checkWrite(cmd.Context(), dial, addr, fmt.Sprint(run, ":", i)); err != nil {
			faults = append(faults, fmt.Errorf("write through %s: %w", addr, err))
		}
	}
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ADDRESS\tWRITE\tREADS")
	for i, addr := range t.addresses {
		err := checkReads(cmd.Context(), dial(addr), run, reached)
		if err != nil {
			faults = append(faults, fmt.Errorf("read through %s: %w", addr, err))
		}
		write := verdict(reached[i] == "")
		if reached[i] != "" && reached[i] != addr {
			write = "ok, by " + reached[i]
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", addr, write, verdict(err != nil))
	}
	return errors.Join(append(faults, w.Flush())...)
}

func verdict(failed bool) string {
	if failed {
		return "FAILED"
	}
	return "ok"
}

// checkWrite writes a key, and returns the address that took it.
func checkWrite(ctx context.Context, dial func(string) *redis.Client, addr, key string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	for range 3 {
		c := dial(addr)
		err := c.Set(ctx, key, key, 3*checkTime).Err()
		c.Close()
		to, moved := movedTo(err)
		if !moved {
			if err != nil {
				addr = ""
			}
			return addr, err
		}
		addr = to
	}
	return "", errors.New("redirected again and again; is there a leader?")
}

// movedTo returns the address that a MOVED reply names.
func movedTo(err error) (string, bool) {
	if err == nil || !redis.HasErrorPrefix(err, "MOVED") {
		return "", false
	}
	f := strings.Fields(err.Error())
	return f[len(f)-1], len(f) == 3
}

// checkReads reads all that was written, through one client, and closes it.
func checkReads(ctx context.Context, c *redis.Client, run string, reached []string) error {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	defer c.Close()
	conn := c.Conn() // one connection, as its consistency is set for it
	defer conn.Close()
	if err := conn.Do(ctx, "CLIENT", "READS", "linearizable").Err(); err != nil {
		return err
	}
	for i := range reached {
		key := fmt.Sprint(run, ":", i)
		if reached[i] == "" {
			continue
		}
		if v, err := conn.Get(ctx, key).Result(); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		} else if v != key {
			return fmt.Errorf("%s is %q", key, v)
		}
	}
	return nil
}
