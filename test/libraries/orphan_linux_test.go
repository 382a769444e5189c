//go:build libraries

package libraries

import "syscall"

// processAttributes give a program a group of its own, and end it with the test
// process, should that panic or run out of time.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
