package cluster

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Main runs the tests of a package around a cluster that all of them share: it
// calls start, then the tests, then ends what was started, and returns the exit
// status. A test asks for the cluster with With.
func Main(m *testing.M, start func(testing.TB)) (status int) {
	t := &packageTB{}
	defer func() {
		if p := recover(); p != nil && p != any(t) {
			panic(p)
		} else if p != nil {
			status = 1
		}
		t.failed = status != 0
		for _, f := range slices.Backward(t.cleanups) {
			f()
		}
		if bin, err := build(); err == nil {
			os.RemoveAll(filepath.Dir(bin))
		}
	}()
	start(t)
	return m.Run()
}

// With returns the same cluster, whose methods fail t.
func (c *Cluster) With(t testing.TB) *Cluster {
	same := *c
	same.t = t
	return &same
}

// A packageTB stands for a test that lasts as long as all of a package's.
type packageTB struct {
	testing.TB // nil: it has the methods that this package calls
	failed     bool
	cleanups   []func()
}

func (t *packageTB) Helper()                 {}
func (t *packageTB) Failed() bool            { return t.failed }
func (t *packageTB) Cleanup(f func())        { t.cleanups = append(t.cleanups, f) }
func (t *packageTB) Logf(f string, a ...any) { fmt.Printf(f+"\n", a...) }

func (t *packageTB) Errorf(f string, a ...any) {
	t.failed = true
	t.Logf(f, a...)
}

// Fatalf ends what Main runs.
func (t *packageTB) Fatalf(f string, a ...any) {
	t.Logf(f, a...)
	panic(t)
}

func (t *packageTB) Fatal(a ...any) { t.Fatalf("%s", fmt.Sprintln(a...)) }

func (t *packageTB) TempDir() string {
	dir, err := os.MkdirTemp("", "trivet-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
