package server

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/resp"
)

const ofLatency = fsm.Local | fsm.Admin | fsm.NoScript | fsm.Loading | fsm.Stale

var latencyCommands = []local{
	{spec("LATENCY", -2, fsm.Local|fsm.Container, "server", "Commands about delays.", "2.8.13"), "", nil, nil},
	{spec("LATENCY|DOCTOR", 2, ofLatency, "server", "Report on this node's delays, in words.", "2.8.13"), "", nil, latencyDoctor},
	{spec("LATENCY|GRAPH", 3, ofLatency, "server", "Draw the delays of an event.", "2.8.13"), "event", nil, latencyGraph},
	{spec("LATENCY|HELP", 2, forHelp, "server", "Show the subcommands.", "2.8.13"), "", nil, helpOf("LATENCY")},
	{spec("LATENCY|HISTOGRAM", -2, ofLatency, "server", "Count this node's commands by the time that they took.", "7.0.0"), "[command ...]", nil, latencyHistogram},
	{spec("LATENCY|HISTORY", 3, ofLatency, "server", "List the delays of an event.", "2.8.13"), "event", nil, latencyHistory},
	{spec("LATENCY|LATEST", 2, ofLatency, "server", "Show the latest delay of each event.", "2.8.13"), "", nil, latencyLatest},
	{spec("LATENCY|RESET", -2, ofLatency, "server", "Forget the delays of events, or of all.", "2.8.13"), "[event ...]", nil, latencyReset},
}

// The events. The names are Redis's where Redis has such an event.
const (
	eventCommand = "command"          // a command, from its being read to its reply
	eventFast    = "fast-command"     // the same for one that is flagged fast
	EventSync    = "aof-fsync-always" // the log on this node's disk
	EventApply   = "apply"            // an entry of the log into the state
)

// maxSamples is how many samples are kept of an event, one a second at most.
const maxSamples = 160

// latencies are the delays that reached the threshold. The zero value is empty;
// all methods may be called from many goroutines.
type latencies struct {
	mu     sync.Mutex
	events map[string]*delays
}

// delays are those of one event.
type delays struct {
	samples []sample // the newest last
	most    int64    // milliseconds, ever
}

type sample struct{ second, millis int64 }

// Delayed tells LATENCY how long something took.
func (s *Server) Delayed(event string, took time.Duration) {
	least := s.limits.latency.Load()
	if least > 0 && took.Milliseconds() >= least {
		s.latency.add(event, sample{time.Now().Unix(), took.Milliseconds()})
	}
}

// command is Delayed for a command.
func (l *latencies) command(s *Server, r *row, took time.Duration) {
	event := eventCommand
	if r.Flags&fsm.Fast != 0 {
		event = eventFast
	}
	if r.Flags&fsm.Unqueued == 0 { // EXEC's commands count, not EXEC
		s.Delayed(event, took)
	}
}

func (l *latencies) add(event string, x sample) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.events == nil {
		l.events = map[string]*delays{}
	}
	d := l.events[event]
	if d == nil {
		d = &delays{}
		l.events[event] = d
	}
	d.most = max(d.most, x.millis)
	if n := len(d.samples); n > 0 && d.samples[n-1].second == x.second {
		d.samples[n-1].millis = max(d.samples[n-1].millis, x.millis)
		return
	}
	if len(d.samples) == maxSamples {
		d.samples = slices.Delete(d.samples, 0, 1)
	}
	d.samples = append(d.samples, x)
}

// A named is an event's delays, copied.
type named struct {
	event string
	delays
}

// list returns the events by name.
func (l *latencies) list() []named {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []named
	for event, d := range l.events {
		list = append(list, named{event, delays{slices.Clone(d.samples), d.most}})
	}
	slices.SortFunc(list, func(a, b named) int { return cmp.Compare(a.event, b.event) })
	return list
}

// of returns the delays of an event, and whether there were any.
func (l *latencies) of(event string) (delays, bool) {
	for _, n := range l.list() {
		if n.event == event {
			return n.delays, true
		}
	}
	return delays{}, false
}

// reset forgets events, all where none is named, and returns how many there were.
func (l *latencies) reset(events []string) (n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(events) == 0 {
		n = int64(len(l.events))
		l.events = nil
	}
	for _, event := range events {
		if l.events[event] != nil {
			delete(l.events, event)
			n++
		}
	}
	return n
}

func latencyLatest(s *session, _ [][]byte) resp.Value {
	list := resp.List()
	for _, n := range s.srv.latency.list() {
		last := n.samples[len(n.samples)-1]
		list.Elems = append(list.Elems, resp.List(
			resp.Str(n.event), resp.Int(last.second), resp.Int(last.millis), resp.Int(n.most)))
	}
	return list
}

func latencyHistory(s *session, args [][]byte) resp.Value {
	d, _ := s.srv.latency.of(string(args[2]))
	list := resp.List()
	for _, x := range d.samples {
		list.Elems = append(list.Elems, resp.List(resp.Int(x.second), resp.Int(x.millis)))
	}
	return list
}

func latencyReset(s *session, args [][]byte) resp.Value {
	var events []string
	for _, arg := range args[2:] {
		events = append(events, string(arg))
	}
	return resp.Int(s.srv.latency.reset(events))
}

// latencyHistogram leaves out what was never called, as Redis does. The name of a
// container stands for its subcommands.
func latencyHistogram(s *session, args [][]byte) resp.Value {
	d := resp.Dict()
	add := func(r *row) {
		h := r.stats.histogram()
		if h == nil || r.Flags&fsm.ClassicOnly != 0 {
			return
		}
		counts := resp.Dict()
		for _, o := range h.cumulated() {
			counts.Elems = append(counts.Elems, resp.Int(int64(o.usec)), resp.Int(int64(o.count)))
		}
		d.Elems = append(d.Elems, resp.Str(r.full), resp.Dict(
			resp.Str("calls"), resp.Int(int64(h.total())), resp.Str("histogram_usec"), counts))
	}
	if len(args) == 2 {
		for _, r := range s.srv.table.all {
			add(r)
		}
		return d
	}
	for _, name := range args[2:] {
		r := s.srv.table.findPath(name)
		if r == nil {
			continue
		}
		add(r)
		for _, sub := range r.order {
			add(sub)
		}
	}
	return d
}

// percentiles is the line of INFO latencystats about a row.
func (h *histogram) percentiles() string {
	var parts []string
	for _, p := range []struct {
		name    string
		percent float64
	}{{"p50", 50}, {"p99", 99}, {"p99.9", 99.9}} {
		parts = append(parts, p.name+"="+microseconds(h.percentile(p.percent)))
	}
	return strings.Join(parts, ",")
}
