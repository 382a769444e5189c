package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trivetdb/trivet/fsm/rdb"
)

// A scan reads a Redis key by key, as any client may.
type scan struct {
	options *redis.Options
	client  *redis.Client // of dbs[0]
	dbs     []int         // not read to the end yet
	total   int64         // keys there were at the start
	read    int64         // keys
	cursor  uint64
	begun   bool                // the scan of dbs[0]
	names   []string            // that SCAN answered, not read yet
	seen    map[string]struct{} // SCAN may answer a key twice
	at      int                 // how many names one pipeline reads
	queue   []*Record
}

// A pipeline of DUMP shall answer about so many bytes; how large the next keys
// are is guessed from the last ones.
const (
	scanBytes = 4 << 20
	scanFirst = 16
	scanMost  = 256
	scanCount = 1000
)

func (o *Origin) scan(ctx context.Context) (*scan, error) {
	s := &scan{options: o.options, at: scanFirst, seen: map[string]struct{}{}}
	if err := s.count(ctx, o.db); err != nil {
		return nil, fmt.Errorf("ask Redis for its databases; name one with redis://host:port/0: %w", err)
	}
	if err := s.libraries(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// count finds the databases and how many keys they have.
func (s *scan) count(ctx context.Context, only int) error {
	c := s.open(max(only, 0))
	defer c.Close()
	if only != allDatabases {
		s.dbs = []int{only}
		var err error
		s.total, err = c.DBSize(ctx).Result()
		return err
	}
	info, err := c.Info(ctx, "keyspace").Result()
	if err != nil {
		return err
	}
	for line := range strings.Lines(info) { // db0:keys=5,expires=0,avg_ttl=0
		name, rest, _ := strings.Cut(line, ":keys=")
		db, fault := strconv.Atoi(strings.TrimPrefix(name, "db"))
		keys, _, _ := strings.Cut(rest, ",")
		n, err := strconv.ParseInt(keys, 10, 64)
		if fault == nil && err == nil {
			s.dbs = append(s.dbs, db)
			s.total += n
		}
	}
	slices.Sort(s.dbs)
	return nil
}

func (s *scan) open(db int) *redis.Client {
	opt := *s.options
	opt.DB = db
	return redis.NewClient(&opt)
}

// libraries reads the functions.
func (s *scan) libraries(ctx context.Context) error {
	c := s.open(max(slices.Min(append(s.dbs, 0)), 0))
	defer c.Close()
	dump, err := c.FunctionDump(ctx).Result()
	if err == nil {
		var code []string
		if code, err = rdb.ParseLibraries([]byte(dump), maxRequest); err == nil {
			for _, c := range code {
				s.queue = append(s.queue, &Record{DB: allDatabases, Library: c})
			}
			return nil
		}
	} else if !refused(err) {
		return err
	} else if strings.Contains(err.Error(), "unknown command") { // before Redis 7
		return nil
	}
	s.queue = append(s.queue, &Record{DB: allDatabases, Fault: fmt.Sprintf("FUNCTION DUMP: %v", err)})
	return nil
}

func (s *scan) Next(ctx context.Context) (*Record, error) {
	for len(s.queue) == 0 {
		if len(s.dbs) == 0 {
			return nil, io.EOF
		}
		if err := s.advance(ctx); err != nil {
			return nil, fmt.Errorf("read from Redis: %w", err)
		}
	}
	r := s.queue[0]
	s.queue = s.queue[1:]
	return r, nil
}

// advance reads some keys, or some names, or goes to the next database.
func (s *scan) advance(ctx context.Context) error {
	switch {
	case len(s.names) > 0:
		n := min(s.at, len(s.names))
		err := s.dump(ctx, s.names[:n])
		s.names = s.names[n:]
		return err
	case s.begun && s.cursor == 0:
		s.begun, s.dbs = false, s.dbs[1:]
		clear(s.seen)
		return s.Close()
	}
	if s.client == nil {
		s.client = s.open(s.dbs[0])
	}
	names, cursor, err := s.client.Scan(ctx, s.cursor, "", scanCount).Result()
	if err != nil {
		return err
	}
	s.begun, s.cursor = true, cursor
	for _, name := range names {
		if _, again := s.seen[name]; !again {
			s.seen[name] = struct{}{}
			s.names = append(s.names, name)
		}
	}
	return nil
}

// dump reads keys.
func (s *scan) dump(ctx context.Context, names []string) error {
	pipe := s.client.Pipeline()
	dumps, times := make([]*redis.StringCmd, len(names)), make([]*redis.Cmd, len(names))
	for i, name := range names {
		dumps[i], times[i] = pipe.Dump(ctx, name), pipe.Do(ctx, "PTTL", name)
	}
	exec(ctx, pipe)
	now, bytes := time.Now().UnixMilli(), 0
	for i, name := range names {
		payload, err := dumps[i].Result()
		left, fault := times[i].Int64()
		r := &Record{DB: s.dbs[0], Key: name}
		switch {
		case errors.Is(err, redis.Nil) || left == -2:
			r.Skip = "deleted or expired while it was read"
		case err != nil || fault != nil:
			if err = errors.Join(err, fault); !refused(err) {
				return err
			}
			r.Fault = fmt.Sprintf("DUMP and PTTL: %v", err)
		default:
			if left >= 0 {
				r.ExpireAt = now + max(left, 1)
			}
			r.hold(payload)
		}
		bytes += len(payload)
		s.queue = append(s.queue, r)
	}
	s.read += int64(len(names))
	s.at = max(1, min(scanMost, 2*s.at, s.at*scanBytes/max(bytes, 1)))
	return nil
}

// hold keeps what DUMP answered.
func (r *Record) hold(payload string) {
	r.Payload = []byte(payload)
	if fits(rdb.String, r.Key, len(payload)) {
		return
	}
	v, err := rdb.ParseDump(r.Payload)
	switch {
	case err != nil:
		r.Fault = err.Error()
	case !fits(v.Kind, r.Key, len(payload)):
		r.Payload, r.Value = nil, &v
	}
}

func (s *scan) Done() float64 {
	if s.total == 0 {
		return 0
	}
	return min(1, float64(s.read)/float64(s.total))
}

func (s *scan) Close() error {
	if s.client == nil {
		return nil
	}
	err := s.client.Close()
	s.client = nil
	return err
}
