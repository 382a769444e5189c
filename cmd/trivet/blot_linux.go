package main

import "unsafe"

// blot overwrites an argument of this process where it lies, in the memory that
// /proc/PID/cmdline shows. The string must be one of os.Args, or a part of one, which
// on Linux are that very memory.
func blot(arg string) {
	b := unsafe.Slice(unsafe.StringData(arg), len(arg))
	for i := range b {
		b[i] = '*'
	}
}
