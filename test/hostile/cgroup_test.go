//go:build hostile

package hostile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A box is a memory cgroup, of either version, with one node in it.
type box struct {
	dir  string
	v2   bool
	peak atomic.Int64 // of the bytes that its process has held, page cache left out
}

// newBox makes a cgroup that allows so many bytes. A machine that has none, or a
// user who may not make one, is a failure: without it a node would take the
// machine's memory instead of dying.
func newBox(t *testing.T, name string, limit int64) *box {
	t.Helper()
	top, v2, err := memoryController()
	if err != nil {
		t.Fatalf("these tests need a memory cgroup for each node, and cannot make one: %v. "+
			"Run them as root, with the memory controller of cgroup v1 or v2 at /sys/fs/cgroup.", err)
	}
	b := &box{dir: filepath.Join(top, name), v2: v2}
	err = os.Mkdir(b.dir, 0o755)
	if err == nil {
		err = b.bound(limit)
	}
	if err != nil {
		t.Fatalf("cannot make the memory cgroup %s: %v; run these tests as root", b.dir, err)
	}
	stop := make(chan struct{})
	go b.watch(stop)
	t.Cleanup(func() {
		close(stop)
		for range 100 { // its process may still be ending
			if err = os.Remove(b.dir); err == nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
		t.Errorf("cannot remove the cgroup: %v", err)
	})
	return b
}

// memoryController finds where groups that bound memory can be made. Version 1 goes
// first: where both are mounted, the controller is there if it has files.
func memoryController() (dir string, v2 bool, err error) {
	const v1Dir, v2Dir = "/sys/fs/cgroup/memory", "/sys/fs/cgroup"
	if _, err := os.Stat(filepath.Join(v1Dir, "memory.limit_in_bytes")); err == nil {
		return v1Dir, false, nil
	}
	controllers, err := os.ReadFile(filepath.Join(v2Dir, "cgroup.controllers"))
	if err != nil {
		return "", false, fmt.Errorf("no memory controller: neither %s nor %s is mounted", v1Dir, v2Dir)
	}
	if !strings.Contains(string(controllers), "memory") {
		return "", false, errors.New("cgroup v2 is mounted without the memory controller")
	}
	if err := os.WriteFile(filepath.Join(v2Dir, "cgroup.subtree_control"), []byte("+memory"), 0o644); err != nil {
		return "", false, fmt.Errorf("give the memory controller to new groups: %w", err)
	}
	return v2Dir, true, nil
}

// bound sets the limit, and lets nothing go to swap, where it would not count.
func (b *box) bound(limit int64) error {
	text := []byte(strconv.FormatInt(limit, 10))
	if !b.v2 {
		err := os.WriteFile(filepath.Join(b.dir, "memory.swappiness"), []byte("0"), 0o644)
		return errors.Join(err, os.WriteFile(filepath.Join(b.dir, "memory.limit_in_bytes"), text, 0o644))
	}
	err := os.WriteFile(filepath.Join(b.dir, "memory.max"), text, 0o644)
	swap := os.WriteFile(filepath.Join(b.dir, "memory.swap.max"), []byte("0"), 0o644)
	if errors.Is(swap, os.ErrNotExist) { // a kernel without swap
		swap = nil
	}
	return errors.Join(err, swap)
}

// through is the command that puts itself into the group and then becomes the node.
func (b *box) through() []string {
	return []string{"sh", "-c", `echo $$ > "$0" && exec "$@"`, filepath.Join(b.dir, "cgroup.procs")}
}

// watch keeps the peak. The kernel's own counts the page cache, which the log's
// files fill up to the limit whatever the node does.
func (b *box) watch(stop chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(20 * time.Millisecond):
		}
		b.peak.Store(max(b.peak.Load(), b.held()))
	}
}

// held returns how many bytes the processes in the group hold now.
func (b *box) held() int64 {
	if b.v2 {
		return b.number("memory.stat", "anon")
	}
	return b.number("memory.stat", "total_rss")
}

// killed returns how many processes the kernel has killed for the limit's sake.
func (b *box) killed() int64 {
	if b.v2 {
		return b.number("memory.events", "oom_kill")
	}
	return b.number("memory.oom_control", "oom_kill")
}

// number reads the line of a name from one of the group's files.
func (b *box) number(file, name string) int64 {
	text, _ := os.ReadFile(filepath.Join(b.dir, file))
	for line := range strings.Lines(string(text)) {
		if word, value, _ := strings.Cut(strings.TrimSpace(line), " "); word == name {
			n, _ := strconv.ParseInt(value, 10, 64)
			return n
		}
	}
	return 0
}
