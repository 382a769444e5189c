package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trivetdb/trivet/fsm/rdb"
)

// fromServer imports from a running Redis: all databases, or the one that the
// address names.
func (i *importer) fromServer(ctx context.Context, source string) error {
	o, err := redis.ParseURL(source)
	if err != nil {
		return usageError{fmt.Errorf("use redis://user:password@host:port/db: %w", err)}
	}
	only := -1
	if u, err := url.Parse(source); err == nil && strings.Trim(u.Path, "/") != "" {
		only = o.DB
	}
	o.MaxRetries, o.ReadTimeout = -1, wireIdle
	file, err := fetchFile(ctx, o)
	var refused refusal
	if errors.As(err, &refused) {
		fmt.Fprintf(os.Stderr, "the server gives no file (%s): copying key by key; stop its writers first\n", refused)
		return i.fromKeys(ctx, o, only)
	}
	if err != nil {
		return err
	}
	defer file.Close()
	return i.fromFile(ctx, file, only)
}

// fetchFile gets an RDB file as a replica would, into a temporary file without a
// name: a server drops replicas that are as slow as an import.
func fetchFile(ctx context.Context, o *redis.Options) (_ *os.File, err error) {
	w, err := openWire(ctx, redis.NewClient(o).Options())
	if err != nil {
		return nil, err
	}
	defer w.Close()
	defer context.AfterFunc(ctx, func() { w.Close() })()
	if err := w.send("SYNC"); err != nil {
		return nil, err
	}
	w.waiting()
	kind, head, err := w.head()
	if err != nil {
		return nil, err
	}
	size, err := strconv.ParseInt(head, 10, 64)
	if kind != '$' || err != nil {
		return nil, refusal(fmt.Sprintf("it answers %q to SYNC", string(kind)+head))
	}
	file, err := os.CreateTemp("", "trivet-import-*.rdb")
	if err != nil {
		return nil, err
	}
	defer os.Remove(file.Name())
	p := newProgress("fetch", "")
	defer p.done()
	for left := size; left > 0; {
		w.waiting()
		n, err := io.CopyN(file, w.r, min(left, 1<<20))
		if err != nil {
			return nil, errors.Join(fmt.Errorf("the server's file came only in part: %w", err), file.Close())
		}
		left -= n
		p.add(n)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// fromKeys imports with SCAN, DUMP and PTTL, as any client may.
func (i *importer) fromKeys(ctx context.Context, o *redis.Options, only int) error {
	if err := i.functions(ctx, o); err != nil {
		return err
	}
	for db := range databases {
		if only >= 0 && db != only {
			continue
		}
		one := *o
		one.DB = db
		c := redis.NewClient(&one)
		err := i.fromDatabase(ctx, c, db)
		c.Close()
		var refused redis.Error
		if errors.As(err, &refused) && db > 0 && strings.Contains(err.Error(), "DB index") {
			return nil // the server has no more of them
		}
		if err != nil {
			return fmt.Errorf("database %d: %w", db, err)
		}
	}
	return nil
}

func (i *importer) fromDatabase(ctx context.Context, c *redis.Client, db int) error {
	for cursor := uint64(0); ; {
		keys, next, err := c.Scan(ctx, cursor, "", 200).Result()
		if err != nil {
			return err
		}
		p := c.Pipeline()
		for _, key := range keys {
			p.Dump(ctx, key)
			p.PTTL(ctx, key)
		}
		replies, err := p.Exec(ctx)
		if len(keys) > 0 && err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
		for n, key := range keys {
			dump, ttl := replies[2*n].(*redis.StringCmd).Val(), replies[2*n+1].(*redis.DurationCmd).Val()
			if dump == "" {
				continue // it has gone since
			}
			it := item{name: key, dump: dump}
			if ttl > 0 {
				it.expireAt = time.Now().Add(ttl).UnixMilli()
			}
			if err := i.add(ctx, db, it); err != nil {
				return err
			}
		}
		if cursor = next; cursor == 0 {
			return i.flush(ctx)
		}
	}
}

// maxCode bounds the code of a server's function libraries, in bytes.
const maxCode = 64 << 20

// functions imports the function libraries, where the server has them.
func (i *importer) functions(ctx context.Context, o *redis.Options) error {
	c := redis.NewClient(o)
	defer c.Close()
	dump, err := c.FunctionDump(ctx).Result()
	var refused redis.Error
	if errors.As(err, &refused) {
		return nil // an older Redis, or not for this user
	}
	if err != nil {
		return err
	}
	code, err := rdb.ParseLibraries([]byte(dump), maxCode)
	for _, library := range code {
		err = errors.Join(err, i.library(ctx, library))
	}
	return err
}
