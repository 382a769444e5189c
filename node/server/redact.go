package server

import (
	"bytes"
	"slices"
)

var hidden = []byte("(redacted)")

// redacted returns the arguments without the secrets among them, for SLOWLOG and
// MONITOR.
func redacted(r *row, args [][]byte) [][]byte {
	hide := func(from, to int) {
		args = slices.Clone(args)
		for i := from; i < min(to, len(args)); i++ {
			args[i] = hidden
		}
	}
	switch r.Name {
	case "AUTH":
		hide(1, len(args))
	case "ACL|SETUSER":
		hide(2, len(args))
	case "HELLO":
		for i, arg := range args {
			if is(arg, "AUTH") {
				hide(i+1, i+3)
				break
			}
		}
	case "CONFIG|SET":
		for i := 2; i+1 < len(args); i += 2 {
			name := bytes.ToLower(args[i])
			if bytes.Contains(name, []byte("pass")) || bytes.HasSuffix(name, []byte("auth")) {
				hide(i+1, i+2)
			}
		}
	}
	return args
}
