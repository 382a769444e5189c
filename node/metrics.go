package node

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/node/web"
)

// How a snapshot ended.
const (
	snapshotOK     = "ok"
	snapshotFailed = "failed"
)

// metrics are what the node itself counts; raft's and memberlist's own come
// through the sink that web.Metrics installs.
type metrics struct {
	registry   *prometheus.Registry
	sync       prometheus.Histogram
	entryBytes prometheus.Histogram
	entryUnits prometheus.Histogram
	snapshots  *prometheus.CounterVec
	faulty     *prometheus.GaugeVec
	labels     prometheus.Counter
	panics     *prometheus.CounterVec
}

func newMetrics() (*metrics, error) {
	registry, err := web.Metrics()
	if err != nil {
		return nil, err
	}
	m := &metrics{
		registry: registry,
		sync: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "trivet_log_sync_seconds", Help: "Time to write entries to the log and sync it.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 2, 16),
		}),
		entryBytes: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "trivet_entry_bytes", Help: "Size of the log entries that this node proposed as leader.",
			Buckets: prometheus.ExponentialBuckets(64, 4, 12),
		}),
		entryUnits: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "trivet_entry_batches", Help: "Batches in the log entries that this node proposed as leader.",
			Buckets: []float64{0, 1, 2, 3, 4, 6, 8},
		}),
		snapshots: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "trivet_snapshots_total", Help: "Snapshots taken, by result.",
		}, []string{"result"}),
		faulty: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "trivet_file_faulty", Help: "1 where files that the configuration names cannot be used as they are now; what was read before is.",
		}, []string{"file"}),
		labels: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "trivet_label_failures_total", Help: "Times that this node, as leader, could not label the nodes by their roles.",
		}),
	}
	m.panics = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "trivet_command_faults_total", Help: "Commands that a fault of trivet has ended without effect, by command.",
	}, []string{"command"})
	for _, result := range []string{snapshotOK, snapshotFailed} {
		m.snapshots.WithLabelValues(result) // so that the first is an increase
	}
	m.registry.MustRegister(m.sync, m.entryBytes, m.entryUnits, m.snapshots, m.faulty, m.labels, m.panics)
	return m, nil
}

// entry counts an entry that was applied.
func (m *metrics) entry(batches, bytes int) {
	m.entryBytes.Observe(float64(bytes))
	m.entryUnits.Observe(float64(batches))
}

// observe registers what is read from the node when it is asked for.
func (m *metrics) observe(n *Node) {
	gauge := func(name, help string, f func() float64) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, f))
	}
	counter := func(name, help string, f func() uint64) {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help},
			func() float64 { return float64(f()) }))
	}
	gauge("trivet_is_leader", "1 where this node leads.", func() float64 { return truth(n.Leads()) })
	gauge("trivet_has_leader", "1 where this node knows a leader.", func() float64 {
		to, _ := n.leaders.get()
		return truth(to != leader{})
	})
	gauge("trivet_term", "Raft's term.", func() float64 { return float64(n.raft.CurrentTerm()) })
	gauge("trivet_commit_index", "Raft's commit index.", func() float64 { return float64(n.raft.CommitIndex()) })
	gauge("trivet_applied_index", "Index of the log entry that the state holds.",
		func() float64 { return float64(n.machine.applied.load()) })
	gauge("trivet_lag_entries", "Log entries that this node is behind the leader.", func() float64 {
		entries, _ := n.lag.get()
		return float64(entries)
	})
	gauge("trivet_log_bytes", "Bytes of log entries since the newest snapshot.",
		func() float64 { return float64(n.dir.LogBytes()) })
	gauge("trivet_data_bytes", "What keys and values take, by the estimate that max-memory limits.", func() (bytes float64) {
		n.machine.view(func(s *fsm.State) { bytes = float64(s.Bytes()) })
		return bytes
	})
	gauge("trivet_members", "Members of the cluster.", func() float64 { return float64(len(n.servers())) })
	counter("trivet_leader_changes_total", "Leaders seen since the start.", n.leaders.seen)
	counter("trivet_entries_applied_total", "Log entries applied.", n.machine.entries.Load)
	counter("trivet_commands_ended_total", "Commands and transactions, of all nodes, that were ended at a bound of work or of replies.", func() (ended uint64) {
		n.machine.view(func(s *fsm.State) { ended = s.Overruns() })
		return ended
	})
	gauge("trivet_level", "The cluster's level: which behaviour all members share.", func() float64 { return float64(n.machine.level.Load()) })
	counter("trivet_batches_total", "Batches that this node proposed.", n.proposer.batches.Load)
	counter("trivet_batches_resent_total", "Times that a batch was sent again.", n.proposer.resent.Load)
	gauge("trivet_peer_auth_mixed", "1 where peers need not prove that they know the cluster's secret, as --peer-auth is not required.",
		func() float64 { return truth(n.cfg.PeerAuth != AuthRequired) })
	counter("trivet_peer_unproved_total", "Connections of peers that proved no secret and were let in, as --peer-auth is mixed.", n.mux.Unproved)
	counter("trivet_peer_refused_total", "Connections to the peer port that were turned away.", n.mux.Refused)
	gauge("trivet_max_memory_bytes", "Bytes of data at which commands that grow it are refused; 0 for no limit.", func() (limit float64) {
		n.machine.view(func(s *fsm.State) { limit = float64(s.Settings().MaxMemory()) })
		return limit
	})
	m.registry.MustRegister(keyspaceCollector{n.machine}, clusterCollector{n}, diskCollector{n.cfg.DataDir},
		queueCollector{n.machine, n.queueKeys()})
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

var keysDesc = prometheus.NewDesc("trivet_keys", "Keys, by database.", []string{"db"}, nil)

// A keyspaceCollector counts keys. It implements prometheus.Collector.
type keyspaceCollector struct{ m *machine }

// Describe implements prometheus.Collector.
func (keyspaceCollector) Describe(ch chan<- *prometheus.Desc) { ch <- keysDesc }

// Collect implements prometheus.Collector.
func (c keyspaceCollector) Collect(ch chan<- prometheus.Metric) {
	var keys [fsm.Databases]int
	c.m.view(func(s *fsm.State) {
		for db := range keys {
			keys[db] = s.Len(db)
		}
	})
	for db, n := range keys {
		if n > 0 || db == 0 {
			ch <- prometheus.MustNewConstMetric(keysDesc, prometheus.GaugeValue, float64(n), strconv.Itoa(db))
		}
	}
}
