package node

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// compareSkipped compares the entries that this node and the leader leave out. One
// that only one of them has applied makes their states differ for ever, so this
// node stops.
func (n *Node) compareSkipped() {
	to, _ := n.leaders.get()
	if to == (leader{}) || to.id == n.id {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	h, err := n.hello(ctx, to.id, to.addr)
	if err != nil || h.ID != string(to.id) {
		return
	}
	own := n.self()
	both := min(own.Applied, h.Applied)
	for _, index := range slices.Concat(own.Skipped, h.Skipped) {
		here, there := slices.Contains(own.Skipped, index), slices.Contains(h.Skipped, index)
		if here != there && index <= both {
			n.fail(fmt.Errorf("log entry %d: %s, and the leader %s: their states differ; start ALL nodes with the same --skip-entry, "+
				"and one that has applied the entry with an empty data directory: it joins as a new one", index, did("this node", here), did(h.Name, there)))
			return
		}
	}
}

func did(name string, skipped bool) string {
	if skipped {
		return name + " has left it out"
	}
	return name + " has applied it"
}
