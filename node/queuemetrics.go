package node

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/resp"
)

var queueDesc = prometheus.NewDesc("trivet_queue_length", "Elements of the keys that --queue-metrics names.", []string{"db", "key"}, nil)

// lengths are the commands that tell how much a key holds; all but the one of
// its type refuse it.
var lengths = []string{"LLEN", "ZCARD", "XLEN", "SCARD"}

// A queueKey is a key whose length is shown.
type queueKey struct {
	db  int
	key string
}

// parseQueueKey reads KEY, or DB/KEY for another database than 0.
func parseQueueKey(s string) (queueKey, error) {
	q := queueKey{key: s}
	if number, key, ok := strings.Cut(s, "/"); ok {
		if db, err := strconv.Atoi(number); err == nil {
			q = queueKey{db, key}
		}
	}
	if q.db < 0 || q.db >= fsm.Databases || q.key == "" {
		return q, fmt.Errorf("queue-metrics %q: use KEY, or DB/KEY with a database from 0 to %d", s, fsm.Databases-1)
	}
	return q, nil
}

// queueKeys returns the keys of the configuration, which is valid.
func (n *Node) queueKeys() []queueKey {
	keys := map[queueKey]bool{}
	for _, q := range n.cfg.QueueMetrics {
		k, _ := parseQueueKey(q)
		keys[k] = true // a key that is named twice is shown once
	}
	return slices.Collect(maps.Keys(keys))
}

// A queueCollector tells the lengths of keys. It implements
// prometheus.Collector.
type queueCollector struct {
	m    *machine
	keys []queueKey
}

// Describe implements prometheus.Collector.
func (queueCollector) Describe(ch chan<- *prometheus.Desc) { ch <- queueDesc }

// Collect implements prometheus.Collector.
func (c queueCollector) Collect(ch chan<- prometheus.Metric) {
	n := make([]int64, len(c.keys))
	c.m.view(func(s *fsm.State) {
		for i, k := range c.keys {
			n[i] = length(s, k)
		}
	})
	for i, k := range c.keys {
		ch <- prometheus.MustNewConstMetric(queueDesc, prometheus.GaugeValue, float64(n[i]), strconv.Itoa(k.db), k.key)
	}
}

// length returns how many elements a list, sorted set, stream or set has; 0 for
// other keys and for none.
func length(s *fsm.State, k queueKey) int64 {
	for _, name := range lengths {
		v := s.Read(fsm.Request{Command: fsm.Lookup(name), Args: [][]byte{[]byte(name), []byte(k.key)}, DB: k.db})
		if v.Kind == resp.Integer {
			return v.Int
		}
	}
	return 0
}
