package report

import (
	"fmt"
	"strings"

	"github.com/trivetdb/trivet/test/bench/load"
)

// Count writes a number of operations short, such as 166K.
func Count(n float64) string {
	switch {
	case n >= 1e6:
		return fmt.Sprintf("%.2fM", n/1e6)
	case n >= 1e5:
		return fmt.Sprintf("%.0fK", n/1e3)
	case n >= 1e3:
		return fmt.Sprintf("%.1fK", n/1e3)
	}
	return fmt.Sprintf("%.0f", n)
}

// CellTable returns the cells as a table in Markdown. The ratio is trivet's
// throughput over that of the row's server.
func (r *Run) CellTable() string {
	var b strings.Builder
	b.WriteString("| work | bytes | clients | pipeline | server | per second | p50 ms | p99 ms | p99.9 ms | CPU s / 100K | peak MiB | trivet is |\n")
	b.WriteString("|---|--:|--:|--:|---|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, w := range r.works() {
		for _, c := range r.Cells {
			if c.Work != w {
				continue
			}
			m := c.Median()
			fmt.Fprintf(&b, "| %s | %d | %d | %d | %s | %s | %.2f | %.2f | %.2f | %.2f | %d | %s |\n",
				w.Name, w.Size, w.Clients, w.Pipeline, c.Peer, Count(m.Rate), m.P50, m.P99, m.P999, m.CPU, m.Peak>>20, r.times(c))
		}
	}
	return b.String()
}

// times returns how many times trivet does what the cell has.
func (r *Run) times(c *Cell) string {
	mine := r.Find("trivet", c.Work)
	if mine == nil || mine == c {
		return ""
	}
	ratios := roundRatios(mine, c)
	if len(ratios) == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f ×", Median(ratios))
}

func (r *Run) works() (works []load.Work) {
	seen := map[load.Work]bool{}
	for _, c := range r.Cells {
		if !seen[c.Work] {
			seen[c.Work] = true
			works = append(works, c.Work)
		}
	}
	return works
}

// GoalTable returns the goals as a table in Markdown.
func (r *Run) GoalTable() string {
	var b strings.Builder
	b.WriteString("| | against | goal | measured | met | how |\n|---|---|--:|--:|---|---|\n")
	for _, g := range r.Goals {
		sign, met := "≤", "no"
		if g.AtLeast {
			sign = "≥"
		}
		if g.Met() {
			met = "yes"
		}
		fmt.Fprintf(&b, "| %s | %s | %s %s %s | %s %s | %s | %s |\n", g.Name, g.Against, sign, figure(g.Bound), g.Unit,
			figure(g.Measured), g.Unit, met, g.Note)
	}
	return b.String()
}

// GrowthTable returns the cells of growth as a table in Markdown.
func (r *Run) GrowthTable() string {
	var b strings.Builder
	b.WriteString("| what grows | to | work | per second | p50 ms | p99 ms | CPU s / 100K | peak MiB |\n|---|--:|---|--:|--:|--:|--:|--:|\n")
	for _, c := range r.Growth {
		m := c.Median()
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %.2f | %.2f | %.2f | %d |\n", c.Series, round(c.size()), c.Work.Name, Count(m.Rate), m.P50, m.P99, m.CPU, m.Peak>>20)
	}
	return b.String()
}

// size returns what grows in a series: its clients, or its keys and elements.
func (c *Cell) size() float64 {
	if c.Work.Keys == 0 {
		return float64(c.Work.Clients)
	}
	return float64(c.Work.Keys)
}

func figure(f float64) string {
	switch {
	case f != 0 && f < 1:
		return fmt.Sprintf("%.2f", f)
	case f < 10:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", f), ".0")
	}
	return fmt.Sprintf("%.0f", f)
}

// Lines returns the cells in Go's benchmark format, a line for each round, for
// benchstat.
func (r *Run) Lines() string {
	var b strings.Builder
	for _, c := range r.Cells {
		for _, s := range c.Samples {
			fmt.Fprintf(&b, "Benchmark%v/server=%s %d %.1f ns/op %.1f p50-us %.1f p99-us %.1f p99.9-us %.3f cpu-us/op %d peak-bytes\n",
				c.Work, c.Peer, s.Ops, 1e9/s.Rate, 1000*s.P50, 1000*s.P99, 1000*s.P999, 10*s.CPU, s.Peak)
		}
	}
	return b.String()
}
