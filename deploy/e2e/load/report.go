package load

import "time"

// A Report is what the clients saw in a round.
type Report struct {
	Name    string
	Targets map[string]*Seen // by the target's name
	Acked   int64            // writes that were acknowledged
	Unknown int64            // writes without a good reply that may be there
	Lost    int64            // acknowledged, and not there
	Doubled int64            // there twice, or there and refused
	Faults  []string         // which keys are wrong, the first ten
}

// Seen is what the clients of one target saw.
type Seen struct {
	Pause   time.Duration  // longest time between two acknowledgements of one client
	Plain   int            // errors that plain clients saw
	Default int            // errors that clients saw which try again by themselves
	Errors  map[string]int // how often each was seen
}

const mostFaults = 10

// Add adds what was seen in another round. The name stays.
func (r *Report) Add(o Report) {
	r.Acked += o.Acked
	r.Unknown += o.Unknown
	r.Lost += o.Lost
	r.Doubled += o.Doubled
	r.Faults = append(r.Faults, o.Faults...)
	r.Faults = r.Faults[:min(len(r.Faults), mostFaults)]
	for target, seen := range o.Targets {
		s := r.At(target)
		s.Pause = max(s.Pause, seen.Pause)
		s.Plain += seen.Plain
		s.Default += seen.Default
		for text, n := range seen.Errors {
			s.Errors[text] += n
		}
	}
}

// At returns what the clients of a target saw, to be added to.
func (r *Report) At(target string) *Seen {
	if r.Targets == nil {
		r.Targets = map[string]*Seen{}
	}
	if r.Targets[target] == nil {
		r.Targets[target] = &Seen{Errors: map[string]int{}}
	}
	return r.Targets[target]
}

// sum adds up what is in a history, which nobody writes any more.
func (r *Report) sum(h *history) {
	s := r.At(h.target)
	s.Pause = max(s.Pause, h.pause)
	for text, n := range h.errors {
		s.Errors[h.kind+": "+text] += n
		if h.kind == Plain {
			s.Plain += n
		} else {
			s.Default += n
		}
	}
	r.Acked += h.acks
	r.Unknown += h.maybes
	for _, became := range h.ids {
		switch became {
		case acked:
			r.Acked++
		case unknown:
			r.Unknown++
		}
	}
}
