package node

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/trivetdb/trivet/node/kubernetes"
	"github.com/trivetdb/trivet/test/kubeapi"
)

// TestLabels has a cluster label its pods, by an API server that fails at times:
// the labels follow the leader, and failures cost the cluster nothing.
func TestLabels(t *testing.T) {
	api := kubeapi.Start(t, "a", "b", "c")
	pods, err := kubernetes.InPod(api.Dir)
	if err != nil {
		t.Fatal(err)
	}
	c := startCluster(t, 3, func(conf *Config) { conf.Labels = pods })
	// labelled waits for a leader whose pod, and no other, is labelled so.
	labelled := func(what string) *member {
		t.Helper()
		var leader *member
		until(t, what, func() bool {
			leader = nil
			for _, m := range c.members {
				switch role := api.Label(m.host, kubernetes.Label); {
				case m.Node != nil && m.Leads() && role == "leader":
					leader = m
				case role != "follower":
					return false
				}
			}
			return leader != nil
		})
		return leader
	}
	first := labelled("the first leader")
	second := c.others(first)[0]
	if err := first.Transfer(t.Context(), second.host); err != nil {
		t.Fatal(err)
	}
	if got := labelled("the second leader"); got != second {
		t.Errorf("%s leads, not %s", got.host, second.host)
	}

	// Someone changes a label.
	api.Set(first.host, kubernetes.Label, "leader")
	labelled("the label is put right")

	// A leader that stops in order, and one that cannot reach the API server.
	second.stop()
	third := labelled("the third leader")
	api.Fail(http.StatusInternalServerError)
	for _, m := range c.others(third) {
		if m.Node != nil {
			if err := third.Transfer(t.Context(), m.host); err != nil {
				t.Fatal(err)
			}
			until(t, "failures are counted", func() bool { return !strings.HasPrefix(m.metric("trivet_label_failures_total"), "0") })
			if err := m.client().Set(t.Context(), "k", "v", 0).Err(); err != nil {
				t.Errorf("meanwhile: %v", err)
			}
		}
	}
	api.Fail(0)
	if got := labelled("the fourth leader"); got == third {
		t.Errorf("%s leads still", got.host)
	}
}

// TestLabelsStop stops a leader in order. Clients that are still sent to it once
// another leads are served, until those who go by the labels have seen them.
func TestLabelsStop(t *testing.T) {
	api := kubeapi.Start(t, "a", "b", "c")
	pods, err := kubernetes.InPod(api.Dir)
	if err != nil {
		t.Fatal(err)
	}
	c := startCluster(t, 3, func(conf *Config) { conf.Labels = pods })
	leader := c.settled()
	late := redis.NewClient(&redis.Options{Addr: leader.Addr(), MaxRetries: -1, DialerRetries: 1})
	defer late.Close()
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		leader.stop()
	}()
	others := c.others(leader)
	until(t, "another leads and is labelled", func() bool {
		return slices.ContainsFunc(others, func(m *member) bool {
			return m.Leads() && api.Label(m.host, kubernetes.Label) == "leader"
		})
	})
	if err := late.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Errorf("a client that comes late: %v", err)
	}
	<-stopped
}
