package server

import (
	"sync"
	"time"
)

const (
	ratePeriod  = 100 * time.Millisecond
	rateSamples = 16 // as many as Redis keeps
)

// rates are what INFO calls instantaneous: the means of the last samples. All
// methods may be called from many goroutines.
type rates struct {
	mu      sync.Mutex
	samples []tally
}

// A tally is what was counted up to a time.
type tally struct {
	at                time.Time
	commands, in, out uint64
}

// sample takes down the counts until the server ends.
func (s *Server) sample() {
	ticker := time.NewTicker(ratePeriod)
	defer ticker.Stop()
	for {
		s.rates.add(tally{time.Now(), s.counts.commands.Load(), s.counts.in.Load(), s.counts.out.Load()})
		select {
		case <-ticker.C:
		case <-s.ctx.Done():
			return
		}
	}
}

func (r *rates) add(t tally) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.samples); n > 0 && r.samples[n-1].commands > t.commands { // CONFIG RESETSTAT
		r.samples = nil
	}
	if len(r.samples) > rateSamples {
		copy(r.samples, r.samples[1:])
		r.samples = r.samples[:rateSamples]
	}
	r.samples = append(r.samples, t)
}

// get returns commands and bytes a second.
func (r *rates) get() (commands, in, out float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.samples) < 2 {
		return 0, 0, 0
	}
	from, to := r.samples[0], r.samples[len(r.samples)-1]
	seconds := to.at.Sub(from.at).Seconds()
	rate := func(a, b uint64) float64 {
		if b < a || seconds <= 0 {
			return 0
		}
		return float64(b-a) / seconds
	}
	return rate(from.commands, to.commands), rate(from.in, to.in), rate(from.out, to.out)
}
