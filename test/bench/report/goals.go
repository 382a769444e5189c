package report

import (
	"fmt"
	"slices"

	"github.com/trivetdb/trivet/test/bench/load"
)

// A Goal is a bound and what was measured against it.
type Goal struct {
	Name     string  `json:"name"`
	Against  string  `json:"against"`
	Bound    float64 `json:"bound"`
	AtLeast  bool    `json:"at_least"` // the bound is the least that is good; else the most
	Unit     string  `json:"unit"`     // of bound and measured; × for a ratio
	Measured float64 `json:"measured"`
	Note     string  `json:"note"` // how it came about, with its spread
}

// Met reports whether the goal is met.
func (g Goal) Met() bool {
	if g.AtLeast {
		return g.Measured >= g.Bound
	}
	return g.Measured <= g.Bound
}

// An aim is a goal that follows from two cells of the table.
type aim struct {
	name, peer, work  string
	clients, pipeline int
	against, other    string // peer and work of the other cell
	times             float64
}

func aims() []aim {
	var all []aim
	add := func(name, work string, against string, bounds ...float64) {
		for i, bound := range bounds {
			p := []int{1, 16, 64}[i]
			all = append(all, aim{fmt.Sprintf("%s, 50 clients, pipeline %d", name, p), "trivet", work, 50, p, against, work, bound})
		}
	}
	add("SET", "SET", "redis+2", 0.5, 0.9, 1.1)
	add("LPUSH", "LPUSH", "redis+2", 0.5, 0.7, 0.7)
	add("RPOP", "RPOP", "redis+2", 0.5, 0.7, 0.7)
	add("SET", "SET", "etcd", 4, 4, 4)
	add("SET", "SET", "nats", 4, 4, 4)
	add("GET, one node", "GET", "redis", 0.8, 0.6, 0.6)
	return append(all,
		aim{"linearizable GET, 50 clients, pipeline 16", "trivet-linear", "GET", 50, 16, "trivet", "GET", 0.8},
		aim{"SET, one client, one at a time", "trivet", "SET", 1, 1, "redis+2", "SET", 0.4},
		aim{"script of 20 calls, 50 clients, pipeline 1", "trivet", "SCRIPT", 50, 1, "redis", "SCRIPT", 0.3},
		aim{"script of 20 calls, 50 clients, pipeline 16", "trivet", "SCRIPT", 50, 16, "redis", "SCRIPT", 0.3})
}

// Ratios returns the goals that follow from the cells. A ratio is the median of
// those of the rounds, since servers of one round ran one after the other.
func (r *Run) Ratios() (goals []Goal) {
	for _, a := range aims() {
		mine := r.Find(a.peer, load.Work{Name: a.work, Size: 64, Clients: a.clients, Pipeline: a.pipeline})
		theirs := r.Find(a.against, load.Work{Name: a.other, Size: 64, Clients: a.clients, Pipeline: a.pipeline})
		if mine == nil || theirs == nil {
			continue
		}
		ratios := roundRatios(mine, theirs)
		if len(ratios) == 0 {
			continue
		}
		goals = append(goals, Goal{
			Name: a.name, Against: a.against, Bound: a.times, AtLeast: true, Unit: "×", Measured: Median(ratios),
			Note: fmt.Sprintf("%s against %s a second; rounds %.2f to %.2f", Count(mine.Median().Rate), Count(theirs.Median().Rate),
				slices.Min(ratios), slices.Max(ratios)),
		})
	}
	return goals
}

func roundRatios(mine, theirs *Cell) (ratios []float64) {
	for _, a := range mine.Samples {
		for _, b := range theirs.Samples {
			if a.Round == b.Round && b.Rate > 0 {
				ratios = append(ratios, a.Rate/b.Rate)
			}
		}
	}
	return ratios
}
