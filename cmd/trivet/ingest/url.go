package ingest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// An Origin is a Redis to read from.
type Origin struct {
	options *redis.Options
	db      int // the only one wanted, or allDatabases
}

// sourceTime is how long Redis may say nothing: its replicas are as patient.
const sourceTime = time.Minute

// IsURL reports whether what was asked for is no file.
func IsURL(s string) bool { return strings.Contains(s, "://") }

// ParseURL reads redis://[user:password@]host[:port][/db], or the same with
// rediss for TLS. A password that is not there comes from REDISCLI_AUTH.
func ParseURL(s string) (*Origin, error) {
	o := &Origin{db: allDatabases}
	u, err := url.Parse(s)
	if err == nil {
		if u.Scheme != "redis" && u.Scheme != "rediss" {
			return nil, fmt.Errorf("scheme %q: use redis://, or rediss:// for TLS", u.Scheme)
		}
		o.options, err = redis.ParseURL(s)
	}
	if err != nil {
		if fault := new(url.Error); errors.As(err, &fault) { // it shows the password, or parts of it
			err = errors.New("not one; in a user or password write %40 for @, %2F for /, %3A for : and %25 for %")
		}
		return nil, fmt.Errorf("URL of the Redis to import: %w", err)
	}
	if strings.Trim(u.Path, "/") != "" || u.Query().Has("db") {
		o.db = o.options.DB
	}
	if o.options.Password == "" {
		o.options.Password = os.Getenv("REDISCLI_AUTH")
	}
	o.options.DialTimeout, o.options.ReadTimeout, o.options.WriteTimeout = 10*time.Second, sourceTime, sourceTime
	o.options.MaxRetries, o.options.DialerRetries = -1, 1
	return o, nil
}

// Open returns the Source that the Redis is: the file that it sends to a replica,
// or, where it refuses that, what SCAN and DUMP answer.
func (o *Origin) Open(ctx context.Context, p *Progress) (Source, error) {
	f, err := o.fetch(ctx, p)
	var r *refusal
	if errors.As(err, &r) {
		p.Say("Redis does not send its data as to a replica (%v): reading key by key, with SCAN and DUMP.", r)
		return o.scan(ctx)
	}
	if err != nil {
		return nil, err
	}
	s, err := newFile(f, o.db)
	if err != nil {
		return nil, errors.Join(err, os.Remove(f.Name()))
	}
	s.remove = true
	return s, nil
}
