package fsm

// A Push is what writes on their way may add to a list, if they succeed.
type Push struct {
	DB  int
	Key string
	N   int // elements
}

// Pushes returns what the LPUSH and RPUSH commands among a batch's body bring.
func Pushes(body []byte) (pushes []Push) {
	d := decoder{b: body}
	for len(d.b) > 0 {
		db := int(d.byte() &^ atomicGroup)
		pushes = d.pushes(pushes, db, d.uvarint())
	}
	return pushes
}

// Pushes returns what the group's LPUSH and RPUSH commands bring to a database.
func (g *Group) Pushes(db int) []Push {
	d := decoder{b: g.buf}
	return d.pushes(nil, db, uint64(g.n))
}

// pushes reads so many commands.
func (d *decoder) pushes(found []Push, db int, commands uint64) []Push {
	for ; commands > 0 && d.err == nil; commands-- {
		args := d.uvarint()
		name := d.bytes(d.uvarint() >> 1)
		push := args > 2 && (string(name) == "LPUSH" || string(name) == "RPUSH")
		for i := uint64(1); i < args && d.err == nil; i++ {
			arg := d.bytes(d.uvarint() >> 1)
			if !push || i > 1 {
				continue
			}
			n := int(min(args-2, uint64(len(d.b)))) // whatever a damaged batch says
			if last := len(found) - 1; last >= 0 && found[last].DB == db && found[last].Key == string(arg) {
				found[last].N += n
			} else {
				found = append(found, Push{db, string(arg), n})
			}
		}
	}
	return found
}
