package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// benchmarkAll runs a redis-benchmark for each address, all at once, and adds
// their rates up. Latencies are the worst of all.
func benchmarkAll(ctx context.Context, addrs, args []string) (Result, error) {
	results, faults := make([]Result, len(addrs)), make([]error, len(addrs))
	var all sync.WaitGroup
	for i, addr := range addrs {
		all.Go(func() { results[i], faults[i] = redisBenchmark(ctx, addr, args) })
	}
	all.Wait()
	sum := results[0]
	for _, r := range results[1:] {
		sum.Ops += r.Ops
		sum.Rate += r.Rate
		sum.Seconds = max(sum.Seconds, r.Seconds)
		sum.P50, sum.P99, sum.P999 = max(sum.P50, r.P50), max(sum.P99, r.P99), max(sum.P999, r.P999)
	}
	return sum, errors.Join(faults...)
}

func redisBenchmark(ctx context.Context, addr string, args []string) (Result, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return Result{}, err
	}
	cmd := exec.CommandContext(ctx, "redis-benchmark", append([]string{"-h", host, "-p", port, "--precision", "3"}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.CombinedOutput()
	if err == nil {
		var r Result
		if r, err = parseBenchmark(string(out)); err == nil {
			return r, nil
		}
	}
	text := strings.TrimSpace(string(out))
	return Result{}, fmt.Errorf("redis-benchmark %s: %w\n%s", strings.Join(args, " "), err, text[max(0, len(text)-1000):])
}

var (
	completed  = regexp.MustCompile(`(\d+) requests completed in ([\d.]+) seconds`)
	throughput = regexp.MustCompile(`throughput summary: ([\d.]+) requests`)
	summary    = regexp.MustCompile(`avg +min +p50 +p95 +p99 +max\s+[\d.]+ +[\d.]+ +([\d.]+) +[\d.]+ +([\d.]+)`)
	percentile = regexp.MustCompile(`([\d.]+)% <= ([\d.]+) milliseconds`)
)

// parseBenchmark reads the long form of redis-benchmark's output. The 99.9th
// percentile is the first at or after it in the table of latencies.
func parseBenchmark(out string) (Result, error) {
	table, _, _ := strings.Cut(out, "Cumulative distribution")
	done, rate, latency := completed.FindStringSubmatch(out), throughput.FindStringSubmatch(out), summary.FindStringSubmatch(out)
	if done == nil || rate == nil || latency == nil {
		return Result{}, errors.New("its output cannot be read")
	}
	r := Result{Ops: int64(number(done[1])), Seconds: number(done[2]), Rate: number(rate[1]), P50: number(latency[1]), P99: number(latency[2])}
	for _, row := range percentile.FindAllStringSubmatch(table, -1) {
		if number(row[1]) >= 99.9 {
			r.P999 = number(row[2])
			return r, nil
		}
	}
	return Result{}, errors.New("its output has no 99.9th percentile")
}

func number(s string) float64 {
	n, _ := strconv.ParseFloat(s, 64) // the patterns match nothing else
	return n
}
