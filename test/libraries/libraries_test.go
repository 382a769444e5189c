//go:build libraries

// Package libraries runs the queue libraries that people use, unmodified, on
// three real nodes, kills and stops the leader under them, and counts what ran.
//
//	go test -v -count=1 -timeout 2h -tags libraries ./test/libraries               all
//	go test -v -count=1 -tags libraries ./test/libraries -run TestLibraries/huey   one
//	go test ... -args -jobs 300 -kills 1                                   a short run
//
// Each library has a directory with workers and producers as a user would write
// them, and a file that pins the versions. What they need is installed from the
// package registries into the user's cache directory: Python 3 with venv, Node
// with npm, Go, and Debian's ruby-sidekiq must be there. What is missing is a
// failure.
package libraries

import (
	"flag"
	"os"
	"testing"
	"time"

	"github.com/trivetdb/trivet/test/cluster"
)

var (
	jobs  = flag.Int("jobs", 2000, "jobs that the producers of a scenario make at least")
	tail  = flag.Int("tail", 4000, "bytes of each process's log that are printed when a scenario fails")
	kills = flag.Int("kills", 4, "how often a scenario ends the leader; SIGKILL and SIGTERM take turns")
)

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(cluster.Main(m, func(testing.TB) {}))
}

// A library is what a scenario needs to know of it.
type library struct {
	name    string
	modes   []string
	install func(t *testing.T, mode string) toolset
	workers func(tools toolset, mode string, nodes []string) [][]string // command lines
	produce func(tools toolset) []string                                // command line of one producer
	// How many jobs a worker process may hold when its connection dies by
	// SIGKILL, and what the library does with them then.
	holds  int
	loses  bool          // they are gone: it takes a job off the queue before it runs it
	twice  bool          // they may run again: it gives them to another worker
	slow   time.Duration // how long it may be until such a job runs again
	resend bool          // a producer may send a job again whose reply never came
}

// The modes: how the clients reach the nodes.
const (
	url       = "url"       // one address of a node that survives; followers forward
	through   = "service"   // one address before all nodes, which passes connections on to any; followers forward
	sentinel  = "sentinel"  // the nodes as sentinels; followers forward
	clustered = "cluster"   // a Cluster client; followers redirect
)

var libraries = []library{huey, rq, celery, bullmq, bullmqNodeRedis, asynq, sidekiq, dramatiq, arq}

// TestLibraries runs each library in each of its modes.
func TestLibraries(t *testing.T) {
	for _, l := range libraries {
		t.Run(l.name, func(t *testing.T) {
			for _, mode := range l.modes {
				t.Run(mode, func(t *testing.T) { run(t, l, mode, l.install(t, mode)) })
			}
		})
	}
}
