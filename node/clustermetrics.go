package node

import (
	"github.com/hashicorp/raft"
	"github.com/prometheus/client_golang/prometheus"
)

var (
	reachableDesc       = prometheus.NewDesc("trivet_members_reachable", "Members that answer, as the leader sees it; shown by the leader.", nil, nil)
	votersDesc          = prometheus.NewDesc("trivet_voters", "Members with a vote; shown by the leader.", nil, nil)
	votersReachableDesc = prometheus.NewDesc("trivet_voters_reachable", "Members with a vote that answer the leader; shown by the leader.", nil, nil)
	diskDesc            = prometheus.NewDesc("trivet_disk_bytes", "Size of the file system that holds the data.", nil, nil)
	diskFreeDesc        = prometheus.NewDesc("trivet_disk_free_bytes", "Bytes of it that may still be used.", nil, nil)
)

// A clusterCollector tells how many members answer the leader. Other nodes do
// not know, and show nothing. It implements prometheus.Collector.
type clusterCollector struct{ n *Node }

// Describe implements prometheus.Collector.
func (clusterCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- reachableDesc
	ch <- votersDesc
	ch <- votersReachableDesc
}

// Collect implements prometheus.Collector.
func (c clusterCollector) Collect(ch chan<- prometheus.Metric) {
	if !c.n.Leads() {
		return
	}
	var members, voters, reachable float64
	for _, s := range c.n.servers() {
		answers := truth(!c.n.unseen.longer(s.ID, 0))
		members += answers
		if s.Suffrage == raft.Voter {
			voters++
			reachable += answers
		}
	}
	ch <- prometheus.MustNewConstMetric(reachableDesc, prometheus.GaugeValue, members)
	ch <- prometheus.MustNewConstMetric(votersDesc, prometheus.GaugeValue, voters)
	ch <- prometheus.MustNewConstMetric(votersReachableDesc, prometheus.GaugeValue, reachable)
}

// A diskCollector measures the file system of the data directory, where the
// system can tell. It implements prometheus.Collector.
type diskCollector struct{ dir string }

// Describe implements prometheus.Collector.
func (diskCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- diskDesc
	ch <- diskFreeDesc
}

// Collect implements prometheus.Collector.
func (c diskCollector) Collect(ch chan<- prometheus.Metric) {
	size, free, err := diskSpace(c.dir)
	if err != nil {
		return
	}
	ch <- prometheus.MustNewConstMetric(diskDesc, prometheus.GaugeValue, float64(size))
	ch <- prometheus.MustNewConstMetric(diskFreeDesc, prometheus.GaugeValue, float64(free))
}
