package fsm

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/trivetdb/trivet/resp"
)

// What one command, script or transaction may take.
const (
	hostileBytes = 400 << 20        // allocated, in all
	hostileCPU   = 2 * time.Second  // this kind of machine needs 0.3 s
	hostileStuck = 10 * time.Second // of the CPU: it is not waited for
	hostileHeap  = 300 << 20        // beside three times what the states say that they hold
	hostileLarge = 192 << 20        // a state of so many bytes is not gone on with
)

// hostileStates are three states that must answer the same and be the same: one as
// it is, one that was frozen before each step, and one that goes through snapshots.
type hostileStates struct {
	all     [3]*State
	index   uint64
	seq     uint64
	steps   int
	left    []hostileCommand // of the last step, which was long already
	figures *hostileFigures
	watch   *hostileWatch
}

// hostileFigures are what is told of a run now and then.
type hostileFigures struct {
	Round    uint64
	Commands int
	Ended    int // by a bound
	Errors   int
	Bytes    uint64 // the most that a step allocated
	BytesBy  string
	CPU      time.Duration // the most that a step took
	CPUBy    string
	Ran      map[string]int // commands that ended without an error, by name
}

func newHostileStates(f *hostileFigures, w *hostileWatch) *hostileStates {
	h := &hostileStates{figures: f, watch: w}
	for i := range h.all {
		h.all[i] = NewStateAt(NewestLevel)
	}
	return h
}

// large reports whether the states have become too large to go on with.
func (h *hostileStates) large() bool { return h.all[0].Bytes() > hostileLarge }

// hostileAnswer is what a state answered a step with, short.
type hostileAnswer struct {
	sum    uint64 // of the replies
	good   []bool // which of them are no errors
	text   string // of those that are errors, or of the first
	ended  bool   // by a bound
	failed error  // the node cannot go on
	panic  string // of a command
}

// endedByBound reports whether a reply says that a command was ended for what it
// would cost, and so without effect.
func endedByBound(v resp.Value) bool {
	return v.IsError() && (strings.Contains(v.Str, "ended without effect") || strings.Contains(v.Str, "exceeded its budget"))
}

// do does a step and returns what is wrong with what came of it.
func (h *hostileStates) do(s *hostileStep) error {
	if s.Commands == nil && CheckBody(s.Body, NewestLevel) != nil {
		// No node proposes it. One that applies it all the same must not die.
		h.watch.begin()
		NewStateAt(NewestLevel).Apply(1, Entry{Time: s.At, Batches: []Batch{{Origin: testOrigin, Seq: 1, Body: s.Body}}})
		h.watch.end()
		return nil
	}
	if s.Restore {
		back, err := h.throughSnapshot(h.all[2])
		if err != nil {
			return fmt.Errorf("snapshot: %w", err)
		}
		h.all[2] = back
	}
	h.index++ // what is due goes first, so that it is no effect of the step
	for _, st := range h.all {
		st.Apply(h.index, Entry{Time: s.At})
	}
	before := h.all[1].Freeze()
	h.index++
	h.seq++
	var first hostileAnswer
	for i, st := range h.all {
		a, err := h.one(st, s)
		for again := 0; err != nil && again < 2; again++ { // the machine may be busy
			_, err = h.onceMore(before, s)
		}
		if err != nil {
			return err
		}
		if i == 0 {
			first = a
		} else if a.sum != first.sum || a.text != first.text || fmt.Sprint(a.failed) != fmt.Sprint(first.failed) {
			return fmt.Errorf("replies differ: state 0 says %q, state %d %q", first.text, i, a.text)
		}
	}
	h.count(s, first)
	h.left = nil
	if s.Commands != nil && first.failed == nil {
		if h.left = s.Commands[len(first.good):]; len(first.good) == 0 {
			return errors.New("progress: not one command was done")
		}
	}
	if first.panic != "" {
		return fmt.Errorf("panic: %s", first.panic)
	}
	if first.failed != nil {
		return fmt.Errorf("no node can go on: %w", first.failed)
	}
	return h.after(s, first, before)
}

// onceMore does a step on another state that is as it was before.
func (h *hostileStates) onceMore(before *Frozen, s *hostileStep) (hostileAnswer, error) {
	var b bytes.Buffer
	before.Encode(&b) // to a buffer, where nothing can fail
	st, err := Decode(&b)
	if err != nil {
		return hostileAnswer{}, err
	}
	return h.one(st, s)
}

func (h *hostileStates) count(s *hostileStep, a hostileAnswer) {
	h.steps++
	h.figures.Commands += max(1, len(s.Commands))
	for i, good := range a.good {
		if good && i < len(s.Commands) {
			h.figures.Ran[s.Commands[i].Name]++
		}
	}
	if a.ended {
		h.figures.Ended++
	}
	if a.text != "" {
		h.figures.Errors++
	}
}

