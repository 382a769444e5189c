package fsm

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"testing"
	"time"
)

// The hostile tests look for requests that could stop a cluster: what every node
// applies must not panic, overflow the stack, run out of memory or never end.
//
// A run is made of rounds. A round makes three new states, fills them with some
// large values, and does some hundreds of steps, which follow from the seed and the
// round's number alone. It runs in a process of its own, whose memory and stack
// are small, and each step is written to a journal before it is done: where the
// process dies, its parent knows of what. The parent then leaves out of the round
// all that it can, and shows the rest.

var (
	hostileFor    = flag.Duration("hostile", 0, "how long TestHostileLong runs")
	hostileSeed   = flag.Uint64("hostile-seed", 1, "the seed of TestHostile and TestHostileLong")
	hostileFirst  = flag.Uint64("hostile-round", 0, "the round that they begin with")
	hostileOut    = flag.String("hostile-without", "", "a pattern of the names of commands that are left out")
	hostileReplay = flag.String("hostile-replay", "", "a file that one of them has named, for TestHostileReplay to do again")
	hostileDir    = flag.String("hostile-dir", os.TempDir(), "where such files are written")
)

const (
	hostileSteps  = 400        // of a round
	hostileMemory = 2500 << 20 // of the process
	hostileStack  = 64 << 20
)

// TestHostile is a short run, the same each time.
func TestHostile(t *testing.T) {
	rounds := uint64(3)
	if testing.Short() {
		rounds = 1
	}
	r := newHostileRun(t, *hostileSeed, 3)
	r.run(func(round uint64) bool { return round < *hostileFirst+rounds })
}

// TestHostileLong goes on for as long as the flag says.
func TestHostileLong(t *testing.T) {
	if *hostileFor == 0 {
		t.Skip("runs with -args -hostile 4h, or for as long as you like")
	}
	end := time.Now().Add(*hostileFor)
	r := newHostileRun(t, *hostileSeed, 50)
	r.run(func(uint64) bool { return time.Now().Before(end) })
}

// TestHostileReplay does again what a failure was made of.
func TestHostileReplay(t *testing.T) {
	if *hostileReplay == "" {
		t.Skip("runs with -args -hostile-replay FILE")
	}
	r := newHostileRun(t, 0, 1)
	end := r.child(hostileTask{Replay: *hostileReplay, Stuck: hostileStuck})
	if end.failure != "" {
		t.Fatalf("%s\n%s", end.failure, end.output)
	}
}

// A hostileTask is what a parent has its child do: rounds, or the steps of a file.
type hostileTask struct {
	Dir    string // for the journal, and a note of what failed
	Seed   uint64
	Round  uint64
	End    uint64 // the round to end before; 0 for none
	Until  int64  // seconds since 1970; 0 for no end
	Replay string
	Out    string        // a pattern of commands that are left out
	Stuck  time.Duration // after how much of the CPU a step counts as stuck
}

const hostileTaskEnv = "TRIVET_HOSTILE_TASK"

// TestHostileChild is the process that a run has its rounds done by.
func TestHostileChild(t *testing.T) {
	text := os.Getenv(hostileTaskEnv)
	if text == "" {
		t.Skip("runs as a child of the other hostile tests")
	}
	var task hostileTask
	if err := json.Unmarshal([]byte(text), &task); err != nil {
		t.Fatal(err)
	}
	debug.SetMaxStack(hostileStack)
	debug.SetMemoryLimit(hostileMemory / 2)
	if err := limitMemory(hostileMemory); err != nil {
		t.Fatal(err)
	}
	watch := &hostileWatch{dir: task.Dir, stuck: task.Stuck}
	go watch.run()
	figures := &hostileFigures{Ran: map[string]int{}}
	if task.Replay != "" {
		steps, err := readSteps(task.Replay)
		if err != nil {
			t.Fatal(err)
		}
		states := newHostileStates(figures, watch)
		for i := range steps {
			if err := states.do(&steps[i]); err != nil {
				watch.fail(err)
			}
		}
		return
	}
	f, err := os.Create(filepath.Join(task.Dir, "journal"))
	if err != nil {
		t.Fatal(err)
	}
	journal := &hostileJournal{f: f}
	for round := task.Round; (task.End == 0 || round < task.End) && (task.Until == 0 || time.Now().Unix() < task.Until); round++ {
		figures.Round = round
		if err := journal.restart(); err != nil {
			t.Fatal(err)
		}
		if err := hostileRound(task, round, figures, watch, journal); err != nil {
			watch.fail(err)
		}
		text, _ := json.Marshal(figures) // numbers and strings
		fmt.Printf("%s%s\n", hostileMark, text)
	}
}

// hostileRound does the steps of a round and returns what is wrong with the last.
func hostileRound(task hostileTask, round uint64, figures *hostileFigures, watch *hostileWatch, journal *hostileJournal) error {
	states := newHostileStates(figures, watch)
	h := &attacker{generator: &generator{rand.New(rand.NewPCG(task.Seed, round))}, states: states}
	if task.Out != "" {
		h.out = regexp.MustCompile(task.Out)
	}
	h.stage()
	for i := 0; i < hostileSteps && !states.large(); i++ {
		s := h.step()
		if err := journal.enc.Encode(s); err != nil {
			return err
		}
		if err := states.do(s); err != nil {
			return err
		}
		if len(states.left) > 0 && h.IntN(4) > 0 { // as the origin does, but not for ever
			h.next = slices.Insert(h.next, 0, &hostileStep{At: h.at, Seed: h.Uint64(), DB: s.DB, Commands: states.left})
		}
	}
	return nil
}
