package faults

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/trivetdb/trivet/test/cluster"
)

// TestDeadlyEntry has a log entry that ends every process which applies it. Each node
// dies of it twice, then stops before it and says so; with the flag that it names all
// nodes go on, and nothing but the entry's own effect is lost.
func TestDeadlyEntry(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "trivet")
	if out, err := exec.Command("go", "build", "-tags", "deadly", "-o", bin, "github.com/trivetdb/trivet/cmd/trivet").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	c := cluster.New(t, "--on-follower", "forward")
	for range 3 {
		n := c.Add("--bootstrap-expect", "3")
		n.Through = []string{"sh", "-c", `shift; exec "` + bin + `" "$@"`, "sh"}
		n.Start()
	}
	ctx := context.Background()
	leader := c.Settled()
	if err := leader.Client().Set(ctx, "before", "kept", 0).Err(); err != nil {
		t.Fatal(err)
	}
	go leader.Client().Do(ctx, "DEADLY")
	ended := func(what string) {
		t.Helper()
		for _, n := range c.Nodes {
			for end := time.Now().Add(time.Minute); n.Running(); time.Sleep(20 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("%s: %s is still running", what, n.Name)
				}
			}
		}
	}
	restart := func(flags ...string) {
		for _, n := range c.Nodes {
			n.Start(flags...)
		}
	}
	ended("the first time")
	restart()
	ended("the second time")
	restart()
	ended("the third time")
	said := regexp.MustCompile(`DEADLY.*--skip-entry (\d+)`)
	index := ""
	for _, n := range c.Nodes {
		log, err := os.ReadFile(n.Log)
		if err != nil {
			t.Fatal(err)
		}
		found := said.FindSubmatch(log)
		if found == nil {
			t.Fatalf("%s does not say which entry ended it", n.Name)
		}
		if deaths := strings.Count(string(log), "stack overflow"); deaths != 2 {
			t.Errorf("%s died %d times, not twice", n.Name, deaths)
		}
		if index != "" && index != string(found[1]) {
			t.Errorf("%s names entry %s, another one %s", n.Name, found[1], index)
		}
		index = string(found[1])
	}
	restart("--skip-entry", index)
	c.Settled()
	for _, n := range c.Nodes {
		if v, err := n.Client().Get(ctx, "before").Result(); v != "kept" || err != nil {
			t.Errorf("%s: %q, %v", n.Name, v, err)
		}
	}
	if err := c.Leader().Client().Set(ctx, "after", "too", 0).Err(); err != nil {
		t.Error(err)
	}
	c.SameState()
}
