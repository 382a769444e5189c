package node

import (
	"os"
	"path/filepath"
	"runtime/debug"
	"testing"
)

func TestClientMemory(t *testing.T) {
	root := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	check := func(want int64) {
		t.Helper()
		if got := memoryOf(root); got != want {
			t.Errorf("the memory is %d, want %d", got, want)
		}
	}
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(1 << 40))
	check(1 << 40)
	write("proc/meminfo", "MemTotal:       8388608 kB\nMemFree:        1 kB\n")
	write("proc/self/cgroup", "0::/pod/container\n")
	write("sys/fs/cgroup/memory.max", "max\n")
	check(8 << 30)
	write("sys/fs/cgroup/pod/memory.max", "4294967296\n")
	check(4 << 30)
	write("sys/fs/cgroup/pod/container/memory.max", "1073741824\n")
	check(1 << 30)
	write("sys/fs/cgroup/memory/memory.limit_in_bytes", "536870912\n")
	check(512 << 20)
	for text, want := range map[string]int64{"0": 0, "7mb": 7 << 20} {
		if got := (&Config{MaxClientMemory: text}).clientMemory(); got != want {
			t.Errorf("max-client-memory %q: %d", text, got)
		}
	}
	if got := (&Config{}).clientMemory(); got < leastClientMemory {
		t.Errorf("by default clients may hold %d bytes", got)
	}
}
