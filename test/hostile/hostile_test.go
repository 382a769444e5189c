//go:build hostile

// Package hostile sends three real nodes what is meant to stop them: requests that
// cost more than they look, a member's forged batches, strangers at every port. Each
// node may have 1 GiB, by a memory cgroup.
//
// No input may stop a node, keep another client waiting for more than a second, or leave
// the nodes' states unequal; who sent it gets an answer; and after all nodes were
// killed they serve again. Run, as root,
//
//	go test -v -timeout 2h -tags hostile ./test/hostile
//	go test -v -timeout 20m -tags hostile ./test/hostile -short
//	go test -v -tags hostile ./test/hostile -args -only 'LCS|SORT'
//
// The table at the end shows what each did. To add an input is to add a row to the
// table of its section.
package hostile

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/trivetdb/trivet/resp"
	"github.com/trivetdb/trivet/test/cluster"
)

var (
	only    = flag.String("only", "", "run only the inputs whose section and name match this `regexp`")
	longest = flag.Duration("wait", time.Second, "how long another client may wait")
)

// A group is inputs that are sent to the same three nodes.
type group struct {
	name     string
	flags    []string // of the nodes
	password string   // of the default user, as the flags have it
	inputs   []input
}

// An input is what somebody sends who means harm, and what must come of it.
type input struct {
	name   string
	long   bool                                 // left out of a short run
	setup  func(*scene)                         // makes what it needs
	send   func(*scene) (resp.Value, error)     // an error means that no reply came
	want   func(v resp.Value, err error) string // what is wrong with the reply, if anything
	within time.Duration                        // in which the reply must come; default patience
	also   func(*scene) error                   // what must hold afterwards
}

// patience is how long who sent an input waits for the reply.
const patience = 20 * time.Second

// What inputs want.

// refused wants an error, on a connection that lives.
func refused(v resp.Value, err error) string {
	if err == nil && !v.IsError() {
		return "it was carried out"
	}
	return answered(v, err)
}

// served wants an ordinary reply.
func served(v resp.Value, err error) string {
	if err == nil && v.IsError() {
		return "it was refused: " + v.Str
	}
	return answered(v, err)
}

// answered wants a reply, an error or not: the input is harmless once its cost is small.
func answered(_ resp.Value, err error) string {
	if err != nil {
		return fmt.Sprintf("no reply: %.300s", err)
	}
	return ""
}

// anything is for inputs that have no reply, or whose connection is to be closed.
func anything(resp.Value, error) string { return "" }

// A scene is an input with the nodes it is sent to.
type scene struct {
	*field
	t      *testing.T
	input  input
	at     *cluster.Node // a follower: the input goes here
	leader *cluster.Node
	to     *client // who sends it
}

// must has a command carried out that prepares an input.
func (s *scene) must(args ...string) {
	s.t.Helper()
	if v, err := s.to.do(time.Minute, args...); err != nil || v.IsError() {
		s.t.Fatalf("the input could not be prepared: %.60q: %.200s %v", args, v.Str, err)
	}
}

// ask sends one command, which is the input.
func (s *scene) ask(args ...string) (resp.Value, error) { return s.to.do(s.within(), args...) }

func (s *scene) within() time.Duration {
	if s.input.within > 0 {
		return s.input.within
	}
	return patience
}

// ask makes an input of one command.
func ask(args ...string) func(*scene) (resp.Value, error) {
	return func(s *scene) (resp.Value, error) { return s.ask(args...) }
}

// eval makes an input of a script.
func eval(script string) func(*scene) (resp.Value, error) { return ask("EVAL", script, "0") }

var table report

func TestMain(m *testing.M) {
	status := cluster.Main(m, func(testing.TB) {})
	table.print(os.Stdout)
	os.Exit(status)
}

