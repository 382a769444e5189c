// Package memory tells how much memory a process may take.
package memory

import (
	"bytes"
	"cmp"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Allowed returns how many bytes the control groups of this process allow,
// of either version, or math.MaxInt64 where none bounds them or where there
// are none. The file system begins at root.
func Allowed(root string) int64 {
	mounts, err := os.ReadFile(filepath.Join(root, "proc/self/mountinfo"))
	groups, err2 := os.ReadFile(filepath.Join(root, "proc/self/cgroup"))
	if cmp.Or(err, err2) != nil {
		return math.MaxInt64
	}
	allowed := int64(math.MaxInt64)
	for line := range strings.Lines(string(mounts)) {
		// 35 31 0:32 /root /mount/point rw ... - cgroup cgroup rw,memory
		first, second, ok := strings.Cut(line, " - ")
		left, right := strings.Fields(first), strings.Fields(second)
		if !ok || len(left) < 5 || len(right) < 3 {
			continue
		}
		file, path := "", ""
		switch {
		case right[0] == "cgroup2":
			file, path = "memory.max", groupPath(groups, "")
		case right[0] == "cgroup" && has(right[2], "memory"):
			file, path = "memory.limit_in_bytes", groupPath(groups, "memory")
		default:
			continue
		}
		// A container sees its own group as the mount's root, while the path may be
		// the one outside.
		path = filepath.Clean("/" + strings.TrimPrefix(path, strings.TrimSuffix(left[3], "/")))
		mount := filepath.Join(root, left[4])
		for {
			allowed = min(allowed, readLimit(filepath.Join(mount, path, file)))
			if path == "/" {
				break
			}
			path = filepath.Dir(path)
		}
	}
	return allowed
}

// groupPath finds the path of the process's group for a controller of version 1,
// or for version 2 where the name is empty. Lines are 4:memory:/path or 0::/path.
func groupPath(groups []byte, controller string) string {
	for line := range bytes.Lines(groups) {
		parts := strings.SplitN(strings.TrimSpace(string(line)), ":", 3)
		if len(parts) == 3 && (parts[1] == controller || controller != "" && has(parts[1], controller)) {
			return parts[2]
		}
	}
	return "/"
}

func has(list, word string) bool { return strings.Contains(","+list+",", ","+word+",") }

// readLimit reads a number of bytes. "max", and numbers beyond any machine's
// memory, which version 1 has for none, are no limit.
func readLimit(file string) int64 {
	text, err := os.ReadFile(file)
	if err != nil {
		return math.MaxInt64
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil || n <= 0 || n > 1<<50 {
		return math.MaxInt64
	}
	return n
}

// Machine returns how many bytes the machine has, or math.MaxInt64 where that is not
// known. The file system begins at root.
func Machine(root string) int64 {
	text, _ := os.ReadFile(filepath.Join(root, "proc/meminfo"))
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) != 3 || words[0] != "MemTotal:" {
			continue
		}
		if n, err := strconv.ParseInt(words[1], 10, 64); err == nil && 0 < n && n < math.MaxInt64>>10 {
			return n << 10
		}
	}
	return math.MaxInt64
}
