package fsm

// Lookups count the keys that a read looked for.
type Lookups struct{ Hits, Misses uint64 }

func (l *Lookups) count(found bool) {
	switch {
	case l == nil:
	case found:
		l.Hits++
	default:
		l.Misses++
	}
}
