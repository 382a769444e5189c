package report

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trivetdb/trivet/test/bench/load"
)

// sample returns a run in which trivet does so many times what redis+2 does.
func sample(times ...float64) *Run {
	r := &Run{Commit: "abc", Peers: []Peer{{"trivet", "this"}, {"redis+2", "that"}}}
	for _, pipeline := range []int{1, 16} {
		w := load.Work{Name: "SET", Size: 64, Clients: 50, Pipeline: pipeline}
		for i, x := range times {
			s := Sample{Round: i + 1, CPU: 1, Peak: 1 << 20}
			s.Result = load.Result{Ops: 1000, Seconds: 1, Rate: 1000, P50: 1, P99: 2, P999: 3}
			r.Add("redis+2", w, s)
			s.Rate *= x
			r.Add("trivet", w, s)
		}
	}
	r.Growth = []*Cell{{Peer: "trivet", Series: "keys", Work: load.Work{Name: "GET", Size: 64, Clients: 50, Pipeline: 16, Keys: 1000}, Samples: r.Cells[0].Samples}}
	return r
}

func TestRatios(t *testing.T) {
	goals := sample(0.4, 0.6, 0.7).Ratios()
	if len(goals) != 2 {
		t.Fatalf("%+v", goals)
	}
	if g := goals[0]; g.Measured != 0.6 || g.Bound != 0.5 || !g.Met() {
		t.Errorf("pipeline 1: %+v", g)
	}
	if g := goals[1]; g.Measured != 0.6 || g.Bound != 0.9 || g.Met() {
		t.Errorf("pipeline 16: %+v", g)
	}
}

func TestMet(t *testing.T) {
	for _, c := range []struct {
		g   Goal
		met bool
	}{
		{Goal{Bound: 2, Measured: 2}, true}, {Goal{Bound: 2, Measured: 3}, false},
		{Goal{Bound: 2, Measured: 2, AtLeast: true}, true}, {Goal{Bound: 2, Measured: 1, AtLeast: true}, false},
	} {
		if c.g.Met() != c.met {
			t.Errorf("%+v", c.g)
		}
	}
}

func TestCheck(t *testing.T) {
	r := sample(1)
	if err := r.Check(); err != nil {
		t.Error(err)
	}
	r.Cells[0].Samples[0].Rate = 0
	if r.Check() == nil {
		t.Error("a rate of 0 passes")
	}
}

func TestLines(t *testing.T) {
	first, _, _ := strings.Cut(sample(2).Lines(), "\n")
	want := "BenchmarkSET/size=64/clients=50/pipeline=1/server=redis+2 1000 1000000.0 ns/op 1000.0 p50-us 2000.0 p99-us 3000.0 p99.9-us 10.000 cpu-us/op 1048576 peak-bytes"
	if first != want {
		t.Errorf("%s\nwant %s", first, want)
	}
}

// TestRender renders twice: the second run's tables stand in the place of the
// first one's.
func TestRender(t *testing.T) {
	dir := t.TempDir()
	page, results := filepath.Join(dir, "performance.md"), filepath.Join(dir, "results.json")
	text := "head\n"
	for _, part := range []string{"run", "goals", "cells", "growth"} {
		text += "<!-- " + part + " -->\nold\n<!-- end of " + part + " -->\n"
	}
	if err := os.WriteFile(page, []byte(text+"tail\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var pages []string
	for range 2 {
		r := sample(2)
		r.Goals = r.Ratios()
		if err := r.Write(results); err != nil {
			t.Fatal(err)
		}
		if err := Render(results, dir); err != nil {
			t.Fatal(err)
		}
		b, _ := os.ReadFile(page)
		pages = append(pages, string(b))
	}
	if pages[0] != pages[1] || strings.Contains(pages[0], "old") || !strings.Contains(pages[0], "| SET | 64 | 50 | 16 | redis+2 |") {
		t.Errorf("%s\n--- and again:\n%s", pages[0], pages[1])
	}
	for _, name := range []string{"performance-servers.svg", "performance-growth.svg"} {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !strings.Contains(string(b), "</svg>") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
