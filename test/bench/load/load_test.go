package load

import (
	"context"
	"errors"
	"net"
	"reflect"
	"testing"
	"time"
)

const printed = "SET: rps=0.0 (overall: nan) avg_msec=nan (overall: nan)\r====== SET ======\n" +
	`  20000 requests completed in 0.04 seconds
  50 parallel clients

Latency by percentile distribution:
0.000% <= 0.071 milliseconds (cumulative count 4)
50.000% <= 0.831 milliseconds (cumulative count 10016)
99.805% <= 2.343 milliseconds (cumulative count 19968)
99.902% <= 2.383 milliseconds (cumulative count 19984)
99.951% <= 2.439 milliseconds (cumulative count 20000)
100.000% <= 2.439 milliseconds (cumulative count 20000)

Cumulative distribution of latencies:
99.910% <= 0.103 milliseconds (cumulative count 32)

Summary:
  throughput summary: 512820.50 requests per second
  latency summary (msec):
          avg       min       p50       p95       p99       max
        0.834     0.072     0.831     1.327     1.983     2.439
`

func TestParseBenchmark(t *testing.T) {
	got, err := parseBenchmark(printed)
	want := Result{Ops: 20000, Seconds: 0.04, Rate: 512820.5, P50: 0.831, P99: 1.983, P999: 2.383}
	if err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	if _, err := parseBenchmark("Error from server: ERR"); err == nil {
		t.Error("an error of the server passes for a result")
	}
}

func TestConn(t *testing.T) {
	here, there := net.Pipe()
	defer here.Close()
	go there.Write([]byte("+OK\r\n-ERR no\r\n:-7\r\n$3\r\na\r\n\r\n$-1\r\n*2\r\n$1\r\nk\r\n*0\r\n"))
	c := newConn(here)
	for _, want := range []any{"OK", Error("ERR no"), int64(-7), "a\r\n", nil, []any{"k", []any{}}} {
		got, err := c.Receive()
		if err != nil {
			got = err
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%#v; want %#v", got, want)
		}
	}
}

func TestClosedCounts(t *testing.T) {
	w := Work{Clients: 2, Pipeline: 3}
	r, err := Closed(context.Background(), w, 50*time.Millisecond, func(context.Context, int) error {
		time.Sleep(10 * time.Millisecond)
		return nil
	})
	if err != nil || r.Ops < 6 || r.Ops > 36 || r.P50 < 10 {
		t.Errorf("%+v, %v", r, err)
	}
	broken := errors.New("broken")
	if _, err := Closed(context.Background(), w, time.Hour, func(context.Context, int) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

func TestWatchSeesThePause(t *testing.T) {
	var w Watch
	w.answered(1)
	time.Sleep(30 * time.Millisecond)
	w.answered(2)
	w.answered(1)
	if longest, n := w.Since(); longest < 30*time.Millisecond || n != 4 {
		t.Errorf("%v, %d", longest, n)
	}
	if longest, n := w.Since(); longest != 0 || n != 0 {
		t.Errorf("not begun anew: %v, %d", longest, n)
	}
}
