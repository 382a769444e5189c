package web

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-metrics"
	compat "github.com/hashicorp/go-metrics/compat"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// serve runs a server for the test, and returns its address.
func serve(t *testing.T, opts Options) string {
	t.Helper()
	return serveBy(t, New(opts))
}

func serveBy(t *testing.T, s *Server) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return "http://" + l.Addr().String()
}

func get(t *testing.T, url string) (code int, kind, body string) {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, r.Header.Get("Content-Type"), string(b)
}

func TestProbes(t *testing.T) {
	var conditions []Condition
	url := serve(t, Options{Ready: func() []Condition { return conditions }})
	check := func(path string, code int, want string) {
		t.Helper()
		got, kind, body := get(t, url+path)
		if got != code || body != want || !strings.HasPrefix(kind, "text/plain") {
			t.Errorf("%s: %d, %s, %q; want %d, %q", path, got, kind, body, code, want)
		}
	}
	check("/livez", 200, "ok\n")
	check("/readyz", 200, "readyz check passed\n")
	conditions = []Condition{{Name: "leader", OK: true}, {Name: "lag", OK: true, Detail: "none"}}
	check("/readyz", 200, "[+]leader ok\n[+]lag ok\nreadyz check passed\n")
	conditions = []Condition{
		{Name: "leader", OK: true},
		{Name: "lag", Detail: "5000 entries behind,\nlimit 1000"},
		{Name: "disk"},
	}
	want := "[+]leader ok\n[-]lag 5000 entries behind, limit 1000\n[-]disk failed\nreadyz check failed\n"
	check("/readyz", 503, want)
	check("/readyz?verbose", 503, want)
	check("/livez", 200, "ok\n")
}

func TestPages(t *testing.T) {
	url := serve(t, Options{Status: func(context.Context) any { return map[string]int{"term": 7} }})
	code, _, body := get(t, url+"/")
	if code != 200 {
		t.Errorf("/: %d", code)
	}
	for _, path := range []string{"/livez", "/readyz", "/status"} {
		if !strings.Contains(body, path) {
			t.Errorf("the index does not name %s", path)
		}
		if code, _, _ := get(t, url+path); code != 200 {
			t.Errorf("%s: %d", path, code)
		}
	}
	_, kind, body := get(t, url+"/status")
	var status map[string]int
	if err := json.Unmarshal([]byte(body), &status); err != nil || status["term"] != 7 || !strings.HasPrefix(kind, "application/json") {
		t.Errorf("/status: %s %q, %v", kind, body, err)
	}
	for _, path := range []string{"/nothing", "/metrics", "/debug/pprof/", "/debug/pprof/cmdline", "/debug/vars"} { // there is no gatherer
		if code, _, _ := get(t, url+path); code != 404 {
			t.Errorf("%s: %d", path, code)
		}
	}
}

func TestStatusNotRendered(t *testing.T) {
	url := serve(t, Options{Status: func(context.Context) any { return func() {} }})
	if code, _, _ := get(t, url+"/status"); code != 500 {
		t.Errorf("/status: %d", code)
	}
}

func TestMetrics(t *testing.T) {
	registry, err := Metrics()
	if err != nil {
		t.Fatal(err)
	}
	second, err := Metrics() // as a second node in the process would
	if err != nil {
		t.Fatal(err)
	}
	// What raft, memberlist and the log stores do.
	compat.IncrCounter([]string{"raft", "boltdb", "x"}, 3)
	metrics.IncrCounter([]string{"raft", "apply"}, 3)
	metrics.SetGauge([]string{"raft", "last_index"}, 42)
	metrics.MeasureSince([]string{"raft", "commitTime"}, time.Now().Add(-time.Second))
	metrics.IncrCounterWithLabels([]string{"memberlist", "msg", "alive"}, 1, []metrics.Label{{Name: "network", Value: "x"}})

	_, _, body := get(t, serve(t, Options{Gatherer: registry})+"/metrics")
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"trivet_raft_commitTime", "trivet_memberlist_msg_alive", "trivet_raft_boltdb_x", "go_goroutines", "process_start_time_seconds"} {
		if families[name] == nil {
			t.Errorf("%s is missing", name)
		}
	}
	if f := families["trivet_raft_apply"]; f == nil || f.Metric[0].GetCounter().GetValue() < 3 {
		t.Errorf("trivet_raft_apply: %v", f)
	}
	if f := families["trivet_raft_last_index"]; f == nil || f.Metric[0].GetGauge().GetValue() != 42 || len(f.Metric[0].Label) != 0 {
		t.Errorf("trivet_raft_last_index: %v", f)
	}
	if _, err := second.Gather(); err != nil {
		t.Error(err)
	}
}
