package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// A Target is the trivet that is written to.
type Target struct {
	Addresses []string                                // of nodes; the first that answers is written to
	Client    func(addr string, db int) *redis.Client // that retries nothing
	Replace   bool                                    // overwrite keys and libraries that exist
}

// A Writer writes records, many in one pipeline.
type Writer struct {
	Target
	report   *Report
	progress *Progress
	addr     string
	clients  map[int]*redis.Client // of addr, by database
	batch    []*Record             // of one database
	bytes    int                   // of batch
}

// A pipeline holds at most so much, or one key.
const (
	batchBytes = 1 << 20
	batchKeys  = 4000
)

// patience is how long commands are tried again that no node takes.
const patience = time.Minute

// Run writes all that a source yields. What it reports is right also where it
// returns an error, which says what ended it.
func Run(ctx context.Context, src Source, t Target, p *Progress) (*Report, error) {
	w := &Writer{Target: t, report: newReport(), progress: p, clients: map[int]*redis.Client{}}
	defer w.hangUp()
	if err := w.connect(ctx); err != nil {
		return w.report, err
	}
	p.start()
	for {
		r, err := src.Next(ctx)
		switch {
		case err == io.EOF: // itself: a connection's end may be wrapped
			return w.report, w.flush(ctx)
		case err != nil:
			return w.report, errors.Join(err, w.flush(ctx))
		case ctx.Err() != nil:
			return w.report, ctx.Err()
		}
		if err := w.write(ctx, r); err != nil {
			return w.report, err
		}
		p.tell(func(seconds float64) string { return w.line(src.Done(), seconds) })
	}
}

func (w *Writer) line(done, seconds float64) string {
	n, bytes := w.report.total(), float64(w.report.Bytes)
	text := fmt.Sprintf("%d keys, %s, %.0f keys/s, %s/s", n, size(bytes), float64(n)/seconds, size(bytes/seconds))
	if done > 0 {
		text = fmt.Sprintf("%3.0f %%: %s", 100*done, text)
	}
	return text
}

// connect finds the first node that answers.
func (w *Writer) connect(ctx context.Context) error {
	var faults []error
	for _, addr := range w.Addresses {
		w.addr = addr
		err := w.client(0).Ping(ctx).Err()
		if err == nil || refused(err) {
			return err
		}
		faults = append(faults, fmt.Errorf("%s: %w", addr, err))
		w.hangUp()
	}
	return fmt.Errorf("no node answers; name one with --addr:\n%w", errors.Join(faults...))
}

func (w *Writer) client(db int) *redis.Client {
	if w.clients[db] == nil {
		w.clients[db] = w.Client(w.addr, db)
	}
	return w.clients[db]
}

func (w *Writer) hangUp() {
	for _, c := range w.clients {
		c.Close()
	}
	clear(w.clients)
}

// exec sends a pipeline; then each command has its reply or its error. go-redis
// gives them none where the server refuses what a connection begins with.
func exec(ctx context.Context, pipe redis.Pipeliner) {
	commands, err := pipe.Exec(ctx)
	for _, c := range commands {
		if c.Err() != nil {
			return
		}
	}
	for _, c := range commands {
		c.SetErr(err)
	}
}

// refused reports whether an error is a server's reply.
func refused(err error) bool { return replyText(err) != "" }

// replyText is what a server replied, "" where an error is none.
func replyText(err error) string {
	var reply redis.Error
	if errors.As(err, &reply) {
		return reply.Error()
	}
	return ""
}

// write takes a record, and sends those before it when they are enough.
func (w *Writer) write(ctx context.Context, r *Record) error {
	switch {
	case r.Skip != "":
		w.report.skip(r, r.Skip)
		return nil
	case r.Fault != "":
		w.report.fail(r, r.Fault)
		return nil
	case r.Library != "":
		return w.library(ctx, r)
	case r.Value != nil:
		if err := w.flush(ctx); err != nil {
			return err
		}
		return w.parts(ctx, r)
	}
	full := w.bytes+len(r.Payload) > batchBytes || len(w.batch) == batchKeys
	if len(w.batch) > 0 && (full || w.batch[0].DB != r.DB) {
		if err := w.flush(ctx); err != nil {
			return err
		}
	}
	w.batch = append(w.batch, r)
	w.bytes += len(r.Payload) + len(r.Key)
	return nil
}

