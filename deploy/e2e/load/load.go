package load

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// A Load is clients at work. Its zero value has none.
type Load struct {
	mu      sync.Mutex
	config  Config
	clients []*client
	cancel  context.CancelFunc
	done    sync.WaitGroup
	started int // clients so far
	name    string
	round   int     // counts Next; the first is 1
	rounds  []round // by number, the last one is under way
}

// A round is what all clients did between two calls of Next.
type round struct {
	store     string // that they wrote to
	histories []*history
}

// Configure replaces the clients. They rest until Next.
func (l *Load) Configure(c Config) error {
	if err := l.validate(c); err != nil {
		return err
	}
	l.mu.Lock()
	cancel := l.cancel
	l.mu.Unlock()
	if cancel != nil {
		cancel()
		l.done.Wait()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.config, l.clients, l.name = c, nil, ""
	var ctx context.Context
	ctx, l.cancel = context.WithCancel(context.Background())
	for _, target := range slices.Sorted(maps.Keys(c.Targets)) {
		for i := range 2 * c.Clients {
			kind := []string{Plain, Default}[i%2]
			o, err := c.options(c.Targets[target], kind)
			if err != nil {
				return err
			}
			l.started++
			cl := &client{name: fmt.Sprint(l.started), target: target, kind: kind, conn: redis.NewClient(o), next: l.history}
			l.clients = append(l.clients, cl)
			l.done.Go(func() { cl.run(ctx) })
		}
	}
	return nil
}

func (l *Load) validate(c Config) error {
	if len(c.Targets) == 0 || c.Clients <= 0 {
		return fmt.Errorf("a configuration needs targets and clients")
	}
	for _, addr := range c.Targets {
		if _, err := c.options(addr, Plain); err != nil {
			return err
		}
	}
	return nil
}

// history returns the history that a client goes on with; nil to rest.
func (l *Load) history(c *client) *history {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.name == "" {
		return nil
	}
	key := fmt.Sprintf("e2e:%d:%s", l.round, c.name)
	if h := c.now.Load(); h != nil && h.key == key {
		return h
	}
	h := &history{key: key, target: c.target, kind: c.kind, errors: map[string]int{}, lastAck: time.Now()}
	r := &l.rounds[l.round]
	r.histories = append(r.histories, h)
	return h
}

// Next ends the round under way, once each client has had one more write
// acknowledged, and checks it. Then the round with the name begins; with no
// name the clients rest. The report is of the round that ended.
func (l *Load) Next(ctx context.Context, name string) (Report, error) {
	if err := l.awaitAcks(ctx); err != nil {
		return Report{}, err
	}
	l.mu.Lock()
	ended, endedName := l.round, l.name
	if ended == 0 {
		l.rounds = make([]round, 1) // nothing was written before the first
	}
	l.rounds = append(l.rounds, round{store: l.config.Store})
	l.round, l.name = ended+1, name
	l.mu.Unlock()
	if err := l.awaitSwitch(ctx); err != nil {
		return Report{}, err
	}
	r, err := l.check(ctx, ended)
	r.Name = endedName
	return r, err
}

// Check checks all rounds of the present store once more that are over.
func (l *Load) Check(ctx context.Context) (Report, error) {
	l.mu.Lock()
	rounds, store := l.rounds, l.config.Store
	if l.name != "" {
		rounds = rounds[:l.round]
	}
	l.mu.Unlock()
	var all Report
	for i := range rounds {
		if rounds[i].store != store {
			continue
		}
		r, err := l.check(ctx, i)
		if err != nil {
			return all, err
		}
		all.Add(r)
	}
	return all, nil
}

// awaitAcks waits until each client at work has had a write acknowledged, so
// that no pause that began before goes unseen.
func (l *Load) awaitAcks(ctx context.Context) error {
	now := time.Now()
	return l.await(ctx, "had a write acknowledged", func(c *client) bool {
		h := c.now.Load()
		return h == nil || h.ackedAfter(now)
	})
}

// awaitSwitch waits until each client is in the round under way, or rests.
func (l *Load) awaitSwitch(ctx context.Context) error {
	l.mu.Lock()
	prefix, rest := fmt.Sprintf("e2e:%d:", l.round), l.name == ""
	l.mu.Unlock()
	return l.await(ctx, "begun the next round", func(c *client) bool {
		h := c.now.Load()
		if rest {
			return h == nil
		}
		return h != nil && h.key == prefix+c.name
	})
}

// await waits until all clients fulfil a condition.
func (l *Load) await(ctx context.Context, what string, ok func(*client) bool) error {
	for {
		l.mu.Lock()
		clients := l.clients
		l.mu.Unlock()
		i := slices.IndexFunc(clients, func(c *client) bool { return !ok(c) })
		if i < 0 {
			return nil
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("client %s of %s has not %s: %w", clients[i].name, clients[i].target, what, ctx.Err())
		}
	}
}
