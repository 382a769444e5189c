package gossip

import (
	"encoding/json"
	"fmt"

	"github.com/hashicorp/memberlist"
)

// Meta is what a node tells of itself. Its encoding must be shorter than 512
// bytes, so that it fits into one packet beside all else.
type Meta struct {
	Name    string `json:"n"`           // the node's name
	ID      string `json:"i"`           // raft's ID of the node
	Peer    string `json:"p"`           // address for other nodes, as host:port
	Cluster string `json:"c,omitempty"` // the cluster's identity, "" where none is known
	Version string `json:"v,omitempty"` // of trivet
	Member  bool   `json:"m,omitempty"` // holds data of the cluster
	Expect  int    `json:"e,omitempty"` // --bootstrap-expect, 0 for none
}

// encode returns an error where the limit is exceeded. Nothing is cut off: a
// shortened address would be a wrong one.
func (m Meta) encode() ([]byte, error) {
	b, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	if len(b) >= memberlist.MetaMaxSize {
		return nil, fmt.Errorf("metadata takes %d bytes, the limit is %d: use shorter names",
			len(b), memberlist.MetaMaxSize-1)
	}
	return b, nil
}
