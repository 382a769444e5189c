package fsm

// First returns the arguments of the group's first command. They lie in the
// group's memory; the name, argument 0, is empty, as Add is given the row.
func (g *Group) First() [][]byte {
	d := decoder{b: g.buf}
	args := make([][]byte, 0, 4)
	for n := d.uvarint(); n > 0 && d.err == nil; n-- {
		args = append(args, d.bytes(d.uvarint()>>1))
	}
	if len(args) == 0 {
		return [][]byte{nil}
	}
	args[0] = nil
	return args
}
