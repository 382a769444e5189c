package ingest

import (
	"fmt"
	"io"
	"maps"
	"slices"
)

// A Report counts what became of the records.
type Report struct {
	Keys      map[int]int // written, by database
	Libraries int         // written
	Bytes     int64       // of the payloads that were written
	Skipped   map[string]*Group
	Failed    map[string]*Group
}

// A Group is the records that share a reason.
type Group struct {
	Count int
	Names []string // of the first ones
}

// namesShown is how many names a report shows for each reason.
const namesShown = 10

func newReport() *Report {
	return &Report{Keys: map[int]int{}, Skipped: map[string]*Group{}, Failed: map[string]*Group{}}
}

func note(groups map[string]*Group, reason string, r *Record) {
	g := groups[reason]
	if g == nil {
		g = &Group{}
		groups[reason] = g
	}
	g.Count++
	if len(g.Names) < namesShown {
		g.Names = append(g.Names, r.name())
	}
}

func (r *Report) wrote(rec *Record, bytes int) {
	r.Bytes += int64(bytes)
	if rec.DB == allDatabases {
		r.Libraries++
		return
	}
	r.Keys[rec.DB]++
}

func (r *Report) skip(rec *Record, reason string) { note(r.Skipped, reason, rec) }
func (r *Report) fail(rec *Record, reason string) { note(r.Failed, reason, rec) }

// total is how many keys were written.
func (r *Report) total() (n int) {
	for _, keys := range r.Keys {
		n += keys
	}
	return n
}

// Failures is how many records could not be written.
func (r *Report) Failures() (n int) {
	for _, g := range r.Failed {
		n += g.Count
	}
	return n
}

// Print writes the report for people.
func (r *Report) Print(w io.Writer) {
	for _, db := range slices.Sorted(maps.Keys(r.Keys)) {
		fmt.Fprintf(w, "database %d: %s written\n", db, count(r.Keys[db], "key", "keys"))
	}
	if r.Libraries > 0 {
		fmt.Fprintf(w, "functions: %s written\n", count(r.Libraries, "library", "libraries"))
	}
	if len(r.Keys) == 0 && r.Libraries == 0 {
		fmt.Fprintln(w, "nothing was written")
	}
	printGroups(w, "skipped", r.Skipped, false)
	printGroups(w, "failed", r.Failed, true)
}

func printGroups(w io.Writer, verb string, groups map[string]*Group, names bool) {
	for _, reason := range slices.Sorted(maps.Keys(groups)) {
		g := groups[reason]
		fmt.Fprintf(w, "%s %d: %s\n", verb, g.Count, reason)
		if !names {
			continue
		}
		for _, name := range g.Names {
			fmt.Fprintf(w, "  %s\n", name)
		}
		if more := g.Count - len(g.Names); more > 0 {
			fmt.Fprintf(w, "  and %d more\n", more)
		}
	}
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprint(n, " ", many)
}
