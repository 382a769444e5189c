package cluster

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// PID returns the number of the node's process.
func (n *Node) PID() int { return n.cmd.Process.Pid }

// RSS returns how many bytes of memory the process holds. It works on Linux.
func (n *Node) RSS() int64 {
	n.cluster.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", n.PID()))
	if err != nil {
		n.cluster.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	number, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	kb, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		n.cluster.t.Fatalf("no VmRSS in the status of process %d: %v", n.PID(), err)
	}
	return kb << 10
}

// Files returns how many files and connections the process has open. It works
// on Linux.
func (n *Node) Files() int {
	n.cluster.t.Helper()
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", n.PID()))
	if err != nil {
		n.cluster.t.Fatal(err)
	}
	return len(open)
}

// Ended says how the process has ended: its exit status, or the signal.
func (n *Node) Ended() string {
	<-n.done
	return n.cmd.ProcessState.String()
}
