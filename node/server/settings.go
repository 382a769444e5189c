package server

import (
	"time"

	"github.com/trivetdb/trivet/fsm"
)

// Configure has the server go by settings: what needs them in a form of its own
// gets them here. The node calls it with those of a restored state and whenever
// an entry has changed some; it must not block.
func (s *Server) Configure(settings *fsm.Settings) {
	s.settings.Store(settings)
	normal, messages := settings.BufferLimits(maxReplies, maxUnsent)
	s.limits.replies.Store(int64(min(normal, 1<<62)))
	s.limits.messages.Store(int64(min(messages, 1<<62)))
	s.limits.denied.Store(min(settings.Int("acllog-max-len", defaultDenied), fsm.MaxDenied))
	s.held.most.Store(settings.Int("maxmemory-clients", s.opts.ClientMemory))
	s.limits.slowerThan.Store(settings.Int("slowlog-log-slower-than", defaultSlowerThan))
	s.limits.slowMaxLen.Store(min(settings.Int("slowlog-max-len", defaultSlowMaxLen), fsm.MaxSlow))
	s.limits.latency.Store(settings.Int("latency-monitor-threshold", 0))
}

// maxClients is how many connections there may be.
func (s *Server) maxClients() int {
	return int(s.settings.Load().Int("maxclients", int64(s.opts.MaxClients)))
}

// idleLimit is how long a client may be silent, 0 for ever.
func (s *Server) idleLimit() time.Duration {
	return time.Duration(s.settings.Load().Int("timeout", 0)) * time.Second
}

// reapPeriod is how often idle clients are looked for.
const reapPeriod = 250 * time.Millisecond

// reap closes the connections of clients that have been silent for too long. As
// in Redis, those who wait for data or listen to channels may be. Those who have
// not come in yet have a time of their own.
func (s *Server) reap() {
	ticker := time.NewTicker(reapPeriod)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-s.ctx.Done():
			return
		}
		for se := s.conns.late(s.opts.GuestTime); se != nil; se = s.conns.late(s.opts.GuestTime) {
			se.end(endedAsNewcomer)
		}
		limit := s.idleLimit()
		if limit == 0 {
			continue
		}
		for _, se := range s.conns.list() {
			if since := se.idle.Load(); since != 0 && time.Since(time.UnixMilli(since)) > limit {
				se.kill()
			}
		}
	}
}
