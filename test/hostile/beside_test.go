//go:build hostile

package hostile

import (
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/trivetdb/trivet/test/cluster"
)

// giveUp is how long another client waits before it takes its connection for dead.
const giveUp = 30 * time.Second

// A beside is another client of the cluster, on one node, that writes and reads one
// small key all the time and takes down how long it waits.
type beside struct {
	field *field
	node  *cluster.Node
	stop  chan struct{}
	done  chan struct{}

	mu      sync.Mutex
	calls   int
	longest time.Duration
	asked   time.Time // when the call under way began; zero between calls
	faults  []string
}

func (f *field) beside(n *cluster.Node) *beside {
	b := &beside{field: f, node: n, stop: make(chan struct{}), done: make(chan struct{})}
	go b.run()
	return b
}

// forget begins the measurement anew.
func (b *beside) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.longest, b.calls = 0, 0
}

// end stops the client. A call that waits still is counted as it is.
func (b *beside) end() (longest time.Duration, faults []string) {
	close(b.stop)
	select {
	case <-b.done:
	case <-time.After(2 * time.Second):
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.asked.IsZero() {
		b.longest = max(b.longest, time.Since(b.asked))
		b.faults = append(b.faults, fmt.Sprintf("still waits after %v", time.Since(b.asked).Round(time.Millisecond)))
	}
	return b.longest, b.faults
}

func (b *beside) run() {
	defer close(b.done)
	key := "beside:" + b.node.Name
	var c *client
	for i := 0; ; i++ {
		select {
		case <-b.stop:
			if c != nil {
				c.Close()
			}
			return
		case <-time.After(2 * time.Millisecond):
		}
		if c == nil {
			var err error
			if c, err = b.open(); err != nil {
				b.fault(err)
				c = nil
				continue
			}
		}
		value := strconv.Itoa(i)
		err := b.ask(c, "OK", "SET", key, value)
		if err == nil {
			err = b.ask(c, value, "GET", key)
		}
		if err != nil {
			b.fault(err)
			c.Close()
			c = nil
		}
	}
}

// open connects, for reads that see all that was acknowledged anywhere.
func (b *beside) open() (*client, error) {
	b.begin()
	defer b.finish()
	c, err := b.field.connect(b.node)
	if err != nil {
		return nil, err
	}
	if _, err := c.do(giveUp, "CLIENT", "READS", "LINEARIZABLE"); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (b *beside) ask(c *client, want string, args ...string) error {
	b.begin()
	v, err := c.do(giveUp, args...)
	b.finish()
	if err == nil && v.Str != want {
		err = fmt.Errorf("%q answered %.100q", args, v.Str)
	}
	return err
}

func (b *beside) begin() {
	b.mu.Lock()
	b.asked = time.Now()
	b.mu.Unlock()
}

func (b *beside) finish() {
	b.mu.Lock()
	b.longest = max(b.longest, time.Since(b.asked))
	b.calls++
	b.asked = time.Time{}
	b.mu.Unlock()
}

// fault notes what must not happen, the first few times.
func (b *beside) fault(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.faults) < 3 {
		b.faults = append(b.faults, fmt.Sprintf("the client of %s: %v", b.node.Name, err))
	}
}
