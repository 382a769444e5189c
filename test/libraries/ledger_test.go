//go:build libraries

package libraries

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// A ledger is what workers and producers wrote down, in files of their own that
// have nothing to do with the store; one line a fact:
//
//	run ID WORKER       a job did its work
//	fail ID WORKER      a job failed as it was told to, once
//	made ID MS          a producer was told that the job is accepted, after so long
//	unsure ID TEXT      a producer was told of an error
//	noresult ID TEXT    a result did not come; the last error
//	wrong TEXT          a check failed, in a job or in a producer
type ledger struct {
	runs, fails map[string]int
	workers     map[string]int // runs of each
	made        []string
	unsure      map[string]string
	noresult    []string
	why         []string // the lines of noresult
	wrong       []string
	pause       int // the longest of made, in ms
}

// read reads the ledger's files in dir.
func read(t *testing.T, dir string) *ledger {
	t.Helper()
	l := &ledger{runs: map[string]int{}, fails: map[string]int{}, workers: map[string]int{}, unsure: map[string]string{}}
	files, err := filepath.Glob(filepath.Join(dir, "*.ledger"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		whole := strings.LastIndexByte(string(text), '\n') + 1 // the rest is being written
		for line := range strings.Lines(string(text[:whole])) {
			l.add(strings.TrimSuffix(line, "\n"))
		}
	}
	return l
}

func (l *ledger) add(line string) {
	fields := strings.SplitN(line, " ", 3)
	for len(fields) < 3 {
		fields = append(fields, "")
	}
	id, rest := fields[1], fields[2]
	switch fields[0] {
	case "run":
		l.runs[id]++
		l.workers[rest]++
	case "fail":
		l.fails[id]++
	case "made":
		ms, _ := strconv.Atoi(rest)
		l.made = append(l.made, id)
		l.pause = max(l.pause, ms)
	case "unsure":
		l.unsure[id] = rest
	case "noresult":
		l.noresult = append(l.noresult, id)
		l.why = append(l.why, line)
	default:
		l.wrong = append(l.wrong, line)
	}
}

// missing returns the accepted jobs that have not run.
func (l *ledger) missing() []string {
	var ids []string
	for _, id := range l.made {
		if l.runs[id] == 0 {
			ids = append(ids, id)
		}
	}
	return ids
}

// repeated returns the jobs that ran more than once, and those that failed as
// told more than once.
func (l *ledger) repeated() []string {
	var ids []string
	for _, count := range []map[string]int{l.runs, l.fails} {
		for id, n := range count {
			if n > 1 {
				ids = append(ids, id)
			}
		}
	}
	return ids
}
