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
	blocked            atomic.Int64           // clients, now
	silent             atomic.Uint64          // clients that took no replies for the write timeout
	ended              [endings]atomic.Uint64 // clients that held too much
	peak               atomic.Uint64          // of used memory, as far as INFO has seen it
	hits, misses       atomic.Uint64          // keys that reads looked for

	mu    sync.Mutex
	codes map[string]uint64 // error replies by their first word
}

// maxCodes bounds the codes that are counted one by one, as a stored error text
// could bring any number of them.
const (
	maxCodes = 128
	maxCode  = 64 // bytes of one
)

// failed counts an error reply.
func (c *counters) failed(text string) {
	c.errors.Add(1)
	code, _, _ := strings.Cut(text[:min(len(text), maxCode)], " ")
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.codes == nil {
		c.codes = map[string]uint64{}
	}
	_, known := c.codes[code]
	switch {
	case known:
		c.codes[code]++
	case len(c.codes) < maxCodes:
		c.codes[strings.Clone(code)] = 1 // the text may be a large one
	}
}

func (c *counters) reset() {
	for _, n := range []*atomic.Uint64{&c.accepted, &c.rejected, &c.handshakes, &c.commands, &c.in, &c.out, &c.errors, &c.hits, &c.misses, &c.silent} {
		n.Store(0)
	}
	for i := range c.ended {
		c.ended[i].Store(0)
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
	reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "trivet_client_held_bytes", Help: "Bytes that clients make this node hold: replies that they did not take, requests, transactions, names of channels.",
	}, func() float64 { return float64(s.held.bytes.Load()) }))
	ended := func(reason string, n *atomic.Uint64) {
		reg.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "trivet_ended_clients_total", Help: "Clients whose connection this node closed, by the bound that they passed.",
			ConstLabels: prometheus.Labels{"reason": reason},
		}, func() float64 { return float64(n.Load()) }))
	}
	for why, name := range endingNames {
		ended(name, &s.counts.ended[why])
	}
	ended("unread", &s.counts.silent)
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
