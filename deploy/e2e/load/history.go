package load

import (
	"sync"
	"time"
)

// What became of a write.
const (
	acked   = 'a' // the reply came
	refused = 'r' // it is sure that nothing was written
	unknown = 'u' // no reply, so it may be there, once, or not
)

// A history is what one client did in one round.
type history struct {
	key    string
	target string
	kind   string

	mu      sync.Mutex
	ids     []byte         // what became of the id, by id
	acks    int64          // increments that were acknowledged
	maybes  int64          // increments of unknown outcome
	pause   time.Duration  // longest time between two acknowledgements
	errors  map[string]int // how often each was seen
	lastAck time.Time
}

// note adds the outcome of a write, which began after the client's last
// acknowledgement at since.
func (h *history) note(increment bool, became byte, since time.Time, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case !increment:
		h.ids = append(h.ids, became)
	case became == acked:
		h.acks++
	case became == unknown:
		h.maybes++
	}
	if err != nil {
		h.errors[err.Error()]++
		return
	}
	h.lastAck = time.Now()
	h.pause = max(h.pause, h.lastAck.Sub(since))
}

// next is the id of the next write.
func (h *history) next() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.ids)
}

// ackedAfter reports whether a write was acknowledged after a time.
func (h *history) ackedAfter(t time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.lastAck.After(t)
}

// checkIDs compares the fates of ids with how often each is in the store.
func checkIDs(ids []byte, found map[int]int) (lost, doubled int64) {
	for id, n := range found {
		if id < 0 || id >= len(ids) || ids[id] == refused {
			doubled += int64(n) // nobody wrote that, or was told that it failed
			continue
		}
		doubled += int64(n - 1)
	}
	for id, became := range ids {
		if became == acked && found[id] == 0 {
			lost++
		}
	}
	return lost, doubled
}

// checkCount does the same for a counter.
func checkCount(acks, maybes, value int64) (lost, doubled int64) {
	return max(acks-value, 0), max(value-acks-maybes, 0)
}
