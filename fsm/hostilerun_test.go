package fsm

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// hostileMark begins the lines that a child tells its figures with.
const hostileMark = "hostile: "

// A hostileRun has rounds done by children, and tells what they found.
type hostileRun struct {
	t       *testing.T
	dir     string
	seed    uint64
	most    int            // kinds of failures, after which it gives up
	found   map[string]int // by kind and command
	total   hostileFigures
	told    time.Time
	started time.Time
}

func newHostileRun(t *testing.T, seed uint64, most int) *hostileRun {
	if !hostileRuns {
		t.Skip("needs Linux, and no race detector")
	}
	return &hostileRun{t: t, dir: t.TempDir(), seed: seed, most: most, found: map[string]int{}, started: time.Now(), told: time.Now()}
}

// run has rounds done while more says so.
func (r *hostileRun) run(more func(round uint64) bool) {
	for round := *hostileFirst; more(round) && len(r.found) < r.most; {
		task := hostileTask{Seed: r.seed, Round: round, End: round + 1, Out: *hostileOut, Stuck: hostileStuck}
		for task.End-round < 50 && more(task.End) {
			task.End++
		}
		end := r.child(task)
		if end.failure == "" {
			round = task.End
			continue
		}
		round = max(round, end.figures.Round+1)
		if end.rounds == 0 {
			round = task.Round
		}
		r.report(round, end)
		round++
	}
	r.t.Logf("seed %d: %s", r.seed, r.progress())
	r.t.Logf("never without an error: %s", strings.Join(r.never(), " "))
}

// never returns the commands that did not run without an error.
func (r *hostileRun) never() (names []string) {
	for _, c := range rows {
		if c.Flags&Local == 0 && r.total.Ran[c.Name] == 0 {
			names = append(names, c.Name)
		}
	}
	return names
}

// A childEnd is how a child came to its end.
type childEnd struct {
	failure string // "" for none
	output  string // of a child that died
	rounds  int    // that were done
	figures hostileFigures
}

// child runs a child to its end.
func (r *hostileRun) child(task hostileTask) (end childEnd) {
	task.Dir = r.dir
	os.Remove(filepath.Join(r.dir, "failure"))
	text, _ := json.Marshal(task) // numbers and strings
	ctx := r.t.Context()
	if task.Replay != "" { // one that takes longer is of no use
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Minute)
		defer cancel()
	}
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestHostileChild$", "-test.timeout=0")
	cmd.Env = append(os.Environ(), hostileTaskEnv+"="+string(text), "GOMAXPROCS=1", "GOTRACEBACK=single")
	out, err := cmd.StdoutPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	var said []string
	for in := bufio.NewReader(out); ; {
		line, err := in.ReadString('\n')
		if text, ok := strings.CutPrefix(line, hostileMark); ok {
			json.Unmarshal([]byte(text), &end.figures)
			end.rounds++
			r.tell(end.figures)
		} else if len(said) < 60 {
			said = append(said, line)
		}
		if err != nil {
			break
		}
	}
	err = cmd.Wait()
	r.total.add(end.figures)
	note, noNote := os.ReadFile(filepath.Join(r.dir, "failure"))
	switch {
	case noNote == nil:
		end.failure = string(note)
	case err != nil:
		end.output = strings.Join(said, "")
		end.failure = fmt.Sprintf("death: %s (%v)", causeOfDeath(said), err)
	}
	return end
}

// causeOfDeath returns the line that says why a Go process died.
func causeOfDeath(lines []string) string {
	for _, line := range lines {
		for _, head := range []string{"panic:", "fatal error:", "runtime: out of memory", "runtime: goroutine stack exceeds"} {
			if strings.HasPrefix(line, head) {
				return strings.TrimSpace(line)
			}
		}
	}
	return "for an unknown reason"
}

// add counts what another child has done.
func (f *hostileFigures) add(g hostileFigures) {
	f.Commands, f.Ended, f.Errors = f.Commands+g.Commands, f.Ended+g.Ended, f.Errors+g.Errors
	if g.Bytes > f.Bytes {
		f.Bytes, f.BytesBy = g.Bytes, g.BytesBy
	}
	if g.CPU > f.CPU {
		f.CPU, f.CPUBy = g.CPU, g.CPUBy
	}
	f.Round = max(f.Round, g.Round)
	if f.Ran == nil {
		f.Ran = map[string]int{}
	}
	for name, n := range g.Ran {
		f.Ran[name] += n
	}
}

// tell shows the progress once a minute.
func (r *hostileRun) tell(now hostileFigures) {
	if time.Since(r.told) < time.Minute || *hostileFor == 0 {
		return
	}
	r.told = time.Now()
	was := r.total
	was.Ran = maps.Clone(was.Ran)
	r.total.add(now)
	fmt.Printf("%s, seed %d: %s\n", r.told.Format(time.TimeOnly), r.seed, r.progress())
	r.total = was
}

func (r *hostileRun) progress() string {
	f := &r.total
	return fmt.Sprintf("round %d, %d commands in %v, %d errors, %d ended by a bound, at most %d MB (%s) and %v (%s), %d kinds of failures",
		f.Round, f.Commands, time.Since(r.started).Round(time.Second), f.Errors, f.Ended, f.Bytes>>20, f.BytesBy, f.CPU.Round(time.Millisecond), f.CPUBy, len(r.found))
}

// hostileShown is how many steps of a failure are shown; all are in the file.
const hostileShown = 8

// report tells what a child failed of, with as few steps as do.
func (r *hostileRun) report(round uint64, end childEnd) {
	steps, err := readSteps(filepath.Join(r.dir, "journal"))
	if err != nil || len(steps) == 0 {
		r.t.Fatalf("seed %d, round %d: %s\nno journal: %v\n%s", r.seed, round, end.failure, err, end.output)
	}
	last := &steps[len(steps)-1]
	kind := kindOf(end.failure) + " of " + last.name()
	r.found[kind]++
	if most := hostileSamples(last); r.found[kind] > most {
		fmt.Printf("seed %d, round %d: again %s\n", r.seed, round, kind)
		return
	}
	steps = r.shrink(steps, kindOf(end.failure))
	name := filepath.Join(*hostileDir, fmt.Sprintf("hostile-%d-%d.steps", r.seed, round))
	if err := writeSteps(name, steps); err != nil {
		r.t.Error(err)
	}
	var b strings.Builder
	if n := len(steps); n > hostileShown {
		fmt.Fprintf(&b, "  ... %d steps ...\n", n-hostileShown)
	}
	for i := max(0, len(steps)-hostileShown); i < len(steps); i++ {
		fmt.Fprintf(&b, "  %.4000v\n", steps[i].String())
	}
	r.t.Fail()
	fmt.Printf("seed %d, round %d, %s: %s\n%s  again: go test ./fsm -run TestHostileReplay -args -hostile-replay %s\n%s\n",
		r.seed, round, last.name(), end.failure, b.String(), name, firstLines(end.output, 25))
}

// hostileSamples returns how many failures of a kind are shown: scripts are never
// the same.
func hostileSamples(s *hostileStep) int {
	if len(s.Commands) > 0 && Lookup(s.Commands[0].Name).Group == "scripting" {
		return 6
	}
	return 1
}

// kindOf returns what a failure has in common with others like it.
func kindOf(failure string) string {
	kind, _, _ := strings.Cut(failure, ":")
	return kind
}

func firstLines(s string, n int) string {
	lines := strings.SplitAfter(s, "\n")
	return strings.Join(lines[:min(n, len(lines))], "")
}