// one does a step on one state, within the bounds.
func (h *hostileStates) one(st *State, s *hostileStep) (a hostileAnswer, err error) {
	c := Lookup(s.name())
	data := (&Entry{Time: s.At, Seed: s.Seed, Batches: []Batch{{Origin: testOrigin, Seq: h.seq, Body: s.body()}}}).Append(nil)
	var replies []resp.Value
	cpu, taken := cpuTime(), allocated()
	h.watch.begin()
	if s.Read && c != nil {
		faulty := func(p Panic) { a.panic = p.Value + "\n" + p.Stack }
		replies = []resp.Value{st.Read(Request{Command: c, Args: s.Commands[0].Args, DB: s.DB, Now: s.At, Seed: s.Seed, Faulty: faulty})}
	} else if e, err := DecodeEntry(data); err != nil {
		a.failed = err
	} else if results, err := st.Apply(h.index, e); err != nil {
		a.failed = err
	} else {
		replies = results[0].Replies
	}
	h.watch.end()
	cpu, taken = cpuTime()-cpu, allocated()-taken
	if taken > h.figures.Bytes {
		h.figures.Bytes, h.figures.BytesBy = taken, s.name()
	}
	if cpu > h.figures.CPU {
		h.figures.CPU, h.figures.CPUBy = cpu, s.name()
	}
	for _, p := range st.TakePanics() {
		a.panic = p.Value + "\n" + p.Stack
	}
	d := xxhash.New()
	fmt.Fprint(d, st.TakeMessages(), st.TakeDeleted(), st.TakeRefusals())
	st.TakeSignals()
	for _, v := range replies {
		a.ended = a.ended || endedByBound(v)
		a.good = append(a.good, !v.IsError())
		if v.IsError() && a.text == "" {
			if a.text = v.Str; strings.Contains(v.Str, "runtime error") { // of a script, which goes on
				a.panic = v.Str
			}
		}
		d.Write(v.Append(nil, resp.Canonical))
	}
	a.sum = d.Sum64()
	most := uint64(hostileBytes)
	if len(s.Commands) > 1 && !s.Atomic { // the last may begin when others have taken much
		most = most / 2 * 3
	}
	switch {
	case taken > most:
		return a, fmt.Errorf("memory: it allocated %d MB and said %.100q", taken>>20, a.text)
	case cpu > hostileCPU:
		return a, fmt.Errorf("time: it took %v of the CPU and said %.100q", cpu.Round(time.Millisecond), a.text)
	}
	return a, nil
}

// after looks at the states once a step is done.
func (h *hostileStates) after(s *hostileStep, a hostileAnswer, before *Frozen) error {
	if a.ended && (len(s.Commands) == 1 || s.Atomic) {
		was, is := effects(before), effects(h.all[1].Freeze())
		if was != is {
			return errors.New("effect: what was ended by a bound has changed the state")
		}
	}
	if h.steps%32 != 0 && !a.ended {
		return nil
	}
	want := sumOf(h.all[0].Freeze())
	for i, st := range h.all[1:] {
		if sumOf(st.Freeze()) != want {
			return fmt.Errorf("states differ: state %d is not as state 0", i+1)
		}
	}
	if h.steps%32 == 0 {
		if err := h.all[0].Check(); err != nil {
			return fmt.Errorf("check: %w", err)
		}
		if _, err := h.throughSnapshot(h.all[1]); err != nil {
			return fmt.Errorf("snapshot: %w", err)
		}
	}
	return h.heap()
}

// heap finds memory that the states hold and do not tell of.
func (h *hostileStates) heap() error {
	told := hostileHeap
	for _, st := range h.all {
		told += 3 * int(st.Bytes())
	}
	if held() <= uint64(told) {
		return nil
	}
	runtime.GC()
	if n := held(); n > uint64(told) {
		return fmt.Errorf("heap: the states say that they hold %d bytes each, the heap has %d", h.all[0].Bytes(), n)
	}
	return nil
}

// throughSnapshot returns a state that was encoded and decoded.
func (h *hostileStates) throughSnapshot(st *State) (*State, error) {
	var b bytes.Buffer
	if err := st.Freeze().Encode(&b); err != nil {
		return nil, err
	}
	sum := xxhash.Sum64(b.Bytes())
	back, err := Decode(&b)
	if err != nil {
		return nil, err
	}
	if back.level != st.level {
		return nil, fmt.Errorf("level %d became %d", st.level, back.level)
	}
	if sumOf(back.Freeze()) != sum {
		return nil, errors.New("a restored state encodes to other bytes")
	}
	return back, back.Check()
}

// sumOf returns a checksum of the encoding of a state.
func sumOf(f *Frozen) uint64 {
	d := xxhash.New()
	f.Encode(d) // to a digest, where nothing can fail
	return d.Sum64()
}

// effects is sumOf without what every command leaves: that a batch was seen.
func effects(f *Frozen) uint64 {
	g := *f
	g.index, g.origins = 0, nil
	return sumOf(&g)
}

var heapMetrics = []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}, {Name: "/memory/classes/heap/objects:bytes"}}

func allocated() uint64 { metrics.Read(heapMetrics); return heapMetrics[0].Value.Uint64() }
func held() uint64      { metrics.Read(heapMetrics); return heapMetrics[1].Value.Uint64() }

// A hostileWatch ends the process where a step does not come to its end.
type hostileWatch struct {
	began atomic.Int64 // wall clock; 0 for no step
	cpu   atomic.Int64 // of the process at that time
	dir   string
	stuck time.Duration
}

func (w *hostileWatch) begin() {
	w.cpu.Store(int64(cpuTime()))
	w.began.Store(time.Now().UnixNano())
}

func (w *hostileWatch) end() { w.began.Store(0) }

// run looks at the step now and then.
func (w *hostileWatch) run() {
	for range time.Tick(200 * time.Millisecond) {
		began := w.began.Load()
		if began == 0 {
			continue
		}
		cpu, wall := cpuTime()-time.Duration(w.cpu.Load()), time.Duration(time.Now().UnixNano()-began)
		if (cpu > w.stuck || wall > 10*hostileStuck) && w.began.Load() == began {
			w.fail(fmt.Errorf("time: it did not end within %v of the CPU, %v in all", cpu.Round(time.Second), wall.Round(time.Second)))
		}
	}
}

// fail leaves a note of what was wrong, and ends the process.
func (w *hostileWatch) fail(why error) {
	os.WriteFile(filepath.Join(w.dir, "failure"), []byte(why.Error()), 0o644)
	os.Exit(3)
}
