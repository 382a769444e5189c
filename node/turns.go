package node

import "context"

// next takes the turns to be sent in a message.
func (c *claimant) next() []turn {
	turns := c.turns
	if len(turns) > maxTurns {
		turns = turns[:maxTurns]
		signal(c.wake)
	}
	if c.turns = c.turns[len(turns):]; len(c.turns) == 0 {
		c.turns = nil
	}
	return turns
}

// deliver sends a node its turns, until ctx ends.
func (w *waiters) deliver(ctx context.Context, to *claimant) {
	defer to.gone()
	for {
		select {
		case <-to.wake:
		case <-ctx.Done():
			return
		}
		w.mu.Lock()
		turns := to.next()
		w.mu.Unlock()
		if len(turns) > 0 && !w.tell(ctx, to, turns) {
			w.mu.Lock()
			w.drop(to)
			w.mu.Unlock()
			return
		}
	}
}

// tell reports whether the node has heard of the turns.
func (w *waiters) tell(ctx context.Context, to *claimant, turns []turn) bool {
	for range 2 {
		ctx, cancel := context.WithTimeout(ctx, turnTimeout)
		err := w.send(ctx, to.addr, turnNote{to.origin, to.stream, turns})
		cancel()
		if err == nil {
			return true
		}
		if pause(ctx, retryPause) != nil {
			break
		}
	}
	return false
}
