package server

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/trivetdb/trivet/resp"
)

// microseconds writes a duration as Redis's latencystats do.
func microseconds(d time.Duration) string {
	return strconv.FormatFloat(float64(d.Nanoseconds())/1000, 'f', 3, 64)
}

// average returns the mean of the samples, and how far they are from it.
func (d *delays) average() (mean, deviation int64) {
	for _, x := range d.samples {
		mean += x.millis
	}
	mean /= int64(len(d.samples))
	for _, x := range d.samples {
		deviation += max(x.millis-mean, mean-x.millis)
	}
	return mean, deviation / int64(len(d.samples))
}

func latencyDoctor(s *session, _ [][]byte) resp.Value {
	if s.srv.limits.latency.Load() == 0 {
		return resp.Text("Delays are not watched on this node. `CONFIG SET latency-monitor-threshold <milliseconds>` has those kept that take so long.\n")
	}
	events := s.srv.latency.list()
	if len(events) == 0 {
		return resp.Text("Nothing on this node took as long as latency-monitor-threshold says.\n")
	}
	var b strings.Builder
	b.WriteString("This node has seen delays:\n\n")
	for i, n := range events {
		mean, deviation := n.average()
		span := float64(max(1, n.samples[len(n.samples)-1].second-n.samples[0].second))
		fmt.Fprintf(&b, "%d. %s: %d seconds with delays (average %dms, mean deviation %dms, period %.2f sec). Worst all time event %dms.\n",
			i+1, n.event, len(n.samples), mean, deviation, span/float64(len(n.samples)), n.most)
	}
	b.WriteString("\nWhere to look:\n\n")
	for _, n := range events {
		if advice := advices[n.event]; advice != "" {
			fmt.Fprintf(&b, "- %s: %s\n", n.event, advice)
		}
	}
	return resp.Text(b.String())
}

var advices = map[string]string{
	eventCommand: "SLOWLOG GET names the commands. A write waits for the disks of a majority of the nodes and for the network between them.",
	eventFast:    "SLOWLOG GET names the commands. What is fast by itself waited for a disk, the network or another command.",
	EventSync:    "this node's disk is slow to sync. Use one with fast syncs, and keep other programs from it.",
	EventApply:   "one entry of the log did much work: a script, a command on a large value, or many commands at once.",
}

const graphRows = 4

// latencyGraph draws a column for each sample, the newest at the right, and under
// it how long ago it was.
func latencyGraph(s *session, args [][]byte) resp.Value {
	event := string(args[2])
	d, ok := s.srv.latency.of(event)
	if !ok {
		return resp.Err(fmt.Sprintf("ERR No samples available for event '%s'", shown(args[2], maxShown)))
	}
	samples := d.samples[max(0, len(d.samples)-80):]
	low, high := samples[0].millis, samples[0].millis
	for _, x := range samples {
		low, high = min(low, x.millis), max(high, x.millis)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s - high %d ms, low %d ms (all time high %d ms)\n%s\n", event, high, low, d.most, strings.Repeat("-", 80))
	for row := graphRows; row > 0; row-- {
		for _, x := range samples {
			level := 1 + (x.millis-low)*(graphRows-1)/max(1, high-low)
			switch {
			case level == int64(row):
				b.WriteByte('#')
			case level > int64(row):
				b.WriteByte('|')
			default:
				b.WriteByte(' ')
			}
		}
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
	labels := make([]string, len(samples))
	for i, x := range samples {
		labels[i] = ago(time.Since(time.Unix(x.second, 0)))
	}
	for line := range 3 {
		for _, label := range labels {
			if line < len(label) {
				b.WriteByte(label[line])
			} else {
				b.WriteByte(' ')
			}
		}
		b.WriteByte('\n')
	}
	return resp.Text(b.String())
}

// ago writes a duration in few letters: 5s, 12m, 3h, 9d.
func ago(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}
