package node

import (
	"context"
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// A step is one operation on a register, as porcupine sees it.
type step struct {
	key, value string // value is what is set; "" for a read
}

// registers are keys that hold the value set last. Keys are independent.
var registers = porcupine.Model{
	Partition: func(history []porcupine.Operation) (parts [][]porcupine.Operation) {
		byKey := map[string]int{}
		for _, op := range history {
			key := op.Input.(step).key
			i, ok := byKey[key]
			if !ok {
				i = len(parts)
				byKey[key] = i
				parts = append(parts, nil)
			}
			parts[i] = append(parts[i], op)
		}
		return parts
	},
	Init: func() any { return "" },
	Step: func(state, input, output any) (bool, any) {
		if in := input.(step); in.value != "" {
			return true, in.value
		}
		return state == output, state
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprint(input, " -> ", output) },
}

// A history is what clients did and saw.
type history struct {
	began time.Time
	mu    sync.Mutex
	ops   []porcupine.Operation
	kinds map[string]int
}

func newHistory() *history { return &history{began: time.Now(), kinds: map[string]int{}} }

// do carries out a step and notes what is known of it. What was surely not done
// and a read without an answer say nothing. A write of unknown outcome may
// happen at any later time.
func (h *history) do(client int, in step, f func() (string, error)) error {
	call := time.Since(h.began)
	out, err := f()
	end := time.Since(h.began)
	kind := kindOf(err)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.kinds[kind]++
	op := porcupine.Operation{ClientId: client, Input: in, Call: int64(call), Output: out, Return: int64(end)}
	switch kind {
	case "":
		h.ops = append(h.ops, op)
	case "loading", "refused", "moved":
	case "unknown":
		if in.value != "" {
			op.Return = math.MaxInt64
			h.ops = append(h.ops, op)
		}
	default:
		return fmt.Errorf("client %d, %v: %w", client, in, err)
	}
	return nil
}

func (h *history) check(t *testing.T) porcupine.CheckResult {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	t.Logf("%d operations, outcomes %v", len(h.ops), h.kinds)
	return porcupine.CheckOperationsTimeout(registers, h.ops, 20*time.Second)
}

// clients run reads and writes on all nodes until stop is closed.
func (h *history) clients(t *testing.T, c *cluster, each int, stop <-chan struct{}) *sync.WaitGroup {
	wait := &sync.WaitGroup{}
	for _, m := range c.members {
		for range each {
			client := h.next()
			wait.Go(func() { h.client(t, m, client, stop) })
		}
	}
	return wait
}

func (h *history) next() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.kinds["clients"]++
	return h.kinds["clients"]
}

func (h *history) client(t *testing.T, m *member, client int, stop <-chan struct{}) {
	conn := m.client()
	defer conn.Close()
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		case <-time.After(3 * time.Millisecond):
		}
		// Keys change with time, to keep the histories of each short.
		key := fmt.Sprintf("%d:%d", int(time.Since(h.began).Seconds()), (client+i)%3)
		ctx, cancel := context.WithTimeout(context.Background(), 800*time.Millisecond)
		var err error
		if i%2 == client%2 {
			value := fmt.Sprintf("%d.%d", client, i)
			err = h.do(client, step{key, value}, func() (string, error) { return conn.Set(ctx, key, value, 0).Result() })
		} else {
			err = h.do(client, step{key: key}, func() (string, error) { return conn.Get(ctx, key).Result() })
		}
		cancel()
		if err != nil {
			t.Error(err)
			return
		}
	}
}
