package server

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/trivetdb/trivet/resp"
)

// rowStats count what became of a row's commands, for INFO.
type rowStats struct {
	calls, usec      atomic.Uint64
	rejected, failed atomic.Uint64
	seconds          atomic.Pointer[prometheus.Observer] // set at the first call
	times            atomic.Pointer[histogram]           // the same
}

func (r *rowStats) reset() {
	r.calls.Store(0)
	r.usec.Store(0)
	r.rejected.Store(0)
	r.failed.Store(0)
	r.times.Store(nil)
}

// counters count what all sessions do, for INFO and the metrics.
type counters struct {
	accepted, rejected atomic.Uint64 // connections
	handshakes         atomic.Uint64 // that failed
	commands           atomic.Uint64
	in, out            atomic.Uint64 // bytes
	errors             atomic.Uint64
	blocked            atomic.Int64  // clients, now
	peak               atomic.Uint64 // of used memory, as far as INFO has seen it
	hits, misses       atomic.Uint64 // keys that reads looked for

	mu    sync.Mutex
	codes map[string]uint64 // error replies by their first word
}

// maxCodes bounds the codes that are counted one by one, as a stored error text
// could bring any number of them.
const maxCodes = 128

// failed counts an error reply.
func (c *counters) failed(text string) {
	c.errors.Add(1)
	code, _, _ := strings.Cut(text, " ")
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.codes == nil {
		c.codes = map[string]uint64{}
	}
	if _, known := c.codes[code]; known || len(c.codes) < maxCodes {
		c.codes[code]++
	}
}

func (c *counters) reset() {
	for _, n := range []*atomic.Uint64{&c.accepted, &c.rejected, &c.handshakes, &c.commands, &c.in, &c.out, &c.errors, &c.hits, &c.misses} {
		n.Store(0)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.codes = nil
}

// series are what Prometheus is told of beyond the counters. CONFIG RESETSTAT sets
// those to zero, which Prometheus takes for a restart, as it should.
type series struct {
	seconds *prometheus.HistogramVec // nil for none
}

func newSeries(s *Server, reg prometheus.Registerer) *series {
	if reg == nil {
		return &series{}
	}
	m := &series{seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "trivet_command_seconds",
		Help: "Time from a command's being read to its reply; a pipelined group's commands count that of the group.",
		Buckets: []float64{
			.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5,
		},
	}, []string{"command"})}
	reg.MustRegister(m.seconds)
	for _, classic := range []bool{false, true} {
		name := "redis"
		if classic {
			name = "classic"
		}
		reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "trivet_connections", Help: "Clients connected.",
			ConstLabels: prometheus.Labels{"listener": name},
		}, func() float64 { return float64(s.conns.count(classic)) }))
	}
	reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "trivet_blocked_clients", Help: "Clients that wait for data.",
	}, func() float64 { return float64(s.counts.blocked.Load()) }))
	counter := func(name, help string, n *atomic.Uint64) {
		reg.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help},
			func() float64 { return float64(n.Load()) }))
	}
	counter("trivet_rejected_connections_total", "Clients refused because there were too many.", &s.counts.rejected)
	counter("trivet_tls_handshake_failures_total", "Connections of clients that came to nothing because there was no agreement on TLS.", &s.counts.handshakes)
	counter("trivet_net_input_bytes_total", "Bytes read from clients.", &s.counts.in)
	counter("trivet_net_output_bytes_total", "Bytes sent to clients.", &s.counts.out)
	counter("trivet_error_replies_total", "Error replies sent to clients.", &s.counts.errors)
	return m
}

// observe counts a command that was carried out.
func (s *Server) observe(r *row, took time.Duration, v resp.Value) {
	s.counts.commands.Add(1)
	st := &r.stats
	st.calls.Add(1)
	st.usec.Add(uint64(took.Microseconds()))
	st.timed(took)
	if v.IsError() {
		st.failed.Add(1)
	}
	if s.series.seconds == nil {
		return
	}
	o := st.seconds.Load()
	if o == nil {
		// Two sessions that come here at once get the same observer.
		first := s.series.seconds.WithLabelValues(r.full)
		o = &first
		st.seconds.Store(o)
	}
	(*o).Observe(took.Seconds())
}
