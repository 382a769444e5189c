package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/trivetdb/trivet/deploy/e2e/load"
)

// writeTable prints the rows as a table of Markdown.
func writeTable(w io.Writer, rows []row) {
	cells := [][]string{{"event", "took", "pause, trivet", "pause, leader", "errors, trivet", "errors, leader",
		"acknowledged", "unknown", "lost", "doubled", ""}}
	for _, r := range rows {
		line := []string{r.event, fmt.Sprintf("%.1f s", r.took.Seconds())}
		if len(r.seen.Targets) == 0 {
			line = append(line, "", "", "", "", "", "", "", "")
		} else {
			at, leader := r.seen.At("trivet"), r.seen.At("leader")
			line = append(line, pause(at), pause(leader), faults(at), faults(leader),
				fmt.Sprint(r.seen.Acked), fmt.Sprint(r.seen.Unknown), fmt.Sprint(r.seen.Lost), fmt.Sprint(r.seen.Doubled))
		}
		verdict := "ok"
		if r.err != nil {
			verdict = "FAILED"
		}
		if r.note != "" {
			verdict += ", " + r.note
		}
		cells = append(cells, append(line, verdict))
	}
	width := make([]int, len(cells[0]))
	for _, line := range cells {
		for i, c := range line {
			width[i] = max(width[i], len(c))
		}
	}
	for n, line := range cells {
		for i, c := range line {
			fmt.Fprintf(w, "| %-*s ", width[i], c)
		}
		fmt.Fprintln(w, "|")
		if n == 0 {
			for _, i := range width {
				fmt.Fprint(w, "|", strings.Repeat("-", i+2))
			}
			fmt.Fprintln(w, "|")
		}
	}
}

func pause(s *load.Seen) string { return fmt.Sprintf("%.2f s", s.Pause.Seconds()) }

// faults are the errors that plain clients saw, and those that others saw.
func faults(s *load.Seen) string { return fmt.Sprintf("%d + %d", s.Plain, s.Default) }
