//go:build libraries

package libraries

import (
	"path/filepath"
	"testing"
	"time"
)

var asynq = library{
	name: "asynq", modes: []string{url, through, sentinel, clustered},
	// A module of its own keeps the library out of the main module.
	install: func(t *testing.T, _ string) toolset {
		source, home := absolute(t, "asynq"), t.TempDir()
		command(t, source, "go", "build", "-o", filepath.Join(home, "bin", "asynq"), ".")
		return toolset{source: source, home: home}
	},
	workers: func(tools toolset, _ string, _ []string) [][]string {
		worker := []string{tools.bin("asynq"), "work"}
		return [][]string{worker, worker, worker}
	},
	produce: func(tools toolset) []string { return []string{tools.bin("asynq"), "produce"} },
	// A task whose worker's connection died keeps its lease for 30 s; then it is
	// retried, also where it had run. Tasks that were just taken out of a group go
	// back after two minutes, and wait there until another task joins the group.
	holds: 4, twice: true, slow: 150 * time.Second,
}
