package main

import (
	"bytes"
	"cmp"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
)

// heapShare is the part of the memory that this process may have, in percent, that
// is the goal of the garbage collector. The rest is for stacks, for what the
// collector is late with, and for the kernel's copies of the log's pages.
const heapShare = 80

// limitHeap makes the garbage collector work harder as the memory that the control
// group allows comes to its end: without it the process is killed with half of
// that memory garbage. GOMEMLIMIT in the environment goes before.
func limitHeap(log *slog.Logger) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	allowed := memoryAllowed("/")
	if allowed == math.MaxInt64 {
		return
	}
	limit := allowed / 100 * heapShare
	debug.SetMemoryLimit(limit)
	log.Info("the control group bounds the memory", "bytes", allowed, "heap", limit)
}

// memoryAllowed returns how many bytes the control groups of this process allow,
// of either version, or math.MaxInt64 where none bounds them or where there
// are none. The file system begins at root.
func memoryAllowed(root string) int64 {
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
