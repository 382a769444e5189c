//go:build !linux

package cluster

import "syscall"

func processAttributes() *syscall.SysProcAttr { return nil }