// TestHostile sends all inputs.
func TestHostile(t *testing.T) {
	pick, err := regexp.Compile(*only)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range groups {
		var inputs []input
		for _, in := range g.inputs {
			if pick.MatchString(g.name+" "+in.name) && !(in.long && testing.Short()) {
				inputs = append(inputs, in)
			}
		}
		if len(inputs) == 0 {
			continue
		}
		t.Run(strings.ReplaceAll(g.name, " ", "_"), func(t *testing.T) {
			f := newField(t, &g)
			for _, in := range inputs {
				r := &row{group: g.name, name: in.name}
				table.rows = append(table.rows, r)
				r.ok = t.Run(strings.ReplaceAll(in.name, " ", "_"), func(t *testing.T) { f.run(t, in, r) })
				if !r.ok {
					f.renew(t)
				}
			}
		})
	}
	if len(table.rows) == 0 {
		t.Errorf("no input matches %q", *only)
	}
}

// run sends one input and looks at what came of it.
func (f *field) run(t *testing.T, in input, r *row) {
	s := &scene{field: f, t: t, input: in}
	var followers []*cluster.Node
	s.leader, followers = f.roles(t)
	s.at = followers[0]
	var err error
	if s.to, err = f.connect(s.at); err != nil {
		t.Fatal(err)
	}
	defer s.to.Close()
	s.must("SET", "hostile:kept", in.name)
	if in.setup != nil {
		in.setup(s)
	}
	if err := f.serves(time.Minute); err != nil {
		t.Fatalf("after the setup: %v", err)
	}
	s.strike(r, []*cluster.Node{s.leader, followers[1]})
	if t.Failed() {
		return
	}
	s.recover(r)
	s.clean()
}

// strike sends the input while clients of other nodes are at work.
func (s *scene) strike(r *row, others []*cluster.Node) {
	var besides []*beside
	for _, n := range others {
		besides = append(besides, s.beside(n))
	}
	time.Sleep(300 * time.Millisecond) // they are at work
	for _, b := range besides {
		b.forget()
	}
	for _, b := range s.boxes {
		b.peak.Store(0)
	}
	began := time.Now()
	v, err := s.input.send(s)
	r.took = time.Since(began)
	r.reply = describe(v, err)
	if wrong := s.input.want(v, err); wrong != "" {
		r.fault(s.t, "%s", wrong)
	}
	if r.took > s.within() {
		r.fault(s.t, "the reply took %v", r.took)
	}
	// What goes on behind the reply's back counts, too.
	life := s.lives(30 * time.Second)
	if life != nil {
		r.fault(s.t, "%v", life)
	}
	for _, b := range besides {
		wait, faults := b.end()
		r.wait = max(r.wait, wait)
		for _, fault := range faults {
			r.fault(s.t, "%s", fault)
		}
	}
	if life == nil {
		if err := s.serves(30 * time.Second); err != nil {
			r.fault(s.t, "%v", err)
		}
	}
	if r.wait > *longest {
		r.fault(s.t, "another client waited %v", r.wait)
	}
	for _, b := range s.boxes {
		r.peaks = append(r.peaks, b.peak.Load())
	}
	if s.input.also != nil && !s.t.Failed() {
		if err := s.input.also(s); err != nil {
			r.fault(s.t, "%v", err)
		}
	}
}

// recover kills all nodes: they must come back with what they had.
func (s *scene) recover(r *row) {
	s.crash()
	began := time.Now()
	s.pids = nil
	for _, n := range s.Nodes {
		n.Start()
		s.pids = append(s.pids, n.PID())
	}
	if err := s.serves(time.Minute); err != nil {
		r.fault(s.t, "after kill -9 of all nodes: %v", err)
		return
	}
	r.back = time.Since(began)
	err := s.reopen()
	if err == nil {
		var v resp.Value
		if v, err = s.to.do(patience, "GET", "hostile:kept"); err == nil && v.Str != s.input.name {
			err = fmt.Errorf("what was written is lost: %q", v.Str)
		}
	}
	if err != nil {
		r.fault(s.t, "after kill -9 of all nodes: %v", err)
	}
}

// reopen connects anew, as who sent the input may have been thrown out.
func (s *scene) reopen() (err error) {
	s.to.Close()
	s.to, err = s.connect(s.at)
	return err
}

// clean takes away what the input has left, for the sake of the next.
func (s *scene) clean() {
	if s.t.Failed() {
		return
	}
	s.must("FLUSHALL")
	s.must("SCRIPT", "FLUSH")
}

// errUndone is what an input leaves behind that must have had no effect.
var errUndone = errors.New("it had an effect")
