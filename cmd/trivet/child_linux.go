package main

import "syscall"

// childAttributes keep Ctrl-C from the nodes of a demo, which stops them in
// order, and end them should the demo be killed.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
