package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/spf13/cobra"

	"github.com/trivetdb/trivet/node/server"
)

// A target is the node that a command talks to, as any Redis client would.
type target struct {
	addresses      []string
	user, password string
	tls            bool
	ca, cert, key  string // files
}

func (t *target) flags(cmd *cobra.Command) {
	cmd.PersistentFlags().StringSliceVar(&t.addresses, "addr", []string{"127.0.0.1:6379"},
		"addresses for Redis clients of one or more nodes; the first that answers is asked; a path is that of the socket in a node's data directory")
	f := cmd.PersistentFlags()
	f.StringVar(&t.user, "user", "", "user to come in as (default: the user default)")
	f.StringVar(&t.password, "password", "", "password of the user; TRIVET_PASSWORD keeps it out of the list of processes (default: none)")
	f.BoolVar(&t.tls, "tls", false, "speak TLS (default false)")
	f.StringVar(&t.ca, "cacert", "", "file of the authority that signed the nodes' certificates (default: those of the system)")
	f.StringVar(&t.cert, "cert", "", "file of the certificate to show, where the nodes ask for one (default: none)")
	f.StringVar(&t.key, "key", "", "file of that certificate's key (default: none)")
}

// secure returns how to speak TLS with the nodes, nil for not at all.
func (t *target) secure() (*tls.Config, error) {
	if !t.tls {
		if t.ca+t.cert+t.key != "" {
			return nil, usageError{errors.New("cacert, cert and key are of use with --tls only: give it too")}
		}
		return nil, nil
	}
	conf := &tls.Config{}
	if t.ca != "" {
		pem, err := os.ReadFile(t.ca)
		if err != nil {
			return nil, fmt.Errorf("cacert: %w", err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("cacert %s: no certificate in it", t.ca)
		}
	}
	if t.cert+t.key != "" {
		pair, err := tls.LoadX509KeyPair(t.cert, t.key)
		if err != nil {
			return nil, fmt.Errorf("cert and key: %w", err)
		}
		conf.Certificates = []tls.Certificate{pair}
	}
	return conf, nil
}

// do sends a command to the first node that can be reached.
func (t *target) do(ctx context.Context, args ...any) (string, error) {
	conf, err := t.secure()
	if err != nil {
		return "", err
	}
	var faults []error
	for _, addr := range t.addresses {
		c := t.client(addr, conf)
		reply, err := c.Do(ctx, args...).Text()
		c.Close()
		var refused redis.Error
		if err == nil || errors.As(err, &refused) {
			return reply, err
		}
		faults = append(faults, fmt.Errorf("%s: %w", addr, err))
	}
	return "", fmt.Errorf("no node answers; name one with --addr:\n%w", errors.Join(faults...))
}

// The client's own log would come between what the commands print.
func init() { logging.Disable() }

// client returns a client of one node, with what secure returned.
func (t *target) client(addr string, conf *tls.Config) *redis.Client {
	return redis.NewClient(t.options(addr, conf))
}

func (t *target) options(addr string, conf *tls.Config) *redis.Options {
	network := "tcp"
	if strings.HasPrefix(addr, "/") { // no other machine listens there
		network, conf = "unix", nil
	}
	return &redis.Options{
		Network: network, Addr: addr, Username: t.user, Password: t.password, TLSConfig: conf, MaxRetries: -1, DialerRetries: 1,
		DialTimeout: time.Second, ReadTimeout: 15 * time.Second,
	}
}

func (t *target) status(ctx context.Context) (s server.ClusterStatus, text string, err error) {
	if text, err = t.do(ctx, "RAFT", "STATUS"); err != nil {
		return s, "", err
	}
	return s, text, json.Unmarshal([]byte(text), &s)
}

func statusCommand() *cobra.Command {
	t := &target{}
	asJSON := false
	cmd := &cobra.Command{
		Use: "status", Short: "Show the nodes of the cluster", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := usage(fromEnvironment(cmd.Flags())); err != nil {
				return err
			}
			s, text, err := t.status(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				_, err := fmt.Fprintln(cmd.OutOrStdout(), text)
				return err
			}
			return printMembers(cmd.OutOrStdout(), s.Members)
		},
	}
	t.flags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, with more detail")
	return cmd
}

func printMembers(out io.Writer, members []server.Member) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NODE\tROLE\tVOTER\tTERM\tAPPLIED\tLAG\tREDIS\tCLASSIC\tHTTP\tVERSION")
	for _, m := range members {
		if !m.Alive {
			fmt.Fprintf(w, "%s\t%s\t%s\t-\t-\t-\t-\t-\t-\t-\n", m.Name, "unreachable", yesNo(m.Voter))
			continue
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%d\t%s\t%s\t%s\t%s\n",
			m.Name, m.Role, yesNo(m.Voter), m.Term, m.Applied, m.Lag, m.Redis, m.Classic, m.HTTP, m.Version)
	}
	return w.Flush()
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func membersCommand() *cobra.Command {
	t := &target{}
	cmd := &cobra.Command{Use: "members", Short: "List and change the members of the cluster", Args: noArgs, RunE: showHelp}
	t.flags(cmd)
	change := func(use, short, verb string) *cobra.Command {
		return &cobra.Command{
			Use: use, Short: short,
			Args: func(cmd *cobra.Command, args []string) error { return usage(cobra.ExactArgs(1)(cmd, args)) },
			RunE: func(cmd *cobra.Command, args []string) error { return t.report(cmd, "RAFT", verb, args[0]) },
		}
	}
	cmd.AddCommand(
		t.trimCommand(),
		&cobra.Command{
			Use: "list", Short: "List the members", Args: noArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				if err := usage(fromEnvironment(cmd.Flags())); err != nil {
					return err
				}
				s, _, err := t.status(cmd.Context())
				if err != nil {
					return err
				}
				return printMembers(cmd.OutOrStdout(), s.Members)
			},
		},
		change("remove NAME", "Take a member out; refused where too few would be left for a quorum", "REMOVE"),
		change("promote NAME", "Make a voter of a member that is none yet", "PROMOTE"),
	)
	return cmd
}

func transferCommand() *cobra.Command {
	t := &target{}
	cmd := &cobra.Command{
		Use: "transfer-leader [NAME]", Short: "Hand the leadership to a member, or to the most current one",
		Args: func(cmd *cobra.Command, args []string) error { return usage(cobra.MaximumNArgs(1)(cmd, args)) },
		RunE: func(cmd *cobra.Command, args []string) error {
			words := []any{"RAFT", "TRANSFER"}
			for _, a := range args {
				words = append(words, a)
			}
			return t.report(cmd, words...)
		},
	}
	t.flags(cmd)
	return cmd
}

// report sends a command and prints its reply.
func (t *target) report(cmd *cobra.Command, args ...any) error {
	if err := usage(fromEnvironment(cmd.Flags())); err != nil {
		return err
	}
	reply, err := t.do(cmd.Context(), args...)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(cmd.OutOrStdout(), reply)
	return err
}

func docsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "docs", Short: "Print docs/commands.md, made from the command table", Args: noArgs, Hidden: true,
		RunE: func(cmd *cobra.Command, _ []string) error { return server.WriteDocs(cmd.OutOrStdout()) },
	}
}
