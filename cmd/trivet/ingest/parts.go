package ingest

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trivetdb/trivet/fsm/rdb"
)

// A kind says how a value is written in parts.
type kind struct {
	add   string // the command that adds elements
	count string // the command that counts them
	width int    // words of an element
}

var kinds = map[rdb.Kind]kind{
	rdb.String: {"APPEND", "STRLEN", 1},
	rdb.List:   {"RPUSH", "LLEN", 1},
	rdb.Set:    {"SADD", "SCARD", 1},
	rdb.Hash:   {"HSET", "HLEN", 2},
	rdb.ZSet:   {"ZADD", "ZCARD", 1}, // the score comes from elsewhere
}

// partTime is how long an unfinished key stays, after the last part of it.
const partTime = time.Hour

// parts writes a key that one request shall not hold. It grows under another name,
// and gets its own once it is whole.
func (w *Writer) parts(ctx context.Context, r *Record) error {
	if why := tooLarge(r); why != "" {
		w.report.fail(r, why)
		return nil
	}
	k := kinds[r.Value.Kind]
	draft := "trivet-import:" + rand.Text()
	bytes := 0
	for _, part := range split(k, r.Value) {
		for _, word := range part {
			bytes += len(word.(string))
		}
		add := append([]any{k.add, draft}, part...)
		replies, err := w.do(ctx, r.DB, [][]any{add, {"PEXPIRE", draft, partTime.Milliseconds()}})
		if err != nil || replies[0].Err() != nil {
			return w.giveUp(ctx, r, draft, replies[0], err)
		}
	}
	return w.publish(ctx, r, k, draft, bytes)
}

// publish gives the draft the key's deadline and name.
func (w *Writer) publish(ctx context.Context, r *Record, k kind, draft string, bytes int) error {
	deadline := []any{"PERSIST", draft}
	if r.ExpireAt != 0 {
		deadline = []any{"PEXPIREAT", draft, r.ExpireAt}
	}
	replies, err := w.do(ctx, r.DB, [][]any{deadline, {k.count, draft}})
	if err != nil || replies[0].Err() != nil {
		return w.giveUp(ctx, r, draft, replies[0], err)
	}
	if late(r.ExpireAt) {
		w.report.skip(r, expired)
		return nil
	}
	if n, _ := replies[1].Int(); n != elements(k, r.Value) {
		w.report.fail(r, "the key changed while it was written in parts")
		return w.drop(ctx, r, draft)
	}
	rename := []any{"RENAMENX", draft, r.Key}
	if w.Replace {
		rename[0] = "RENAME"
	}
	replies, err = w.do(ctx, r.DB, [][]any{rename})
	if err != nil || replies[0].Err() != nil {
		return w.giveUp(ctx, r, draft, replies[0], err)
	}
	if renamed, _ := replies[0].Int(); !w.Replace && renamed == 0 {
		w.report.fail(r, busy)
		return w.drop(ctx, r, draft)
	}
	w.report.wrote(r, bytes)
	return nil
}

// giveUp notes that a key failed, and removes what there is of it if the nodes
// can still be reached.
func (w *Writer) giveUp(ctx context.Context, r *Record, draft string, reply *redis.Cmd, err error) error {
	if err != nil {
		w.report.fail(r, unknown)
		return err
	}
	w.report.fail(r, reason(reply.Err()))
	return w.drop(ctx, r, draft)
}

func (w *Writer) drop(ctx context.Context, r *Record, draft string) error {
	_, err := w.do(ctx, r.DB, [][]any{{"UNLINK", draft}})
	return err
}

// tooLarge returns why a key cannot be written even in parts, or "".
func tooLarge(r *Record) string {
	longest := max(len(r.Key), len(r.Value.Str))
	for _, e := range r.Value.Elems {
		longest = max(longest, len(e))
	}
	switch {
	case r.Value.Kind == rdb.Streams:
		return fmt.Sprintf("stream whose DUMP is longer than %d bytes, the longest string that trivet takes; "+
			"streams cannot be written in parts: shorten it with XTRIM", maxString)
	case longest > maxString:
		return fmt.Sprintf("string of more than %d bytes, the longest that trivet takes", maxString)
	}
	return ""
}

// elements is what the kind's command must count.
func elements(k kind, v *rdb.Value) int {
	if v.Kind == rdb.String {
		return len(v.Str)
	}
	return len(v.Elems) / k.width
}

// split returns the words of the commands that add the elements.
func split(k kind, v *rdb.Value) (parts [][]any) {
	if v.Kind == rdb.String {
		for rest := v.Str; rest != ""; {
			n := min(len(rest), batchBytes)
			parts = append(parts, []any{rest[:n]})
			rest = rest[n:]
		}
		return parts
	}
	var part []any
	bytes := 0
	for i := 0; i < len(v.Elems); i += k.width {
		if v.Kind == rdb.ZSet {
			part = append(part, strconv.FormatFloat(v.Scores[i], 'g', -1, 64))
		}
		for _, e := range v.Elems[i : i+k.width] {
			part = append(part, e)
			bytes += len(e)
		}
		if bytes >= batchBytes || len(part) >= batchKeys {
			parts = append(parts, part)
			part, bytes = nil, 0
		}
	}
	if len(part) > 0 {
		parts = append(parts, part)
	}
	return parts
}
