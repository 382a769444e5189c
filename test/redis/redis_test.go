//go:build redis

// Package redis compares trivet with a real Redis: the replies in the
// transcripts, and what the table says of each command.
//
// It needs redis-server in PATH, of version 7.0 or later 7.0.x; without it the
// tests fail. Run
//
//	go test -tags redis ./test/redis
//
// With -rewrite, the transcripts get the replies of the real Redis, to see by
// the diff what a new command ought to answer.
package redis

import (
	"flag"
	"strings"
	"testing"

	"github.com/trivetdb/trivet/resp"
	"github.com/trivetdb/trivet/test/transcript"
)

var rewrite = flag.Bool("rewrite", false, "write Redis's replies into the transcripts")

// comparable picks the blocks that a real Redis must answer as trivet does.
func comparable(b *transcript.Block) bool {
	if b.TrivetOnly || b.Clock {
		return false
	}
	for _, s := range b.Steps {
		if s.Classic {
			return false
		}
	}
	return true
}

func TestTranscripts(t *testing.T) {
	files, err := transcript.Load("../../fsm/testdata")
	if err != nil {
		t.Fatal(err)
	}
	r := startRedis(t)
	for _, f := range files {
		t.Run(f.Name[strings.LastIndexByte(f.Name, '/')+1:], func(t *testing.T) {
			r.do("FLUSHALL")
			db := "0"
			r.do("SELECT", db)
			got, err := f.Run(comparable, func(c transcript.Command) (resp.Value, error) {
				if at := itoa(c.DB); at != db {
					db = at
					r.do("SELECT", db)
				}
				args := make([]string, 0, len(c.Args))
				for _, a := range c.Args {
					args = append(args, a.Str)
				}
				return r.do(args...), nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if *rewrite {
				if err := got.Save(); err != nil {
					t.Fatal(err)
				}
			} else if diff := f.Diff(got); diff != "" {
				t.Errorf("Redis answers otherwise:\n%s", diff)
			}
		})
	}
}
