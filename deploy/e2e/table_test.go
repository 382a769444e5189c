package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/trivetdb/trivet/deploy/e2e/load"
)

// saw is a report in which clients of trivet waited and saw errors.
func saw(pause time.Duration, plain, byDefault int) load.Report {
	r := load.Report{Acked: 10}
	*r.At("trivet") = load.Seen{Pause: pause, Plain: plain, Default: byDefault}
	return r
}

// TestJudge breaks each bound of an event, and none.
func TestJudge(t *testing.T) {
	for name, c := range map[string]struct {
		event event
		seen  load.Report
		ok    bool
	}{
		"no bounds":            {event{}, saw(time.Hour, 9, 9), true},
		"short pause":          {event{pause: time.Second}, saw(time.Second, 0, 0), true},
		"long pause":           {event{pause: time.Second}, saw(time.Second+1, 0, 0), false},
		"calm":                 {event{calm: true}, saw(0, 0, 0), true},
		"calm, plain error":    {event{calm: true}, saw(0, 1, 0), false},
		"steady, plain error":  {event{steady: true}, saw(0, 1, 0), true},
		"steady, other error":  {event{steady: true}, saw(0, 0, 1), false},
		"nothing acknowledged": {event{}, load.Report{}, false},
	} {
		if err := c.event.judge(c.seen); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFaulty(t *testing.T) {
	for _, c := range []struct {
		r  load.Report
		ok bool
	}{{load.Report{Acked: 5, Unknown: 3}, true}, {load.Report{Lost: 1}, false}, {load.Report{Doubled: 1}, false}} {
		if err := faulty(c.r); (err == nil) != c.ok {
			t.Errorf("%+v: %v", c.r, err)
		}
	}
}

func TestTable(t *testing.T) {
	var b strings.Builder
	writeTable(&b, []row{
		{event: "install", took: 2500 * time.Millisecond},
		{event: "kill", took: time.Second, seen: saw(1500*time.Millisecond, 2, 1), note: "why", err: errors.New("bad")},
	})
	want := `| event   | took  | pause, trivet | pause, leader | errors, trivet | errors, leader | acknowledged | unknown | lost | doubled |             |
|---------|-------|---------------|---------------|----------------|----------------|--------------|---------|------|---------|-------------|
| install | 2.5 s |               |               |                |                |              |         |      |         | ok          |
| kill    | 1.0 s | 1.50 s        | 0.00 s        | 2 + 1          | 0 + 0          | 10           | 0       | 0    | 0       | FAILED, why |
`
	if b.String() != want {
		t.Errorf("got\n%s", b.String())
	}
}
