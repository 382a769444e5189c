package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/trivetdb/trivet/test/cluster"
)

var metricName = regexp.MustCompile(`\b(?:trivet|process)_[a-z0-9_]+\b`)

func metricsOf(t *testing.T, n *cluster.Node) string {
	t.Helper()
	r, err := http.Get("http://" + n.HTTP + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// TestMonitoring looks for each metric of the alerts and of the dashboard on a
// node of a cluster, so that none waits for a name that is not there.
func TestMonitoring(t *testing.T) {
	c := cluster.Start(t, 3, "--queue-metrics", "jobs,3/jobs,set,zset,stream,gone")
	leader := c.Settled()
	conn := leader.Client()
	defer conn.Close()
	for _, args := range [][]any{
		{"RPUSH", "jobs", "a", "b"}, {"SADD", "set", "a"}, {"ZADD", "zset", 1, "a", 2, "b", 3, "c"},
		{"XADD", "stream", "*", "k", "v"}, {"SAVE"},
	} {
		if err := conn.Do(t.Context(), args...).Err(); err != nil {
			t.Fatal(args, err)
		}
	}
	c.Until("all members answer", 10*time.Second, func(context.Context) bool {
		return strings.Contains(metricsOf(t, leader), "\ntrivet_voters_reachable 3\n")
	})
	text := metricsOf(t, leader)
	contains(t, text, "\ntrivet_members_reachable 3\n", "\ntrivet_voters 3\n",
		`trivet_queue_length{db="0",key="jobs"} 2`, `trivet_queue_length{db="3",key="jobs"} 0`, `trivet_queue_length{db="0",key="set"} 1`,
		`trivet_queue_length{db="0",key="zset"} 3`, `trivet_queue_length{db="0",key="stream"} 1`, `trivet_queue_length{db="0",key="gone"} 0`,
		`trivet_snapshots_total{result="ok"} 1`, "\ntrivet_max_memory_bytes 0\n")
	// Only nodes with certificates have these; the tests of node show them.
	text += "trivet_tls_certificate_expiry_timestamp_seconds trivet_file_faulty "
	for _, file := range []string{"alerts.yaml", "dashboard.json"} {
		used, err := os.ReadFile("../../helm/trivet/files/" + file)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range metricName.FindAllString(string(used), -1) {
			if !strings.Contains(text, name+" ") && !strings.Contains(text, name+"{") {
				t.Errorf("%s uses %s, which no node shows", file, name)
			}
		}
	}
	c.Others(leader)[0].Kill()
	c.Until("one is missing", 10*time.Second, func(context.Context) bool {
		now := metricsOf(t, leader)
		return strings.Contains(now, "\ntrivet_voters_reachable 2\n") && strings.Contains(now, "\ntrivet_members_reachable 2\n")
	})
	if follower := metricsOf(t, c.Others(leader)[1]); strings.Contains(follower, "trivet_voters") {
		t.Error("a follower tells what only the leader knows")
	}
}
