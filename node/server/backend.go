package server

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/node/backup"
	"github.com/trivetdb/trivet/resp"
)

// ErrNoLeader means that a command was surely not applied, because no leader
// could be reached in time.
var ErrNoLeader = errors.New("no leader")

// ErrUnknown means that a write was proposed and that it could not be learned
// in time whether it was applied. The client's connection must be closed
// without a reply: any reply would claim too much.
var ErrUnknown = errors.New("outcome unknown")

// A Backend is the node as its sessions see it. All methods may be called from
// many goroutines.
type Backend interface {
	// Write has the group's commands applied exactly once, with nothing in
	// between. It returns one reply a command, and the index of the log entry
	// that they were applied in. The group must not be changed before Write
	// returns. Errors are ErrNoLeader and ErrUnknown.
	Write(ctx context.Context, db int, g *fsm.Group) (replies []resp.Value, index uint64, err error)

	// Read answers a command of a Read row from this node's state, once that
	// holds the entry at minIndex. A linearizable read also waits until the
	// state holds all writes that were acknowledged anywhere before the call.
	// Time and Seed of the request are filled in here. The error is
	// ErrNoLeader.
	Read(ctx context.Context, r fsm.Request, minIndex uint64, linearizable bool) (resp.Value, error)

	// CatchUp waits until a read would find this node's state as Read wants it, so
	// that Read, called next with the same minIndex, need not wait. The error is
	// ErrNoLeader.
	CatchUp(ctx context.Context, minIndex uint64, linearizable bool) error

	// Settle waits until this node's state holds all that was acknowledged
	// anywhere before the node was started. The error is ErrNoLeader.
	Settle(ctx context.Context) error

	// Ready reports whether a blocking command had better be tried at once: it
	// finds something, or fails, and nobody waits for the same.
	Ready(db int, w fsm.Wait) bool

	// Queue lets a client wait among those of all nodes, first come first
	// served. The node calls turn, which must not block, whenever the client
	// should try, by Write. First says that a key is of a wrong type, as the
	// client should hear since it has just come.
	Queue(db int, w fsm.Wait, turn func(first bool)) Place

	// Level returns the cluster's level, as this node's state has it.
	Level() uint64

	// Leads reports whether this node is the leader, as far as it knows.
	Leads() bool

	// Leader returns the leader, waiting for one for a short time. The error
	// is ErrNoLeader.
	Leader(ctx context.Context) (Member, error)

	// Status describes this node, without asking others.
	Status() Status

	// Members describes all members, each as it says itself where it answers.
	Members(ctx context.Context) []Member

	// Digest returns the index of the entry that this node's state holds, and a
	// digest of the state's bytes. Two nodes that are sound have the same digest
	// at the same index. It reads the whole state.
	Digest() (index uint64, digest string, err error)

	// Backup returns a view of the state, with all that was acknowledged anywhere
	// before the call, and what to say of it. The error may be ErrNoLeader.
	Backup(ctx context.Context) (*fsm.Frozen, backup.Header, error)

	// Scratch returns an empty file in the data directory that is gone once it is
	// closed.
	Scratch() (*os.File, error)

	// Restore has all nodes hold what a backup holds, and nothing else, once all of
	// it was found whole. Where there are keys already it is refused unless force
	// is set. Clients' writes go on; those before the end of it are replaced.
	Restore(ctx context.Context, f io.ReadSeeker, force bool) (backup.Header, error)

	// Remove takes the member called name (a node's name or its raft ID) out
	// of the cluster. It is refused where the quorum would not be safe.
	Remove(ctx context.Context, name string) error

	// Promote makes a voter of a member that is none yet.
	Promote(ctx context.Context, name string) error

	// Transfer hands the leadership to the member called name, or to the most
	// current one where name is empty.
	Transfer(ctx context.Context, name string) error

	Operator
}

// A Place is where a client stands that waits.
type Place interface {
	// Known is closed when the leader knows of the client and it has had the turn
	// that was there for it when it came. It stays open where others, who came
	// before, were just trying.
	Known() <-chan struct{}
	// Stay is for a client that had its turn and found nothing.
	Stay()
	// Leave is for a client that got something, or has gone.
	Leave()
}

// A Member is one node of the cluster.
type Member struct {
	Name    string `json:"name"`
	ID      string `json:"id"`      // raft's ID: the name and what tells one data directory from the next
	Role    string `json:"role"`    // leader, follower or candidate; "" where the node does not answer
	Voter   bool   `json:"voter"`   // counts for the quorum
	Alive   bool   `json:"alive"`   // answered just now
	Term    uint64 `json:"term"`    // raft's
	Applied uint64 `json:"applied"` // index of the log entry that its state holds
	Lag     uint64 `json:"lag"`     // log entries behind the leader
	Peer    string `json:"peer"`    // addresses, as host:port, for other nodes
	Redis   string `json:"redis"`   // for Redis clients
	Classic string `json:"classic"` // for the article's clients
	HTTP    string `json:"http"`    // for probes and metrics
	Version string `json:"version"`
	// Level is the cluster's level as the node's state has it, NewestLevel the
	// highest one that its version knows; see fsm.NewestLevel.
	Level       uint64 `json:"level"`
	NewestLevel uint64 `json:"newest_level"`
}

// A Status is what a node knows of itself.
type Status struct {
	Member
	Cluster      string         `json:"cluster"`         // identity of the cluster, "" before there is one
	LeaderID     string         `json:"leader_id"`       // "" for none known
	LeaderRedis  string         `json:"leader_redis"`    // address for Redis clients, where known
	CommitIndex  uint64         `json:"commit_index"`    // raft's
	LastIndex    uint64         `json:"last_index"`      // of the log
	LastTerm     uint64         `json:"last_term"`       // of the log
	FirstIndex   uint64         `json:"first_index"`     // of the log
	SnapshotAt   uint64         `json:"snapshot_index"`  // index of the newest snapshot
	LogBytes     int64          `json:"log_bytes"`       // of entries since the newest snapshot
	SnapshotTime int64          `json:"snapshot_time"`   // of the newest snapshot, Unix seconds; 0 for none
	LastContact  int64          `json:"last_contact_ms"` // milliseconds since the leader was heard of; 0 at the leader, -1 for never
	Peers        int            `json:"peers"`           // members besides this one
	Keys         map[int][2]int `json:"keys"`            // database -> keys, keys that expire; only databases with keys
	ExpiredKeys  uint64         `json:"expired_keys"`
	DataBytes    int64          `json:"data_bytes"`     // what keys and values take, by the estimate that maxmemory limits
	Batches      uint64         `json:"batches"`        // batches proposed by this node
	Entries      uint64         `json:"entries"`        // entries applied by this node
	Resent       uint64         `json:"batches_resent"` // batches that this node sent more than once
	LeaderChange uint64         `json:"leader_changes"` // leaders seen since the start
}
