package node

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/trivetdb/trivet/node/store"
)

// A Labeler tells whoever routes to the nodes which of them leads. Label may be
// called from many goroutines, blocks as long as ctx allows at most, and says of
// a node that is not there nothing.
type Labeler interface {
	Label(ctx context.Context, node string, leads bool) error
}

const (
	labelEvery = 10 * time.Second       // while all is well
	labelSoon  = 500 * time.Millisecond // after a failure, then twice that and so on
	// rerouteTime is how long who goes by the labels may take to see a new leader:
	// kube-proxy changes its rules once a second.
	rerouteTime = 2 * time.Second
)

// label says who leads for as long as this node does, until ctx ends: at once, and
// again and again, for someone may have changed a label, and a former leader's
// last word may have come late.
func (n *Node) label(ctx context.Context) {
	soon, logged := labelSoon, ""
	for {
		err := n.labelAll(ctx)
		if ctx.Err() != nil {
			return
		}
		next, text := labelEvery, ""
		if err == nil {
			soon = labelSoon
		} else {
			n.metrics.labels.Inc()
			text = err.Error()
			next, soon = soon, min(2*soon, labelEvery)
		}
		switch {
		case text == logged:
		case err != nil:
			n.cfg.Log.Warn("cannot label the nodes, still trying", "err", err)
		default:
			n.cfg.Log.Info("the nodes are labelled again")
		}
		logged = text
		if pause(ctx, next) != nil {
			return
		}
	}
}

// labelAll labels this node first: for a moment there may be two leaders by their
// labels, rather than none, and clients of the former one are forwarded.
func (n *Node) labelAll(ctx context.Context) error {
	faults := []error{n.cfg.Labels.Label(ctx, n.cfg.Name, true)}
	var mu sync.Mutex
	var wait sync.WaitGroup
	for _, s := range n.servers() {
		name, _, ok := store.ParseRaftID(s.ID)
		if !ok || name == n.cfg.Name {
			continue
		}
		wait.Go(func() {
			if err := n.cfg.Labels.Label(ctx, name, false); err != nil {
				mu.Lock()
				defer mu.Unlock()
				faults = append(faults, err)
			}
		})
	}
	wait.Wait()
	return errors.Join(faults...)
}
