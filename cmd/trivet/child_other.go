//go:build !linux

package main

import "syscall"

// childAttributes keep Ctrl-C from the nodes of a demo, which stops them in
// order.
func childAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
