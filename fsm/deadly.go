//go:build deadly

package fsm

import "github.com/trivetdb/trivet/resp"

// DEADLY ends the process that applies it, by a stack without an end, which nothing
// can recover. It is for the test of what a node does then, and in no other build.
func init() {
	c := &Command{Spec{"DEADLY", 1, Write, Keys{}, "server", "End the process.", "7.2.0"}, deadly}
	table[c.Name] = c
	rows = append(rows, c)
}

func deadly(tx *Tx, args [][]byte) resp.Value {
	v := deadly(tx, args)
	return resp.List(v, v)
}
