package memory

import (
	"math"
	"os"
	"path/filepath"
	"testing"
)

// TestAllowed reads the limits of control groups as machines and containers
// have them.
func TestAllowed(t *testing.T) {
	const (
		v1 = "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
		v2 = "35 31 0:32 / /sys/fs/cgroup rw,relatime shared:4 - cgroup2 cgroup2 rw\n"
	)
	for name, c := range map[string]struct {
		mounts, groups string
		files          map[string]string
		want           int64
	}{
		"no groups":   {"22 1 0:20 / / rw - ext4 /dev/vda rw\n", "", nil, math.MaxInt64},
		"v1":          {v1, "9:cpu:/x\n4:memory:/a/b\n", map[string]string{"sys/fs/cgroup/memory/a/b/memory.limit_in_bytes": "1073741824\n"}, 1 << 30},
		"v1 no limit": {v1, "4:memory:/a\n", map[string]string{"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "9223372036854771712\n"}, math.MaxInt64},
		"v1 a parent": {v1, "4:memory,hugetlb:/a/b\n", map[string]string{
			"sys/fs/cgroup/memory/a/b/memory.limit_in_bytes": "4096000\n", "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "2048000\n"}, 2048000},
		"v2":      {v2, "0::/system.slice/trivet.service\n", map[string]string{"sys/fs/cgroup/system.slice/trivet.service/memory.max": "536870912\n"}, 512 << 20},
		"v2 none": {v2, "0::/a\n", map[string]string{"sys/fs/cgroup/a/memory.max": "max\n"}, math.MaxInt64},
		"v2 container": {"35 31 0:32 /docker/1234 /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "0::/docker/1234\n",
			map[string]string{"sys/fs/cgroup/memory.max": "1048576\n"}, 1 << 20},
		"v2 namespace": {v2, "0::/\n", map[string]string{"sys/fs/cgroup/memory.max": "1048576\n"}, 1 << 20},
	} {
		root := t.TempDir()
		files := map[string]string{"proc/self/mountinfo": c.mounts, "proc/self/cgroup": c.groups}
		for path, text := range c.files {
			files[path] = text
		}
		for path, text := range files {
			path = filepath.Join(root, path)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := Allowed(root); got != c.want {
			t.Errorf("%s: %d bytes, want %d", name, got, c.want)
		}
	}
}

func TestMachine(t *testing.T) {
	root := t.TempDir()
	if got := Machine(root); got != math.MaxInt64 {
		t.Errorf("without a file: %d", got)
	}
	path := filepath.Join(root, "proc/meminfo")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]int64{
		"MemTotal:       8388608 kB\nMemFree:        1 kB\n": 8 << 30,
		"MemFree:        1 kB\n":                             math.MaxInt64,
		"MemTotal: many kB\n":                                math.MaxInt64,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := Machine(root); got != want {
			t.Errorf("%q: %d bytes, want %d", text, got, want)
		}
	}
}