// flush sends the batch.
func (w *Writer) flush(ctx context.Context) error {
	if len(w.batch) == 0 {
		return nil
	}
	batch := w.batch
	w.batch, w.bytes = nil, 0
	commands := make([][]any, len(batch))
	for i, r := range batch {
		commands[i] = []any{"RESTORE", r.Key, r.ExpireAt, r.Payload, "ABSTTL"}
		if w.Replace {
			commands[i] = append(commands[i], "REPLACE")
		}
	}
	replies, err := w.do(ctx, batch[0].DB, commands)
	for i, r := range batch {
		switch fault := replies[i].Err(); {
		case fault == nil:
			w.report.wrote(r, len(r.Payload))
		case final(fault):
			w.report.fail(r, reason(fault))
		default:
			w.report.fail(r, unknown)
		}
	}
	return err
}

// unknown is the fate of what was sent when a connection ended.
const unknown = "may or may not be written: the import ended before the node answered"

const busy = "BUSYKEY there is a key of that name; --replace overwrites such keys"

// reason is what a report says of a node's refusal.
func reason(err error) string {
	text := replyText(err)
	if strings.HasPrefix(text, "BUSYKEY ") {
		return busy
	}
	return text
}

// final reports whether an error is the node's last word on a command.
func final(err error) bool {
	text := replyText(err)
	return text != "" && !strings.HasPrefix(text, "MOVED ") && !strings.HasPrefix(text, "LOADING ")
}

// do sends commands in one pipeline and returns their replies. It goes where the
// leader is, and tries again while there is none. After an error, replies hold
// what is known.
func (w *Writer) do(ctx context.Context, db int, commands [][]any) ([]*redis.Cmd, error) {
	replies := make([]*redis.Cmd, len(commands))
	left := make([]int, len(commands)) // to be sent, by index
	for i := range left {
		left[i] = i
	}
	for begun := time.Now(); ; {
		pipe := w.client(db).Pipeline()
		for _, i := range left {
			replies[i] = pipe.Do(ctx, commands[i]...)
		}
		exec(ctx, pipe)
		var again []int
		var fault error
		for _, i := range left {
			err := replies[i].Err()
			switch {
			case err == nil || final(err):
			case !refused(err):
				return replies, fmt.Errorf("connection to %s: %w", w.addr, err)
			default:
				again, fault = append(again, i), err
			}
		}
		if len(again) == 0 {
			return replies, nil
		}
		if len(again) < len(left) {
			begun = time.Now()
		}
		if time.Since(begun) > patience {
			return replies, fmt.Errorf("for %v no node took a command: %w", patience, fault)
		}
		left = again
		if err := w.follow(ctx, fault); err != nil {
			return replies, err
		}
	}
}

// follow goes to the node that a reply names, or waits a little for a leader.
func (w *Writer) follow(ctx context.Context, reply error) error {
	if to, ok := strings.CutPrefix(replyText(reply), "MOVED 0 "); ok && to != w.addr {
		w.hangUp()
		w.addr = to
		return nil
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(200 * time.Millisecond):
		return nil
	}
}

// library loads a library of functions. One that is there already, with the same
// code, is left as it is.
func (w *Writer) library(ctx context.Context, r *Record) error {
	load := []any{"FUNCTION", "LOAD"}
	if w.Replace {
		load = append(load, "REPLACE")
	}
	replies, err := w.do(ctx, 0, [][]any{append(load, r.Library), {"FUNCTION", "LIST", "WITHCODE"}})
	if err != nil {
		return err
	}
	switch fault := replies[0].Err(); {
	case fault == nil:
		w.report.wrote(r, len(r.Library))
	case holds(replies[1].Val(), r.Library):
		w.report.skip(r, "library that is there already")
	default:
		w.report.fail(r, reason(fault))
	}
	return nil
}

// holds reports whether a string is somewhere in a reply.
func holds(reply any, s string) bool {
	switch v := reply.(type) {
	case string:
		return v == s
	case []any:
		for _, e := range v {
			if holds(e, s) {
				return true
			}
		}
	case map[any]any:
		for _, e := range v {
			if holds(e, s) {
				return true
			}
		}
	}
	return false
}
