package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/trivetdb/trivet/node/backup"
)

func backupCommand() *cobra.Command {
	t := &target{}
	output, keep := "", 0
	cmd := &cobra.Command{
		Use: "backup", Short: "Store all that a running cluster holds, as of one moment",
		Long: `Store all that a running cluster holds, as of one moment, while it goes on. With
an output that ends with / the backup gets a name there with the time, such as
trivet-20261122T204100Z.backup. A file has its name once it is complete.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := usage(fromEnvironment(cmd.Flags())); err != nil {
				return err
			}
			to, err := openOutput(cmd.Context(), output, keep, cmd.OutOrStdout())
			if err != nil {
				return usage(err)
			}
			made, err := t.backup(cmd.Context(), to)
			if err != nil {
				return err
			}
			summary := cmd.OutOrStdout()
			if output == "-" {
				summary = cmd.ErrOrStderr()
			}
			fmt.Fprintf(summary, "output  %s\nindex   %d\nkeys    %d\nbytes   %d\nsha256  %s\n",
				to.name(), made.header.Index, made.header.Keys, made.bytes, made.sum)
			return to.prune(cmd.Context())
		},
	}
	t.flags(cmd)
	cmd.Flags().StringVar(&output, "output", "./", "file, directory/, - for standard output, s3://bucket/key or s3://bucket/prefix/")
	cmd.Flags().IntVar(&keep, "keep", 0, "with an output that ends with /: remove older backups there beyond this many, once the new one is complete; 0: none (default 0)")
	return cmd
}

// A made backup is one that came over complete.
type made struct {
	header backup.Header
	bytes  int64
	sum    string // SHA-256 in hexadecimal
}

// backup has a node send a backup, checks that all of it came, and gives it its name.
func (t *target) backup(ctx context.Context, to output) (m made, err error) {
	w, err := t.dial(ctx)
	if err != nil {
		return m, err
	}
	defer w.Close()
	defer context.AfterFunc(ctx, func() { w.Close() })()
	if err := w.send("RAFT", "BACKUP"); err != nil {
		return m, err
	}
	out, err := to.create(ctx)
	if err != nil {
		return m, err
	}
	if m, err = receive(w, out); err == nil {
		err = out.commit()
	} else {
		err = errors.Join(fmt.Errorf("the backup did not come over, nothing was stored: %w", err), out.drop())
	}
	return m, err
}

// receive writes the chunks of a backup to out, and compares the checksum.
func receive(w *wire, out io.Writer) (m made, err error) {
	p := newProgress("backup", "")
	defer p.done()
	sum := sha256.New()
	var start bytes.Buffer
	for {
		w.waiting()
		kind, head, err := w.head()
		if err != nil {
			return m, err
		}
		if kind != '$' {
			end, err := w.reply(kind, head)
			if err != nil {
				return m, err
			}
			m.sum = hex.EncodeToString(sum.Sum(nil))
			if len(end) != 2 || end[0] != strconv.FormatInt(m.bytes, 10) || end[1] != m.sum {
				return m, fmt.Errorf("%d bytes came with the SHA-256 %s, not %q", m.bytes, m.sum, end)
			}
			m.header, err = backup.Read(&start)
			return m, err
		}
		b, err := w.bulk(head)
		if err != nil {
			return m, err
		}
		if m.bytes == 0 {
			start.Write(b) // the header is in the first chunk
		}
		m.bytes += int64(len(b))
		sum.Write(b)
		if _, err := out.Write(b); err != nil {
			return m, err
		}
		p.add(int64(len(b)))
	}
}

func restoreCommand() *cobra.Command {
	t := &target{}
	force := false
	cmd := &cobra.Command{
		Use: "restore FILE | - | s3://bucket/key", Short: "Have a running cluster hold what a backup holds",
		Long: `Have all nodes of a running cluster hold what a backup holds: keys, users,
settings and functions. A cluster that has keys is left as it is, unless --force
says to replace all of them. Nothing changes before all of the backup has come
over and was found whole.`,
		Args: func(cmd *cobra.Command, args []string) error { return usage(cobra.ExactArgs(1)(cmd, args)) },
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := usage(fromEnvironment(cmd.Flags())); err != nil {
				return err
			}
			in, err := openInput(cmd.Context(), args[0], cmd.InOrStdin())
			if err != nil {
				return err
			}
			defer in.Close()
			index, keys, err := t.restore(cmd.Context(), in, force)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "restored %s keys, as they were at index %s of the cluster that was backed up\n", keys, index)
			return err
		},
	}
	t.flags(cmd)
	cmd.Flags().BoolVar(&force, "force", false, "replace all that the cluster holds (default false)")
	return cmd
}

// restorePatience is how long all nodes may take to read a backup.
const restorePatience = 30 * time.Minute

// restore sends a backup to a node, which has all nodes take it over.
func (t *target) restore(ctx context.Context, in io.Reader, force bool) (index, keys string, err error) {
	w, err := t.dial(ctx)
	if err != nil {
		return "", "", err
	}
	defer w.Close()
	defer context.AfterFunc(ctx, func() { w.Close() })()
	begin := []string{"RAFT", "RESTORE", "BEGIN"}
	if force {
		begin = append(begin, "FORCE")
	}
	if _, err := w.ask(wireIdle, begin...); err != nil {
		return "", "", err
	}
	p := newProgress("restore", "")
	defer p.done()
	for part := make([]byte, 256<<10); ; {
		n, err := io.ReadFull(in, part)
		if n > 0 {
			if _, err := w.ask(wireIdle, "RAFT", "RESTORE", "DATA", string(part[:n])); err != nil {
				return "", "", err
			}
			p.add(int64(n))
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err != nil {
			return "", "", err
		}
	}
	end, err := w.ask(restorePatience, "RAFT", "RESTORE", "END")
	if err != nil {
		return "", "", err
	}
	if len(end) != 2 {
		return "", "", fmt.Errorf("the node's answer makes no sense: %q", end)
	}
	return end[0], end[1], nil
}

// openInput opens what is to be restored.
func openInput(ctx context.Context, name string, stdin io.Reader) (io.ReadCloser, error) {
	switch bucket, key, ok, err := parseS3(name); {
	case err != nil:
		return nil, usage(err)
	case ok:
		return openObject(ctx, bucket, key)
	case name == "-":
		return io.NopCloser(stdin), nil
	}
	return os.Open(name)
}
