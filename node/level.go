package node

import (
	"context"
	"strconv"
	"time"

	"github.com/trivetdb/trivet/fsm"
)

// raiseLevel has the leader raise the cluster's level once every member has said
// that it knows a higher one; see fsm.NewestLevel. One that does not answer may be
// of an older version, so all have to.
func (n *Node) raiseLevel() {
	level := n.machine.level.Load()
	if level == fsm.NewestLevel || !n.Leads() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	known := uint64(fsm.NewestLevel)
	for _, s := range n.servers() {
		h, err := n.hello(ctx, s.ID, s.Address)
		if err != nil || h.ID != string(s.ID) {
			return
		}
		known = min(known, h.NewestLevel)
	}
	if known <= level {
		return
	}
	var g fsm.Group
	g.Add(fsm.Lookup("TX|LEVEL"), [][]byte{nil, strconv.AppendUint(nil, known, 10)}, nil)
	if _, _, err := n.Write(ctx, 0, &g); err != nil {
		n.cfg.Log.Warn("cannot raise the cluster's level yet", "level", known, "err", err)
		return
	}
	n.cfg.Log.Info("the cluster's level is raised", "level", known)
}

// Level implements server.Backend.
func (n *Node) Level() uint64 { return n.machine.level.Load() }
