package node

import (
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/trivetdb/trivet/fsm"
)

// leastClientMemory is what clients may make a node hold on the smallest machine:
// room for the largest reply and the largest request.
const leastClientMemory = 192 << 20

// clientMemory returns how many bytes clients may make this node hold together: what
// the configuration says, or an eighth of the memory that there is.
func (c *Config) clientMemory() int64 {
	if n, ok := fsm.ParseBytes(c.MaxClientMemory); ok {
		return int64(min(n, math.MaxInt64))
	}
	return max(leastClientMemory, memoryOf("/")/8)
}

// memoryOf returns how much memory this process may take, as far as the system below
// root tells: the machine's, its control group's or GOMEMLIMIT, whatever is least;
// 0 where nothing is known.
func memoryOf(root string) int64 {
	least := debug.SetMemoryLimit(-1)
	for _, file := range groupFiles(root) {
		text, _ := os.ReadFile(file)
		least = smaller(least, strings.TrimSpace(string(text)), 1)
	}
	text, _ := os.ReadFile(filepath.Join(root, "proc/meminfo"))
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); len(words) == 3 && words[0] == "MemTotal:" {
			least = smaller(least, words[1], 1<<10)
		}
	}
	if least == math.MaxInt64 {
		return 0
	}
	return least
}

// smaller returns what text has of a unit, where that is a number and less than most.
func smaller(most int64, text string, unit int64) int64 {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n > 0 && n < most/unit {
		return n * unit
	}
	return most
}

// groupFiles returns the files that hold the limits of this process's control group
// and of those above it, of version 2 and of version 1.
func groupFiles(root string) []string {
	files := []string{filepath.Join(root, "sys/fs/cgroup/memory/memory.limit_in_bytes")}
	text, _ := os.ReadFile(filepath.Join(root, "proc/self/cgroup"))
	for line := range strings.Lines(string(text)) {
		group, ok := strings.CutPrefix(strings.TrimSpace(line), "0::")
		if !ok {
			continue
		}
		for ; group != "/" && group != "." && group != ""; group = filepath.Dir(group) {
			files = append(files, filepath.Join(root, "sys/fs/cgroup", group, "memory.max"))
		}
	}
	return append(files, filepath.Join(root, "sys/fs/cgroup/memory.max"))
}
