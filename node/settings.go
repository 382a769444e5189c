package node

import (
	"context"
	"strconv"
	"time"

	"github.com/trivetdb/trivet/fsm"
)

// limitMemory has the leader put its own --max-memory into the log, where the
// state has another, so that all nodes refuse the same commands. A leader with
// another flag changes it; what CONFIG SET set counts for more.
func (n *Node) limitMemory() {
	if !n.Leads() {
		return
	}
	limit, _ := fsm.ParseBytes(n.cfg.MaxMemory)
	own := strconv.FormatUint(limit, 10)
	said := "0"
	n.machine.view(func(s *fsm.State) {
		if v, ok := s.Settings().Get(fsm.MemoryFlag); ok {
			said = v
		}
	})
	if own == said {
		return
	}
	if own == "0" {
		own = fsm.Unset
	}
	var g fsm.Group
	g.Add(fsm.Lookup("SETTINGS|SET"), [][]byte{nil, []byte(fsm.MemoryFlag), []byte(own)}, nil)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if _, _, err := n.Write(ctx, 0, &g); err != nil {
		n.cfg.Log.Warn("cannot set max-memory yet", "err", err)
	}
}
