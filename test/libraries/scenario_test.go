//go:build libraries

package libraries

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/trivetdb/trivet/test/cluster"
)

const (
	producers = 3
	patience  = 4 * time.Minute // for anything that should happen soon, on a busy machine
)

// A scenario is one library in one mode on one cluster.
type scenario struct {
	t         *testing.T
	library   library
	mode      string
	dir       string
	cluster   *cluster.Cluster
	home      *cluster.Node // where clients of mode url are connected
	service   *service      // of modes service and sentinel
	env       []string      // of workers and producers
	tools     toolset
	started   int        // workers, those that ended included
	workers   []*process // that run
	producers []*process
	hard      int // ends by SIGKILL
	soft      int // ends by SIGTERM
}

// run runs a scenario: workers and producers at work, the leader killed and
// stopped under them in turn, then the count.
func run(t *testing.T, l library, mode string, tools toolset) {
	follow := "forward"
	if mode == clustered {
		follow = "redirect"
	}
	s := &scenario{t: t, library: l, mode: mode, dir: t.TempDir(), cluster: cluster.Start(t, 3, "--on-follower", follow)}
	s.home = s.cluster.Others(s.cluster.Settled())[0]
	switch mode {
	case through:
		s.service = startService(t, s.cluster.Nodes)
	case sentinel:
		s.service = startFronts(t, s.cluster.Nodes)
	}
	s.env, s.tools = append(s.environment(), tools.env...), tools
	s.work()
	for i := range producers {
		more := []string{"JOBS=" + strconv.Itoa(*jobs/producers+1)}
		if i == producers-1 {
			more = append(more, "STEADY=yes")
		}
		s.produce(more...)
	}
	for i := range *kills {
		s.until(fmt.Sprintf("%d jobs were made", *jobs*(i+1)/(*kills+2)), func(l *ledger) bool {
			return len(l.made) >= *jobs*(i+1)/(*kills+2)
		})
		s.end(i%2 == 0)
	}
	s.finish()
	s.count()
}

// work starts the workers.
func (s *scenario) work() {
	s.workers = nil
	for _, args := range s.library.workers(s.tools, s.mode, s.nodes()) {
		s.started++
		s.workers = append(s.workers, s.start(fmt.Sprintf("worker%d", s.started), args))
	}
}

// produce starts a producer.
func (s *scenario) produce(more ...string) {
	s.producers = append(s.producers, s.start(fmt.Sprintf("producer%d", len(s.producers)+1), s.library.produce(s.tools), more...))
}

func (s *scenario) start(name string, args []string, more ...string) *process {
	env := slices.Concat(s.env, []string{"LEDGER=" + s.ledgerOf(name), "NAME=" + name}, more)
	return start(s.t, s.dir, name, env, args)
}

func (s *scenario) ledgerOf(name string) string { return filepath.Join(s.dir, name+".ledger") }

// nodes returns the addresses that the clients are given.
func (s *scenario) nodes() []string {
	switch s.mode {
	case through:
		return []string{s.service.addr}
	case sentinel:
		return s.service.fronts
	}
	nodes := []string{s.home.Redis}
	for _, n := range s.cluster.Others(s.home) {
		if s.mode != url {
			nodes = append(nodes, n.Redis)
		}
	}
	return nodes
}

// environment tells the programs what they need to know.
func (s *scenario) environment() []string {
	return []string{"MODE=" + s.mode, "NODES=" + strings.Join(s.nodes(), ","), "STOP=" + filepath.Join(s.dir, "stop")}
}

// end ends the leader and starts it again when another leads. In mode url it
// moves the leadership away first from the node that the clients use.
func (s *scenario) end(hard bool) {
	s.t.Helper()
	leader := s.cluster.Settled()
	for s.mode == url && leader == s.home {
		cluster.Run(s.t, "transfer-leader", "--addr", leader.Redis)
		leader = s.cluster.Settled()
	}
	before := read(s.t, s.dir)
	if hard {
		leader.Kill()
		s.hard++
	} else {
		if status := leader.Stop(); status != 0 {
			s.t.Errorf("%s stopped with status %d", leader.Name, status)
		}
		s.soft++
	}
	s.until("jobs are made and run after the leader's end", func(l *ledger) bool {
		return len(l.made) > len(before.made)+producers && len(l.runs) > len(before.runs)
	})
	leader.Start()
	s.cluster.Settled()
}

// finish lets every worker run one more job, then ends the producers, waits for
// the jobs that are left, and ends the workers.
func (s *scenario) finish() {
	s.t.Helper()
	before := read(s.t, s.dir)
	s.until("every worker runs jobs after the last end of a leader", func(l *ledger) bool {
		for _, w := range s.workers {
			if l.workers[w.name] <= before.workers[w.name] {
				return false
			}
		}
		return len(l.made) >= *jobs
	})
	if err := os.WriteFile(filepath.Join(s.dir, "stop"), nil, 0o600); err != nil {
		s.t.Fatal(err)
	}
	for _, p := range s.producers {
		if status := p.ends(patience); status != 0 {
			s.t.Fatalf("%s ended with status %d (-1: not at all)", p.name, status)
		}
	}
	s.await()
	time.Sleep(3 * time.Second) // a job that runs twice needs the chance to
	s.stopWorkers()
}

// await waits until all accepted jobs ran. Where a node died to which clients
// were connected, some may need what a user has sooner or later: the library's own
// time until it gives up a worker, workers that are started anew, and more jobs.
func (s *scenario) await() {
	s.t.Helper()
	done := func(l *ledger) bool { return len(l.missing()) == 0 }
	if s.mode == url {
		s.until("all accepted jobs ran", done)
		return
	}
	quiet := time.Now()
	s.until("all accepted jobs ran", func(l *ledger) bool {
		return done(l) || time.Since(quiet) > max(30*time.Second, s.library.slow)
	})
	left := read(s.t, s.dir).missing()
	if len(left) == 0 {
		return
	}
	s.t.Logf("not run before the workers were started anew: %.500q", left)
	s.stopWorkers()
	s.work()
	s.produce("JOBS=40")
	quiet = time.Now()
	s.until("all accepted jobs ran, the lost ones aside", func(l *ledger) bool {
		return done(l) || len(l.missing()) <= s.allowed(s.library.loses) && !s.producers[producers].running() &&
			time.Since(quiet) > max(30*time.Second, s.library.slow)
	})
}

func (s *scenario) stopWorkers() {
	for _, w := range s.workers {
		w.stop(s.t)
	}
}

// allowed is how many jobs may fare ill: those that workers held when a node
// died on which they were connected. None where their node lives.
func (s *scenario) allowed(may bool) int {
	if !may || s.mode == url {
		return 0
	}
	return s.hard * len(s.workers) * s.library.holds
}

// until waits for what the ledger shows, and watches that all processes live.
func (s *scenario) until(what string, f func(l *ledger) bool) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		for _, p := range slices.Concat(s.workers, s.producers) {
			early := !p.running() && (slices.Contains(s.workers, p) || p.cmd.ProcessState.ExitCode() != 0)
			if early {
				s.t.Fatalf("%s exited with status %d while: %s", p.name, p.cmd.ProcessState.ExitCode(), what)
			}
		}
		l := read(s.t, s.dir)
		if f(l) {
			return
		}
		if time.Now().After(deadline) {
			missing := l.missing()
			s.trace(missing)
			s.t.Fatalf("after %v still not: %s; %d jobs made, %d ran, %d missing: %.300q; unsure %.300q; runs of workers %v",
				patience, what, len(l.made), len(l.runs), len(missing), missing, fmt.Sprint(l.unsure), l.workers)
		}
	}
}
