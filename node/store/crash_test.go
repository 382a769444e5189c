package store

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

const (
	crashEnv = "TRIVET_STORE_CRASH_DIR"
	storeEnv = "TRIVET_STORE_CRASH_LOG"
)

// TestCrashChild is no test: TestCrash runs it as a process of its own. It
// stores, cuts and compacts as raft does, and prints how far it got.
func TestCrashChild(t *testing.T) {
	path := os.Getenv(crashEnv)
	if path == "" {
		t.Skip("run by TestCrash")
	}
	testStore = os.Getenv(storeEnv)
	d := mustOpen(t, path, "a")
	setTerm(t, d, 1)
	last, err := d.Log().LastIndex()
	if err != nil {
		t.Fatal(err)
	}
	for i := last + 1; ; i++ {
		storeEntries(t, d, i, i+3, 1, int(i*37%9_000))
		fmt.Println("stored", i)
		first, _ := d.Log().FirstIndex()
		switch i % 16 {
		case 0: // a new leader knows better
			if err := d.Log().DeleteRange(i+1, i+3); err != nil {
				t.Fatal(err)
			}
			continue
		case 8:
			storeSnapshot(t, d, i, 1, "state")
			if err := d.Log().DeleteRange(first, i-2); err != nil {
				t.Fatal(err)
			}
		}
		i += 3
	}
}

// A process that is killed leaves no damage, and loses nothing that it stored.
func TestCrash(t *testing.T) {
	path := t.TempDir()
	for round := range 8 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestCrashChild$")
		cmd.Env = append(os.Environ(), crashEnv+"="+path, storeEnv+"="+testStore)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var stored uint64
		var kill *time.Timer
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if n, ok := strings.CutPrefix(lines.Text(), "stored "); ok {
				stored, _ = strconv.ParseUint(n, 10, 64)
				if kill == nil {
					kill = time.AfterFunc(time.Duration(round*17+5)*time.Millisecond, func() { _ = cmd.Process.Kill() })
				}
			}
		}
		_ = cmd.Wait()
		d := mustOpen(t, path, "a")
		last, err := d.Log().LastIndex()
		if err != nil || last < stored || stored == 0 {
			t.Errorf("round %d: the log ends at %d, %d was stored, %v", round, last, stored, err)
		}
		var e raft.Log
		if err := d.Log().GetLog(last, &e); err != nil {
			t.Error(err)
		}
		mustClose(t, d)
	}
}
