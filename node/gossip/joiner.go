package gossip

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/memberlist"
)

const (
	joinSoon   = time.Second      // between attempts while nodes are missing
	joinLater  = 15 * time.Second // between looks at the names otherwise
	lookupTime = 2 * time.Second
)

// A joiner keeps looking for the nodes that this one was told to find. They
// may start later, move, or be cut off for so long that both sides gave up.
type joiner struct {
	targets []string // host:port
	self    string   // this node's own address, which its targets may contain
	list    *memberlist.Memberlist
	peers   *peers
	log     *slog.Logger
	stop    chan struct{}

	last string // what was last logged
}

func (j *joiner) run() {
	for {
		wait, kick := joinLater, j.peers.kick
		if !j.round() {
			wait, kick = joinSoon, nil // no sooner than that
		}
		select {
		case <-j.stop:
			return
		case <-kick:
		case <-time.After(wait):
		}
	}
}

// round joins all targets that are not known as alive, and reports whether
// none is missing then.
func (j *joiner) round() bool {
	addrs, errs := j.resolve()
	moved := j.peers.sought()
	addrs = append(addrs, moved...)
	alive := j.peers.alive()
	for _, addr := range addrs {
		if alive[addr] || j.stopped() {
			continue
		}
		if _, err := j.list.Join([]string{addr}); err != nil {
			errs = append(errs, fmt.Errorf("join %s: %w", addr, flat(err)))
		}
	}
	if !j.stopped() {
		j.report(errs)
	}
	n := len(j.peers.alive())
	return len(moved) == 0 && len(errs) == 0 && (len(j.targets) == 0 || n > 0 && n >= len(addrs))
}

func (j *joiner) stopped() bool {
	select {
	case <-j.stop:
		return true
	default:
		return false
	}
}

// resolve returns the addresses of all targets but this node's own, each once.
// memberlist would ask the name server for all records over TCP first, which
// some never answer.
func (j *joiner) resolve() (addrs []string, errs []error) {
	ctx, cancel := context.WithTimeout(context.Background(), lookupTime)
	defer cancel()
	seen := map[string]bool{j.self: true}
	for _, target := range j.targets {
		host, port, err := split(target)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		ips := []string{host}
		if net.ParseIP(host) == nil {
			if ips, err = lookup(ctx, host); err != nil {
				errs = append(errs, err)
				continue
			}
		}
		for _, ip := range ips {
			addr := net.JoinHostPort(ip, strconv.Itoa(port))
			if !seen[addr] {
				seen[addr] = true
				addrs = append(addrs, addr)
			}
		}
	}
	return addrs, errs
}

// report logs what is wrong when it changed, not at each attempt.
func (j *joiner) report(errs []error) {
	lines := make([]string, len(errs))
	for i, err := range errs {
		lines[i] = err.Error()
	}
	sort.Strings(lines)
	now := strings.Join(lines, "; ")
	switch {
	case now == j.last:
		return
	case now == "":
		j.log.Info("gossip found all join addresses")
	default:
		j.log.Warn("gossip has not found all join addresses, still trying", "err", now)
	}
	j.last = now
}

// flat returns the cause in one line and without what changes with each
// attempt, such as the local port.
func flat(err error) error {
	var op *net.OpError
	if errors.As(err, &op) && op.Err != nil {
		return op.Err
	}
	return errors.New(strings.Join(strings.Fields(err.Error()), " "))
}
