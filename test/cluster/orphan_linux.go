package cluster

import "syscall"

// processAttributes end a node with the test process, should that panic or run
// out of time.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
