// Package node ties raft, the state machine, the links between nodes and the
// front for clients into one process: see [Open].
//
// The path of a write: a session hands its group to the [proposer], which makes
// the node's next numbered batch; the batch goes to the leader, over a link or
// by a local call; the leader's [sequencer] puts the batches that wait into one
// log entry; the [machine] applies it on every node, and the leader's results
// go back to each origin. A batch whose answer is lost is sent again, under its
// number, to the next leader.
//
// The invariant: a batch has one number for ever, an origin has one batch
// without an answer at most, and a client hears nothing that is not durable on
// a majority.
package node
