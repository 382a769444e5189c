//go:build libraries

package libraries

import (
	"fmt"
	"slices"
	"strings"
)

// count compares what was accepted with what ran, and prints the table.
func (s *scenario) count() {
	l := read(s.t, s.dir)
	missing, repeated := l.missing(), l.repeated()
	// A job is a repeated one by right where its worker's connection died, or
	// where its producer's did and the client sent it again.
	allowed := s.allowed(s.library.twice)
	if s.library.resend && s.mode != url {
		allowed += s.hard * producers
	}
	var odd []string
	for _, id := range repeated {
		if _, unsure := l.unsure[id]; !unsure || s.mode == url {
			odd = append(odd, id)
		}
	}
	if len(odd) > allowed {
		s.t.Errorf("%d jobs ran twice, at most %d may: %.500q", len(odd), allowed, odd)
	}
	may, unheard := s.allowed(s.library.loses), s.allowed(true)
	if s.service != nil {
		all, taking := s.service.cuts()
		may, unheard = min(may, all), all
		s.t.Logf("nodes that ended left %d requests without a reply; %d were to take a job", all, taking)
		s.trace(slices.Concat(missing, repeated, l.noresult))
	}
	if len(missing) > may {
		s.t.Errorf("%d accepted jobs never ran, at most %d may: %.500q", len(missing), may, missing)
	}
	if s.mode == url && len(l.unsure) > 0 {
		s.t.Errorf("a producer whose node lives was told of errors: %v", l.unsure)
	}
	s.t.Logf("lost: %.500q; ran twice: %.500q; errors: %.500q", missing, repeated, fmt.Sprint(l.unsure))
	s.results(l, missing, unheard)
	for _, w := range l.wrong {
		s.t.Errorf("%s", w)
	}
	fmt.Printf("%-9s %-10s %6s %8s %10s %5s %7s %8s  %s\n", "library", "mode", "jobs", "retried", "duplicates", "lost", "errors", "pause", "leaders ended")
	fmt.Printf("%-9s %-10s %6d %8d %10d %5d %7d %6d ms  %d SIGKILL, %d SIGTERM\n", s.library.name, s.mode,
		len(l.made), len(l.fails), len(repeated), len(missing), len(l.unsure), l.pause, s.hard, s.soft)
}

// trace logs where jobs went, in the modes that note it.
func (s *scenario) trace(ids []string) {
	for _, id := range ids[:min(len(ids), 20)] {
		if s.service != nil {
			s.t.Logf("trace of %s:%s", id, s.service.trace(id))
		}
	}
}

// results checks the jobs whose result did not come. They must be lost ones, or
// belong to a group (named before the dot) of which one was lost; of others as
// many as the writes of a worker that may have had no reply.
func (s *scenario) results(l *ledger, missing []string, unheard int) {
	var odd []string
	for _, id := range l.noresult {
		name := strings.SplitN(id, ".", 2)[0]
		lost := slices.ContainsFunc(missing, func(m string) bool { return strings.SplitN(m, ".", 2)[0] == name })
		if !lost {
			odd = append(odd, id)
		}
	}
	s.t.Logf("results that did not come: %.500q", l.why)
	if len(odd) > unheard {
		s.t.Errorf("the results of %q did not come, at most %d may not", odd, unheard)
	}
}
