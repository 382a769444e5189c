package ingest

import (
	"context"
	"fmt"
	"time"

	"github.com/trivetdb/trivet/fsm/rdb"
	"github.com/trivetdb/trivet/resp"
)

// A Record is a key, or a library of functions.
type Record struct {
	DB       int
	Key      string
	ExpireAt int64      // milliseconds since 1970, 0 for never
	Payload  []byte     // as DUMP answers it; nil where Value is what there is
	Value    *rdb.Value // of a key that one request shall not hold
	Library  string     // code; then there is no key
	Skip     string     // why it is not to be written, "" where it is
	Fault    string     // why it cannot be written, "" where it can
}

// name is how a report calls the record.
func (r *Record) name() string {
	if r.Key == "" && r.DB < 0 {
		return "functions"
	}
	return fmt.Sprintf("database %d, key %.200q", r.DB, r.Key)
}

// A Source yields records.
type Source interface {
	// Next returns the next record, or io.EOF itself, not wrapped, after the last.
	Next(ctx context.Context) (*Record, error)
	// Done is how much of all was read, from 0 to 1; 0 where that is not known.
	Done() float64
	Close() error
}

// Sizes in bytes.
var (
	maxString  = resp.DefaultLimits.Bulk  // the largest string that a node takes
	maxRequest = resp.DefaultLimits.Total // the largest request
	// A larger payload is written in parts, if it can be: a request is one entry of
	// the log, and a very long one keeps the leader from its followers.
	maxWhole = 4 << 20
)

// fits reports whether a key shall be written with one RESTORE.
func fits(kind rdb.Kind, key string, payload int) bool {
	const rest = 1 << 10 // of the request, more than enough
	most := maxWhole
	if kind == rdb.Streams {
		most = maxString
	}
	return len(key) <= maxString && payload <= most && len(key)+payload+rest <= maxRequest
}

const expired = "expired"

// late reports whether a deadline has passed.
func late(at int64) bool { return at != 0 && at <= time.Now().UnixMilli() }

// fromValue returns the record of a key.
func fromValue(k *rdb.Key) *Record {
	r := &Record{DB: k.DB, Key: k.Name, ExpireAt: k.ExpireAt}
	if late(k.ExpireAt) {
		r.Skip = expired
		return r
	}
	if payload := rdb.AppendDump(nil, &k.Value); fits(k.Value.Kind, k.Name, len(payload)) {
		r.Payload = payload
	} else {
		r.Value = &k.Value
	}
	return r
}
