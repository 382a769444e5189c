package server

import "context"

// An Operator is what operators' commands ask of the node. It is a part of
// Backend.
type Operator interface {
	// Followers returns how many members besides the leader are known to hold
	// the entry at index. It returns as soon as they are enough, and what it
	// knows when ctx ends. It asks nobody where a majority is enough: an index
	// that a client was told of is held by one.
	Followers(ctx context.Context, index uint64, enough int) int

	// Replicas describes the other members that have answered lately, as they did
	// then. It asks nobody; only the leader knows them all.
	Replicas() []Member

	// Save takes a snapshot of this node's state, unless nothing has changed
	// since the last.
	Save(ctx context.Context) error

	// Stop asks the process to stop this node in order, as a SIGTERM would. It
	// does not wait for it.
	Stop()
}
