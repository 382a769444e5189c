package node

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/hashicorp/raft"

	"github.com/trivetdb/trivet/fsm"
)

// recoverName returns the node that a value of Config.Recover is for.
func recoverName(recover string) (name string, ok bool) {
	name, token, ok := strings.Cut(recover, ":")
	return name, ok && name != "" && token != ""
}

// recoverQuorum makes this node the only voter of a cluster of its own, with all
// that its log holds, where that was asked for and not done before. The cluster has
// a new identity: nodes that still have the old one's data find no link to it.
//
// Each step may be done again, so a crash in between does no harm. The token is noted
// last. A fresh node only notes it: once it has joined, it must not leave again.
func (n *Node) recoverQuorum(cfg *raft.Config, trans raft.Transport) error {
	token := n.cfg.Recover
	if name, _ := recoverName(token); token == "" || name != n.cfg.Name {
		return nil
	}
	switch before, err := n.dir.Recovered(); {
	case err != nil:
		return fmt.Errorf("read which recovery was done: %w", err)
	case before == token:
		n.cfg.Log.Info("this recovery was done before; another one needs another token", "recover", token)
		return nil
	}
	switch fresh, err := n.dir.Fresh(); {
	case err != nil:
		return err
	case fresh:
		n.cfg.Log.Warn("there is nothing to recover: the data directory is new", "recover", token)
		return n.dir.SetRecovered(token)
	}
	var broken error
	scratch := newMachine(func(err error) { broken = err }, func([]fsm.Message) {}, 0)
	scratch.note, scratch.skip = n.dir.Applying(), n.cfg.SkipEntries
	alone := raft.Configuration{Servers: []raft.Server{{ID: n.id, Address: raft.ServerAddress(n.addresses.peer)}}}
	err := raft.RecoverCluster(cfg, scratch, n.dir.Log(), n.dir.Stable(), n.dir.Snapshots(), trans, alone)
	if broken != nil {
		err = broken
	}
	if err != nil {
		return fmt.Errorf("recover the cluster: %w", err)
	}
	old := n.dir.Identity().Cluster
	sum := sha256.Sum256([]byte(old + "\n" + token))
	if err := n.dir.Recluster(hex.EncodeToString(sum[:8])); err != nil {
		return err
	}
	if err := n.dir.SetRecovered(token); err != nil {
		return fmt.Errorf("note the recovery: %w", err)
	}
	n.cfg.Log.Warn("recovered: this node is the only voter now; start the others with empty data directories",
		"recover", token, "cluster", n.dir.Identity().Cluster, "was", old)
	return nil
}
