package web

import (
	"fmt"
	"sync"

	"github.com/hashicorp/go-metrics"
	compat "github.com/hashicorp/go-metrics/compat"
	compatsink "github.com/hashicorp/go-metrics/compat/prometheus"
	sink "github.com/hashicorp/go-metrics/prometheus"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Metrics makes a registry that holds the Go runtime's and the process's
// metrics, and those that raft, its log store and memberlist report, under
// names that begin with trivet_. These libraries know one place to report to
// in a process, so all registries made here show the same values of theirs.
func Metrics() (*prometheus.Registry, error) {
	libraries, err := install()
	if err != nil {
		return nil, fmt.Errorf("metrics of the libraries: %w", err)
	}
	stores, err := installCompat()
	if err != nil {
		return nil, fmt.Errorf("metrics of the log stores: %w", err)
	}
	r := prometheus.NewRegistry()
	for _, c := range []prometheus.Collector{
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		libraries,
		stores,
	} {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	return r, nil
}

// install puts a sink into go-metrics, once in a process: raft and memberlist
// report there.
var install = sync.OnceValues(func() (prometheus.Collector, error) {
	s, err := sink.NewPrometheusSinkFrom(sink.PrometheusOpts{
		Registerer: prometheus.NewRegistry(), // it insists on one
		Expiration: 0,                        // a counter that goes away would look like a restart
		Name:       "trivet_libraries",
	})
	if err != nil {
		return nil, err
	}
	conf := metrics.DefaultConfig("trivet")
	conf.EnableHostname = false
	conf.EnableRuntimeMetrics = false // the Go collector has them
	if _, err := metrics.NewGlobal(conf, s); err != nil {
		return nil, err
	}
	return s, nil
})

// installCompat does the same for the log stores, which report to
// go-metrics/compat: that stands for another package, or with a build tag for the
// same, and then this sink takes the place of the first.
var installCompat = sync.OnceValues(func() (prometheus.Collector, error) {
	s, err := compatsink.NewPrometheusSinkFrom(compatsink.PrometheusOpts{
		Registerer: prometheus.NewRegistry(),
		Expiration: 0,
		Name:       "trivet_stores",
	})
	if err != nil {
		return nil, err
	}
	conf := compat.DefaultConfig("trivet")
	conf.EnableHostname = false
	conf.EnableRuntimeMetrics = false
	if _, err := compat.NewGlobal(conf, s); err != nil {
		return nil, err
	}
	return s, nil
})
