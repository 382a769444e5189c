// Package report keeps what a run has measured, and shows it.
package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/trivetdb/trivet/test/bench/load"
)

// A Run is all that one run has measured.
type Run struct {
	Commit   string            `json:"commit"`
	Began    string            `json:"began"`   // RFC 3339
	Minutes  float64           `json:"minutes"` // that it took
	Machine  string            `json:"machine"`
	Versions map[string]string `json:"versions"`
	Rounds   int               `json:"rounds"`
	Seconds  float64           `json:"seconds"` // of each cell in each round
	Peers    []Peer            `json:"peers"`
	Cells    []*Cell           `json:"cells"`
	Growth   []*Cell           `json:"growth"`
	Goals    []Goal            `json:"goals"`
	Failures []string          `json:"failures"`
}

// A Peer is a server that was measured.
type Peer struct {
	Name string `json:"name"`
	What string `json:"what"`
}

// A Cell is some work at some server, in every round.
type Cell struct {
	Peer    string    `json:"peer"`
	Series  string    `json:"series,omitempty"` // the plot that a cell of Growth belongs to
	Work    load.Work `json:"work"`
	Samples []Sample  `json:"samples"`
}

// A Sample is a Cell in one round.
type Sample struct {
	load.Result
	Round int     `json:"round"`
	CPU   float64 `json:"cpu"`  // seconds of all server processes for 100,000 operations
	Peak  int64   `json:"peak"` // bytes of memory of all server processes, the most while it was done
}

// Median returns the medians of all figures of the samples, each for itself.
func (c *Cell) Median() Sample {
	of := func(f func(Sample) float64) float64 {
		var all []float64
		for _, s := range c.Samples {
			all = append(all, f(s))
		}
		return Median(all)
	}
	var m Sample
	m.Rate = of(func(s Sample) float64 { return s.Rate })
	m.P50 = of(func(s Sample) float64 { return s.P50 })
	m.P99 = of(func(s Sample) float64 { return s.P99 })
	m.P999 = of(func(s Sample) float64 { return s.P999 })
	m.CPU = of(func(s Sample) float64 { return s.CPU })
	m.Peak = int64(of(func(s Sample) float64 { return float64(s.Peak) }))
	return m
}

// Median returns the middle of the values, or 0 of none.
func Median(values []float64) float64 {
	s := slices.Sorted(slices.Values(values))
	if len(s) == 0 {
		return 0
	}
	return (s[len(s)/2] + s[(len(s)-1)/2]) / 2
}

// Find returns the cell of a peer and work, or nil.
func (r *Run) Find(peer string, w load.Work) *Cell {
	for _, c := range r.Cells {
		if c.Peer == peer && c.Work == w {
			return c
		}
	}
	return nil
}

// Add notes a sample of a cell.
func (r *Run) Add(peer string, w load.Work, s Sample) {
	c := r.Find(peer, w)
	if c == nil {
		c = &Cell{Peer: peer, Work: w}
		r.Cells = append(r.Cells, c)
	}
	c.Samples = append(c.Samples, s)
}

// Check returns an error for each cell whose figures cannot be true.
func (r *Run) Check() error {
	var faults []error
	for _, c := range slices.Concat(r.Cells, r.Growth) {
		m := c.Median()
		if m.Rate <= 0 || m.P50 <= 0 || m.P99 < m.P50 || m.P999 < m.P99 || m.CPU < 0 || m.Peak <= 0 {
			faults = append(faults, fmt.Errorf("%s %v: figures that cannot be: %+v", c.Peer, c.Work, m))
		}
	}
	return errors.Join(faults...)
}

// Write writes the run as JSON.
func (r *Run) Write(path string) error {
	b, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}

// Read reads what Write wrote.
func Read(path string) (*Run, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var r Run
	if err := json.Unmarshal(b, &r); err != nil {
		return nil, fmt.Errorf("%s is no result of this program: %w", path, err)
	}
	return &r, nil
}
