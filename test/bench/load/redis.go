package load

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
)

// Redis is a server that speaks the Redis protocol.
type Redis struct {
	Addr string
	All  []string // addresses of all nodes, for GET-ALL; empty where there is one
}

// tests are the works that are a test of redis-benchmark's own.
var tests = map[string]string{
	"SET": "set", "GET": "get", "GET-ALL": "get", "INCR": "incr", "LPUSH": "lpush", "RPOP": "rpop", "MSET": "mset",
}

// jobScript adds a job as BullMQ's scripts do, takes the oldest and completes it.
//
//go:embed job.lua
var jobScript string

const benchList = "mylist" // the list that redis-benchmark pushes to

// Can reports whether Prepare knows the work.
func (t Redis) Can(w Work) bool {
	switch w.Name {
	case "SCRIPT", "JOBS", "LPUSH-RPOP":
		return true
	case "GET-ALL":
		return len(t.All) > 1
	}
	return tests[w.Name] != ""
}

// Prepare loads what is read or popped, and the script.
func (t Redis) Prepare(ctx context.Context, w Work, d time.Duration) (func(context.Context) (Result, error), error) {
	c, err := Dial(ctx, t.Addr)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	b := &benchmark{target: t, work: w}
	switch w.Name {
	case "JOBS":
		return prepareOwn(ctx, d, func(ctx context.Context, d time.Duration) (Result, error) { return Jobs(ctx, t.Addr, w, d) })
	case "LPUSH-RPOP":
		if err := t.newList(ctx, c, w.Keys, w.Size); err != nil {
			return nil, fmt.Errorf("prepare %v: %w", w, err)
		}
		return prepareOwn(ctx, d, func(ctx context.Context, d time.Duration) (Result, error) { return pushPop(ctx, t.Addr, w, d) })
	case "GET", "GET-ALL":
		err = LoadKeys(ctx, t.Addr, w.keys(), w.Size)
	case "SCRIPT":
		b.command, err = jobCommand(c, w.Size)
	case "LPUSH", "RPOP":
		err = t.newList(ctx, c, 0, w.Size)
	}
	if err != nil {
		return nil, fmt.Errorf("prepare %v: %w", w, err)
	}
	return b.prepare(ctx, d)
}

// prepareOwn warms a measurement in Go up.
func prepareOwn(ctx context.Context, d time.Duration, run func(context.Context, time.Duration) (Result, error)) (func(context.Context) (Result, error), error) {
	if _, err := run(ctx, warm); err != nil {
		return nil, err
	}
	return func(ctx context.Context) (Result, error) { return run(ctx, d) }, nil
}

// newList makes the list of so many elements.
func (t Redis) newList(ctx context.Context, c *Conn, n, size int) error {
	if _, err := c.Do("UNLINK", benchList); err != nil {
		return err
	}
	return LoadList(ctx, t.Addr, benchList, n, size)
}

// jobCommand loads the script and returns a call of it.
func jobCommand(c *Conn, size int) ([]string, error) {
	reply, err := c.Do("SCRIPT", "LOAD", jobScript)
	if err != nil {
		return nil, err
	}
	sha, ok := reply.(string)
	if !ok {
		return nil, fmt.Errorf("SCRIPT LOAD answered %v", reply)
	}
	return []string{"EVALSHA", sha, "6", "job:id", "job:wait", "job:active", "job:completed", "job:", "job:meta",
		strings.Repeat("x", size), "1700000000000"}, nil
}

// A benchmark runs redis-benchmark, which counts requests, for a time.
type benchmark struct {
	target  Redis
	work    Work
	command []string // instead of a test of its own
}

// prepare runs twice to get warm and to find the rate, by which it asks for as
// many requests as take about d. The first run is too short to say much.
func (b *benchmark) prepare(ctx context.Context, d time.Duration) (func(context.Context) (Result, error), error) {
	least := max(500, 10*b.work.Clients*b.work.Pipeline) // fewer can take no time that redis-benchmark prints
	n := least
	for _, next := range []time.Duration{warm, d} {
		if err := b.fill(ctx, n); err != nil {
			return nil, err
		}
		r, err := b.requests(ctx, n)
		if err != nil {
			return nil, err
		}
		n = max(least, int(r.Rate*next.Seconds()))
	}
	if err := b.fill(ctx, n); err != nil {
		return nil, err
	}
	return func(ctx context.Context) (Result, error) { return b.requests(ctx, n) }, nil
}

// requests runs n requests, on all addresses at once for GET-ALL.
func (b *benchmark) requests(ctx context.Context, n int) (Result, error) {
	addrs := []string{b.target.Addr}
	if b.work.Name == "GET-ALL" {
		addrs = b.target.All
	}
	return benchmarkAll(ctx, addrs, b.arguments(n/len(addrs), len(addrs)))
}

// fill sees to it that each of n RPOPs finds an element.
func (b *benchmark) fill(ctx context.Context, n int) error {
	if b.work.Name != "RPOP" {
		return nil
	}
	return LoadList(ctx, b.target.Addr, benchList, n, b.work.Size)
}

func (b *benchmark) arguments(n, shares int) []string {
	w := b.work
	args := []string{"-c", fmt.Sprint(int(math.Ceil(float64(w.Clients) / float64(shares)))), "-n", fmt.Sprint(n),
		"-P", fmt.Sprint(w.Pipeline), "-d", fmt.Sprint(w.Size), "-r", fmt.Sprint(w.keys())}
	if b.command != nil {
		return append(args, b.command...)
	}
	return append(args, "-t", tests[w.Name])
}

// LoadKeys sets the keys that redis-benchmark uses, each to size bytes, over
// a few connections.
func LoadKeys(ctx context.Context, addr string, keys, size int) error {
	const loaders = 4
	value := strings.Repeat("x", size)
	faults := make([]error, loaders)
	var all sync.WaitGroup
	for i := range loaders {
		first, end := keys*i/loaders, keys*(i+1)/loaders
		all.Go(func() {
			faults[i] = pipelined(ctx, addr, end-first, func(c *Conn, from, n int) { c.sendKeys(first+from, n, value) })
		})
	}
	all.Wait()
	return errors.Join(faults...)
}

// sendKeys sets n keys from the number first on.
func (c *Conn) sendKeys(first, n int, value string) {
	args := append(make([]string, 0, 2*n+1), "MSET")
	for i := range n {
		args = append(args, fmt.Sprintf("key:%012d", first+i), value)
	}
	c.Send(args...)
}

// LoadList pushes n elements of size bytes to a list.
func LoadList(ctx context.Context, addr, key string, n, size int) error {
	value := strings.Repeat("x", size)
	return pipelined(ctx, addr, n, func(c *Conn, _, n int) {
		c.Send(append([]string{"LPUSH", key}, slices.Repeat([]string{value}, n)...)...)
	})
}

// pipelined sends what covers 0 to n in commands of up to 100, 50 at a time.
func pipelined(ctx context.Context, addr string, n int, send func(c *Conn, from, n int)) error {
	c, err := Dial(ctx, addr)
	if err != nil {
		return err
	}
	defer c.Close()
	for from := 0; from < n; {
		sent := 0
		for ; sent < 50 && from < n; sent++ {
			part := min(100, n-from)
			send(c, from, part)
			from += part
		}
		if err := c.Flush(); err != nil {
			return err
		}
		for range sent {
			if _, err := c.Receive(); err != nil {
				return fmt.Errorf("load %s: %w", addr, err)
			}
		}
	}
	return nil
}
