package server

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/resp"
)

// What may wait for a client where client-output-buffer-limit does not say
// otherwise; past it the connection is closed.
const (
	maxUnsent  = 32 << 20                   // for one that listens to channels, or a monitor; Redis's default
	maxReplies = fsm.MaxReply + keepReplies // for others: as much as the largest reply takes behind those that are kept
)

// A topic says what kind of subscription a name is for.
type topic uint8

const (
	ofChannel topic = iota
	ofPattern
	ofShard
	topics
)

// A hub knows this node's subscribers. All methods may be called from many
// goroutines.
type hub struct {
	mu     sync.RWMutex
	names  [topics]map[string]map[*session]bool
	active atomic.Int64 // subscriptions
}

// add subscribes s, and reports whether it was not subscribed before.
func (h *hub) add(t topic, name string, s *session) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.names[t] == nil {
		h.names[t] = map[string]map[*session]bool{}
	}
	if h.names[t][name] == nil {
		h.names[t][name] = map[*session]bool{}
	}
	if h.names[t][name][s] {
		return false
	}
	h.names[t][name][s] = true
	h.active.Add(1)
	return true
}

func (h *hub) remove(t topic, name string, s *session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.names[t][name][s] {
		return
	}
	h.active.Add(-1)
	if delete(h.names[t][name], s); len(h.names[t][name]) == 0 {
		delete(h.names[t], name)
	}
}

// deliver gives messages to this node's subscribers, in their order. It does
// not wait for any of them.
func (h *hub) deliver(messages []fsm.Message) {
	if h.active.Load() == 0 {
		return
	}
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, m := range messages {
		if m.Shard {
			h.send(ofShard, m.Channel, resp.Str("smessage"), resp.Str(m.Channel), resp.Str(m.Text))
			continue
		}
		h.send(ofChannel, m.Channel, resp.Str("message"), resp.Str(m.Channel), resp.Str(m.Text))
		for _, pattern := range h.matching(m.Channel) {
			h.send(ofPattern, pattern, resp.Str("pmessage"), resp.Str(pattern), resp.Str(m.Channel), resp.Str(m.Text))
		}
	}
}

// send pushes to the subscribers of a name. The caller holds the lock.
func (h *hub) send(t topic, name string, elems ...resp.Value) {
	for s := range h.names[t][name] {
		s.push(resp.Value{Kind: resp.Push, Elems: elems})
	}
}

// matching returns the patterns that a channel matches, in order.
func (h *hub) matching(channel string) []string {
	var found []string
	for pattern := range h.names[ofPattern] {
		if fsm.Match(pattern, channel) {
			found = append(found, pattern)
		}
	}
	slices.Sort(found)
	return found
}

// receivers returns how many of this node's subscriptions get a message.
func (h *hub) receivers(shard bool, channel string) int64 {
	if h.active.Load() == 0 {
		return 0
	}
	h.mu.RLock()
	defer h.mu.RUnlock()
	if shard {
		return int64(len(h.names[ofShard][channel]))
	}
	n := len(h.names[ofChannel][channel])
	for _, pattern := range h.matching(channel) {
		n += len(h.names[ofPattern][pattern])
	}
	return int64(n)
}

// list returns the names that have subscribers and match, in order.
func (h *hub) list(t topic, pattern string) []string {
	h.mu.RLock()
	defer h.mu.RUnlock()
	found := []string{}
	for name := range h.names[t] {
		if pattern == "" || fsm.Match(pattern, name) {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	return found
}

func (h *hub) count(t topic, name string) int64 {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return int64(len(h.names[t][name]))
}

// Deliver gives messages that were published, on any node, to this node's
// subscribers. The node calls it in the order of the log.
func (s *Server) Deliver(messages []fsm.Message) { s.hub.deliver(messages) }
