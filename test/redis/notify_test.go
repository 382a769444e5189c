//go:build redis

package redis

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/resp"
	"github.com/trivetdb/trivet/test/transcript"
)

const allEvents = "KEAmn"

// otherEvents are the commands whose events are not Redis's, and why.
var otherEvents = map[string]string{
	"XREAD": "Redis looks twice for a key, and tells twice of one that it misses",
}

// An ear listens to all of a Redis's notifications.
type ear struct {
	*client // it publishes what marks the end of a command's events
	sub     *client
	n       int
}

func listen(t *testing.T, r *client) *ear {
	conn, err := net.Dial("tcp", r.conn.RemoteAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	sub := &client{t, conn, resp.NewReader(conn, resp.DefaultLimits)}
	sub.do("PSUBSCRIBE", "*")
	r.do("CONFIG", "SET", "notify-keyspace-events", allEvents)
	return &ear{client: r, sub: sub}
}

// events returns what came since the last call.
func (e *ear) events() (events []string) {
	e.n++
	mark := fmt.Sprint("mark ", e.n)
	e.do("PUBLISH", "mark", mark)
	for {
		e.sub.conn.SetDeadline(time.Now().Add(10 * time.Second))
		v, err := e.sub.r.ReadValue()
		if err != nil {
			e.t.Fatal(err)
		}
		switch channel, text := v.Elems[2].Str, v.Elems[3].Str; {
		case text == mark:
			return events
		case telling(channel):
			events = append(events, channel+" "+text)
		}
	}
}

// telling reports whether a channel is one that is compared: when a key expires
// depends on more than the commands.
func telling(channel string) bool {
	return strings.HasPrefix(channel, "__key") && !strings.HasSuffix(channel, "__:expired")
}

// A twin is a state that is told the same as Redis.
type twin struct {
	*fsm.State
	t     *testing.T
	index uint64
}

func newTwin(t *testing.T) *twin {
	w := &twin{State: fsm.NewStateAt(fsm.NewestLevel), t: t}
	w.run(0, 0, "SETTINGS|SET", []byte("SETTINGS"), []byte("notify-keyspace-events"), []byte(allEvents))
	return w
}

// run carries out a command and returns its events.
func (w *twin) run(at int64, db int, row string, args ...[]byte) (events []string) {
	c := fsm.Lookup(row)
	var told []fsm.Message
	if c.Flags&fsm.Read != 0 {
		w.Read(fsm.Request{Command: c, Args: args, DB: db, Now: at, Seed: w.index, Notices: &told})
	} else {
		w.index++
		var g fsm.Group
		g.Add(c, args, nil)
		_, err := w.Apply(w.index, fsm.Entry{Time: at, Seed: w.index, Batches: []fsm.Batch{
			{Origin: fsm.Origin{ID: 1, Life: 1}, Seq: w.index, Body: g.Append(nil, db)},
		}})
		if err != nil {
			w.t.Fatal(err)
		}
		told = w.TakeMessages()
	}
	for _, m := range told {
		if telling(m.Channel) && m.Text != "expired" {
			events = append(events, m.Channel+" "+m.Text)
		}
	}
	return events
}

// rowOf returns the name of the row that answers a step.
func rowOf(c transcript.Command) string {
	row := fsm.Lookup(c.Name())
	if row != nil && row.Flags&fsm.Container != 0 && len(c.Args) > 1 {
		row = fsm.Lookup(row.Name + "|" + strings.ToUpper(c.Args[1].Str))
	}
	if row == nil || !row.ArityOK(len(c.Args)) || row.Flags&fsm.Local != 0 {
		return ""
	}
	return row.Name
}

// TestNotifications runs the transcripts on a Redis and on a state, which must
// tell of the same events in the same order.
func TestNotifications(t *testing.T) {
	files, err := transcript.Load("../../fsm/testdata")
	if err != nil {
		t.Fatal(err)
	}
	r := startRedis(t)
	e := listen(t, r)
	for _, f := range files {
		t.Run(f.Name[strings.LastIndexByte(f.Name, '/')+1:], func(t *testing.T) {
			r.do("FLUSHALL")
			w, db, told := newTwin(t), -1, 0
			e.events()
			_, err := f.Run(comparable, func(c transcript.Command) (resp.Value, error) {
				row := rowOf(c)
				if row == "" {
					return resp.Nil, nil
				}
				if c.DB != db {
					db = c.DB
					r.do("SELECT", itoa(db))
				}
				args := make([]string, 0, len(c.Args))
				for _, a := range c.Args {
					args = append(args, a.Str)
				}
				r.do(args...)
				want := slices.DeleteFunc(e.events(), func(s string) bool { return strings.HasSuffix(s, " expired") })
				got := w.run(time.Now().UnixMilli(), db, row, c.Strings()...)
				told += len(got)
				// From 7.2 on a consumer is made when it first asks for something, not
				// when it first gets something.
				madeOnce := func(s string) bool { return strings.Contains(s, "xgroup-createconsumer") }
				got, want = slices.DeleteFunc(got, madeOnce), slices.DeleteFunc(want, madeOnce)
				_, other := otherEvents[row]
				other = other || strings.Contains(c.Text, "'XREAD'")
				if !other && !slices.Equal(got, want) {
					t.Errorf("%s:\n%q, Redis tells\n%q", c.Text, got, want)
				}
				return resp.Nil, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d events", told)
		})
	}
}
